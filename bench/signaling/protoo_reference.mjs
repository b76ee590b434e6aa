// A protoo-server application with the two methods that the comparison needs, written as its documentation shows. Prints its port.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(fileURLToPath(new URL('../../tests/browser/package.json', import.meta.url)));
const protoo = require('protoo-server');

const http = createServer();
const server = new protoo.WebSocketServer(http, { maxReceivedFrameSize: 960000, maxReceivedMessageSize: 960000, fragmentOutgoingMessages: true, fragmentationThreshold: 960000 });
const rooms = new Map();
server.on('connectionrequest', (info, accept) => {
  const query = new URL(info.request.url, 'http://x').searchParams;
  const roomId = query.get('roomId');
  let room = rooms.get(roomId);
  if (!room) {
    room = new protoo.Room();
    rooms.set(roomId, room);
  }
  const peer = room.createPeer(query.get('peerId'), accept());
  peer.data.joined = false;
  const others = () => room.peers.filter((other) => other !== peer && other.data.joined);
  peer.on('request', (request, answer, reject) => {
    if (request.method === 'join') {
      peer.data.joined = true;
      answer({ peers: others().map((other) => ({ id: other.id })) });
      for (const other of others()) other.notify('newPeer', { id: peer.id }).catch(() => {});
    } else if (request.method === 'relay') {
      const to = room.getPeer(request.data.peerId);
      if (!to?.data.joined) return reject(404, `peer not found: ${request.data.peerId}`);
      to.notify('relayed', { peerId: peer.id, data: request.data.data }).catch(() => {});
      answer({});
    } else {
      reject(500, `Unknown method: ${request.method}`);
    }
  });
  peer.on('close', () => { for (const other of others()) other.notify('peerClosed', { peerId: peer.id }).catch(() => {}); });
});
http.listen(0, '127.0.0.1', () => console.log(`port ${http.address().port}`));
