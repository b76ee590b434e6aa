// No package needed: one WebSocket, one JSON object per message.

/** Joins a room; every message of the server goes to `onMessage(message)`. Resolves with `room:joined`. */
export async function joinNatively({ server, room, name, onMessage }) {
  const socket = new WebSocket(server); // ws://host:3000/ or wss://...
  const send = (message) => socket.send(JSON.stringify(message));
  const joined = await new Promise((resolve, reject) => {
    socket.onopen = () => send({ type: 'join', roomId: room, metadata: { displayName: name } });
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === 'room:joined') resolve(message); // peerId, peers, iceServers, reconnectToken
      if (message.type === 'error') reject(new Error(message.code));
      onMessage(message);
    };
    socket.onclose = ({ reason }) => reject(new Error(reason));
  });
  return {
    peerId: joined.peerId,
    peers: joined.peers, // who is there: [{ id, metadata, ... }]
    offer: (to, sdp) => send({ type: 'offer', target: to, sdp }), // to '__sfu__' for media through the server
    data: (payload, to) => send({ type: 'data', payload, ...(to && { target: to }) }),
    leave: () => { socket.onclose = null; socket.close(); },
  };
}
