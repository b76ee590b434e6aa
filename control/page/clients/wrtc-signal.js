// npm install socket.io-client
// How a wrtc-signal client signs in, and opens or enters a room. `io` is socket.io-client's (4.x), `url` the server's.
export async function appToken(url, app, password) {
  const reply = await fetch(new URL('/app', url), {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ app, password }),
  });
  const { error, response } = await reply.json();
  if (error) throw new Error(error);
  return response.token;
}

/** Resolves with the socket and a `say(event, fields)` that adds the session token. */
export function signIn(io, url, token, { peerinfo, options = {} } = {}) {
  const socket = io(url, { transports: ['websocket'], ...options, auth: { token } });
  return new Promise((resolve, reject) => {
    socket.on('connect_error', reject);
    socket.on('auth-reject', ({ message }) => reject(new Error(message)));
    socket.on('auth-accept', ({ token: session }) => resolve({
      socket,
      say: (event, fields = {}) => socket.emit(event, { auth: session, ...fields }),
    }));
    socket.on('connect', () => socket.emit('auth-request', { token, peerinfo }));
  });
}

/** Opens a room and lets in whoever `decide(request)` says yes to. */
export function openRoom({ socket, say }, room, decide = () => true) {
  socket.on('room-join-request', (request) => (
    say(decide(request) ? 'room-join-accept' : 'room-join-reject', { room: request.room, peer_id: request.peer_id })));
  return answerTo(socket, () => say('room-create-request', { room }), 'room-create-accept', 'room-create-reject');
}

/** Asks the owner; resolves with {peers, peersinfo}. The newcomer then makes the offers. */
export function enterRoom({ socket, say }, room) {
  return answerTo(socket, () => say('room-join-request', { room }), 'room-join-accept', 'room-join-reject');
}

function answerTo(socket, ask, yes, no) {
  return new Promise((resolve, reject) => {
    socket.once(yes, resolve);
    socket.once(no, ({ message }) => reject(new Error(message)));
    ask();
  });
}
