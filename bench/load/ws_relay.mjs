// What a relay on npm's `ws` is usually like: rooms of sockets, JSON in, JSON out. The yardstick of signaling.mjs.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
const require = createRequire(new URL('../../tests/browser/package.json', import.meta.url));
const { WebSocketServer } = require('ws');

const rooms = new Map();
const server = new WebSocketServer({ port: Number(process.argv[2] ?? 0), host: '127.0.0.1', perMessageDeflate: false, clientTracking: false });
server.on('connection', (socket) => {
  const peer = { id: randomUUID(), socket, room: null };
  socket.send(JSON.stringify({ type: 'connected', peerId: peer.id }));
  socket.on('message', (text) => {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (message.type === 'join') {
      peer.room = message.roomId;
      if (!rooms.has(peer.room)) rooms.set(peer.room, new Map());
      const members = rooms.get(peer.room);
      const joined = JSON.stringify({ type: 'peer:joined', peer: { id: peer.id, metadata: message.metadata } });
      for (const other of members.values()) other.socket.send(joined);
      socket.send(JSON.stringify({ type: 'room:joined', roomId: peer.room, peerId: peer.id, peers: [...members.keys()] }));
      members.set(peer.id, peer);
    } else if (message.type === 'data' && peer.room) {
      const out = JSON.stringify({ type: 'data', from: peer.id, payload: message.payload });
      for (const other of rooms.get(peer.room).values()) if (other !== peer) other.socket.send(out);
    }
  });
  socket.on('close', () => rooms.get(peer.room)?.delete(peer.id));
});
server.on('listening', () => console.log(server.address().port));
