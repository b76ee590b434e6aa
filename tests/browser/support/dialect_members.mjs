// One way of entering a room for each dialect, by hand and with an address of choice (the server must trust the proxy header).
// enter() gives {refused: what the client was told}, or a member: {ended: a promise of how it was put out, say(text), said: texts
// of others, leave()}.
import { randomUUID } from 'node:crypto';
import WebSocket from 'ws';

const LIMIT_MS = 10_000;
const within = (what, promise) => {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what} within ${LIMIT_MS} ms`)), LIMIT_MS); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

/** `hear(text, control)` is called for each message; control.joined() and control.refused(why) settle the entering. */
function entering(url, { from, protocol = [], hear, goodbye, say }) {
  const socket = new WebSocket(url, protocol, { headers: { 'x-forwarded-for': from }, perMessageDeflate: false });
  const member = { said: [], say: (text) => say(socket, text), leave: () => socket.close() };
  let farewell;
  const closed = new Promise((resolve) => { socket.once('close', (code, reason) => resolve(farewell ?? [code, reason.toString()])); });
  member.ended = closed;
  return within('an answer', new Promise((resolve, reject) => {
    const control = {
      socket,
      member,
      joined: () => resolve(member),
      refused: (...why) => resolve({ refused: why, ended: closed }),
      farewell: (...words) => { farewell = words; goodbye?.(socket); },
    };
    socket.on('message', (data) => hear(data.toString(), control));
    socket.once('error', reject);
    closed.then(([code, reason]) => resolve({ refused: [code, reason], ended: closed }));
    control.opened = new Promise((open) => { socket.once('open', open); });
    socket.once('open', () => hear(null, control));
  }));
}

const audioOffer = `v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF
a=setup:actpass
a=rtpmap:111 opus/48000/2
`.replaceAll('\n', '\r\n');

/** Socket.IO by hand: `joined(control, {event, argument})` is told of each event. */
function socketio(server, { from, auth, begin, told, say }) {
  return entering(`${server.socketUrl}socket.io/?EIO=4&transport=websocket`, {
    from,
    say,
    hear: (text, control) => {
      if (text === null) return;
      if (text[0] === '0') control.socket.send(`40${JSON.stringify(auth)}`);
      else if (text === '2') control.socket.send('3');
      else if (text.startsWith('40')) begin(control, JSON.parse(text.slice(2)).sid);
      else if (text.startsWith('44')) { control.refused('connect_error', JSON.parse(text.slice(2)).message); control.socket.close(); }
      else if (text === '41') { control.farewell('io server disconnect'); control.socket.close(); }
      else if (text.startsWith('42')) told(control, ...JSON.parse(text.slice(2)));
    },
  });
}
const emit = (socket, event, argument) => socket.send(`42${JSON.stringify([event, argument])}`);

export const dialectMembers = {
  protoo: (server, { room, from, token }) => entering(
    `${server.socketUrl}?roomId=${room}&peerId=${randomUUID()}${token ? `&token=${encodeURIComponent(token)}` : ''}`, {
      from,
      protocol: 'protoo',
      say: (socket, text) => socket.send(JSON.stringify({ notification: true, method: 'message', data: { text } })),
      hear: (text, { socket, member, joined, refused }) => {
        if (text === null) return socket.send('{"request":true,"id":1,"method":"join","data":{}}');
        const message = JSON.parse(text);
        if (message.response) return message.ok ? joined() : refused(message.errorCode, message.errorReason);
        if (message.method === 'message') member.said.push(message.data.data.text);
        return undefined;
      },
    }),

  partyRooms: (server, { room, from, token }) => entering(
    `${server.socketUrl}party/${room}?_pk=${randomUUID()}${token ? `&token=${encodeURIComponent(token)}` : ''}`, {
      from,
      say: (socket, text) => socket.send(JSON.stringify({ text })),
      hear: (text, { member, joined }) => {
        if (text === null) return;
        const message = JSON.parse(text);
        if (message.type === 'info:peerlist') joined();
        else member.said.push(message.text);
      },
    }),

  rtcio: (server, { room, from, token }) => socketio(server, {
    from,
    auth: token ? { policyToken: token } : {},
    begin: ({ socket }) => emit(socket, 'join-room', { roomId: room, name: 'n' }),
    told: ({ member, joined, refused }, event, argument) => {
      if (event === 'join-ok') joined();
      if (event === 'join-error') refused(argument.reason, argument.message);
      if (event === 'chat-message') member.said.push(argument.text);
    },
    say: (socket, text) => emit(socket, 'chat-message', { roomId: room, text }),
  }),

  /** The first one makes the room, and lets in everybody. */
  wrtcSignal: (server, { room, from, token, appToken }) => {
    let session;
    let id;
    const others = new Set();
    return socketio(server, {
      from,
      auth: { token: appToken, ...(token ? { policyToken: token } : {}) },
      begin: ({ socket }, sid) => { id = sid; emit(socket, 'auth-request', { token: appToken }); },
      told: ({ socket, member, joined, refused }, event, argument) => {
        if (event === 'auth-accept') { session = argument.token; emit(socket, 'room-create-request', { auth: session, room }); }
        if (event === 'room-create-accept') joined();
        if (event === 'room-create-reject') {
          if (/already taken/.test(argument.message)) emit(socket, 'room-join-request', { auth: session, room });
          else refused('room-create-reject', argument.message);
        }
        if (event === 'room-join-request') emit(socket, 'room-join-accept', { auth: session, room: argument.room, peer_id: argument.peer_id });
        if (event === 'room-join-accept') { for (const peer of argument.peers) others.add(peer); joined(); }
        if (event === 'room-user-join' && argument.peer_id !== id) others.add(argument.peer_id);
        if (event === 'room-join-reject') refused('room-join-reject', argument.message);
        if (event === 'session-description') member.said.push(argument.session_description.sdp);
      },
      say: (socket, text) => { for (const to of others) emit(socket, 'relay-session-description', { auth: session, to, room, session_description: { type: 'offer', sdp: text } }); },
    });
  },

  whip: async (server, { room, from, token }) => {
    const headers = { 'content-type': 'application/sdp', 'x-forwarded-for': from, ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const reply = await fetch(`${server.url}whip/${room}`, { method: 'POST', body: audioOffer, headers });
    if (reply.status !== 201) return { refused: [reply.status, (await reply.json()).detail] };
    await reply.text();
    const session = new URL(reply.headers.get('location'), server.url);
    const gone = async () => {
      for (let waited = 0; waited < LIMIT_MS; waited += 50) {
        const { status } = await fetch(session);
        if (status !== 204) return ['session', status];
        await new Promise((resolve) => { setTimeout(resolve, 50); });
      }
      return ['session', 204];
    };
    return { get ended() { return gone(); }, leave: () => fetch(session, { method: 'DELETE' }) };
  },
};
