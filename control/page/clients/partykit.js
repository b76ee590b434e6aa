// npm install partysocket
import PartySocket from 'partysocket';

/** Joins a room: `onPeers(ids)` whenever somebody comes or goes, `onMessage(data)` for what anybody else sends. */
export function joinByPartySocket({ host, room, onPeers, onMessage }) {
  const socket = new PartySocket({ host, room, party: 'main' });
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === 'info:peerlist') onPeers(message.peers);
    else onMessage(message);
  });
  return {
    id: socket.id,
    send: (message) => socket.send(JSON.stringify(message)), // an offer, an answer, a candidate: everybody else gets it
    leave: () => socket.close(),
  };
}

/** TURN servers with credentials that are good for a while, for `new RTCPeerConnection({ iceServers })`. */
export async function iceServersOf({ origin, room }) {
  const response = await fetch(`${origin}/parties/main/${encodeURIComponent(room)}/turn`);
  return response.ok ? (await response.json()).iceServers : [];
}
