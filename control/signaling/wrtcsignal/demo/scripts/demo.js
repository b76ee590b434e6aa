// A call in a wrtc-signal room: whoever creates it lets others in, and a newcomer offers to everybody who is there.
import { connect } from './socket.js';

const { iceConfig, token: configured } = window.env;
const at = (id) => document.getElementById(id);
const peers = new Map(); // peer id -> { connection, figure, early }
let socket;
let session; // the token that goes with every event
let stream = new MediaStream();

function say(text, bad = false) {
  at('status').textContent = text;
  at('status').className = bad ? 'bad' : '';
}
const send = (event, fields) => socket.emit(event, { auth: session, ...fields });

// --- signing in

function signIn(token) {
  at('tokenForm').hidden = true;
  say('Connecting');
  socket = connect(location.origin, { token });
  socket.on('connect', () => socket.emit('auth-request', { token }));
  socket.on('connect_error', (message) => askForToken(message));
  socket.on('auth-reject', ({ message }) => { socket.close(); askForToken(message); });
  socket.on('unauthorized', ({ message }) => say(message, true));
  socket.on('disconnect', () => {
    ready(false);
    for (const id of [...peers.keys()]) forget(id);
    say('The connection is lost; rooms must be entered again.', true);
  });
  socket.on('auth-accept', ({ token: given }) => {
    session = given;
    ready(true);
    say('Ready');
  });
  hearOfRooms();
  hearOfPeers();
}
function ready(yes) {
  at('createRoom').disabled = at('joinRoom').disabled = !yes;
}
function askForToken(message = '') {
  ready(false);
  at('tokenForm').hidden = false;
  say(message || 'An app token is needed.', message !== '');
}
at('tokenForm').onsubmit = (event) => {
  event.preventDefault();
  signIn(at('token').value.trim());
};

// --- rooms

function hearOfRooms() {
  socket.on('room-create-accept', ({ room }) => {
    at('roomName').value = room;
    say(`“${room}” is yours; waiting for others.`);
  });
  socket.on('room-create-reject', ({ message }) => say(message, true));
  socket.on('room-join-request', ({ room, peer_id: peer }) => {
    const yes = window.confirm(`May ${peer} come into “${room}”?`);
    send(yes ? 'room-join-accept' : 'room-join-reject', { room, peer_id: peer });
  });
  socket.on('room-join-reject', ({ message }) => say(message, true));
  socket.on('room-join-accept', async ({ room, peers: others }) => {
    say(`In “${room}”.`);
    for (const id of others) await offerTo(id, room);
  });
  socket.on('room-user-join', ({ room, peer_id: id }) => {
    forget(id);
    prepare(id, room); // the newcomer makes the offer
  });
  socket.on('room-user-leave', ({ peer_id: id }) => forget(id));
}
at('createRoom').onclick = () => send('room-create-request', { room: at('roomName').value.trim() });
at('joinRoom').onclick = () => {
  say('Waiting for the owner');
  send('room-join-request', { room: at('roomName').value.trim() });
};

// --- peers

function prepare(id, room) {
  const connection = new RTCPeerConnection(iceConfig);
  const video = Object.assign(document.createElement('video'), { autoplay: true, playsInline: true });
  const figure = document.createElement('figure');
  figure.append(video, Object.assign(document.createElement('figcaption'), { textContent: id }));
  figure.dataset.peer = id;
  at('videos').append(figure);
  const peer = { connection, figure, early: [] };
  peers.set(id, peer);
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  connection.ontrack = ({ streams: [remote] }) => { video.srcObject = remote; };
  connection.onicecandidate = ({ candidate }) => { if (candidate) send('relay-ice-candidate', { to: id, room, ice_candidate: candidate }); };
  return peer;
}
function forget(id) {
  const peer = peers.get(id);
  peer?.connection.close();
  peer?.figure.remove();
  peers.delete(id);
}
async function offerTo(id, room) {
  forget(id);
  const { connection } = prepare(id, room);
  const sent = new Set(stream.getTracks().map(({ kind }) => kind));
  for (const kind of ['audio', 'video']) if (!sent.has(kind)) connection.addTransceiver(kind, { direction: 'recvonly' });
  await connection.setLocalDescription();
  send('relay-session-description', { to: id, room, session_description: connection.localDescription });
}
function hearOfPeers() {
  socket.on('session-description', async ({ peer_id: id, room, session_description: description }) => {
    const peer = peers.get(id) ?? prepare(id, room);
    await peer.connection.setRemoteDescription(description);
    for (const candidate of peer.early.splice(0)) await peer.connection.addIceCandidate(candidate);
    if (description.type !== 'offer') return;
    await peer.connection.setLocalDescription();
    send('relay-session-description', { to: id, room, session_description: peer.connection.localDescription });
  });
  socket.on('ice-candidate', async ({ peer_id: id, ice_candidate: candidate }) => {
    const peer = peers.get(id);
    if (!peer) return;
    if (peer.connection.remoteDescription) await peer.connection.addIceCandidate(candidate);
    else peer.early.push(candidate);
  });
}

// --- devices

const chosen = (id) => (at(id).value ? { deviceId: { exact: at(id).value } } : true);
async function useDevices() {
  let next;
  try {
    next = await navigator.mediaDevices.getUserMedia({ audio: chosen('audioSource'), video: chosen('videoSource') });
  } catch (error) {
    return say(`No camera or microphone: ${error.message}`, true);
  }
  for (const track of stream.getTracks()) track.stop();
  stream = next;
  at('localVideo').srcObject = stream;
  for (const { connection } of peers.values()) {
    for (const sender of connection.getSenders()) {
      const track = stream.getTracks().find(({ kind }) => kind === sender.track?.kind);
      if (track) await sender.replaceTrack(track);
    }
  }
  const devices = await navigator.mediaDevices.enumerateDevices();
  for (const [id, kind] of [['audioSource', 'audioinput'], ['videoSource', 'videoinput']]) {
    const current = stream.getTracks().find((track) => track.kind === kind.slice(0, 5))?.getSettings().deviceId;
    at(id).replaceChildren(...devices.filter((device) => device.kind === kind).map((device) => (
      new Option(device.label || kind, device.deviceId, false, device.deviceId === current))));
  }
}
at('audioSource').onchange = at('videoSource').onchange = useDevices;

await useDevices();
if (configured) signIn(configured);
else askForToken();
