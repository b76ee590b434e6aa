// npm install protoo-client
import { Peer, WebSocketTransport } from 'protoo-client';

/** Joins a room; messages from others go to `onMessage(peerId, data)`. Resolves when this peer has joined. */
export async function joinByProtoo({ server, room, name, onMessage }) {
  const peer = new Peer(new WebSocketTransport(`${server}/?roomId=${encodeURIComponent(room)}&peerId=${encodeURIComponent(name)}`));
  peer.on('notification', ({ method, data }) => {
    if (method === 'relayed' || method === 'message') onMessage(data.peerId, data.data);
  });
  await new Promise((resolve, reject) => {
    peer.on('open', resolve);
    peer.on('close', () => reject(new Error('the server closed this peer')));
  });
  const { peers } = await peer.request('join', { displayName: name });
  return {
    peer,
    peers, // who is there: [{ id, displayName, device }]
    send: (to, data) => peer.request('relay', { peerId: to, data }), // an offer, an answer, a candidate, anything
    broadcast: (data) => peer.notify('message', data),
    ask: (to, method, data) => peer.request('askPeer', { peerId: to, method, data }),
    leave: () => peer.close(),
  };
}
