// rtc.io and wrtc-signal with the real socket.io-client in Node.
import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import test, { after, before } from 'node:test';
import { io } from 'socket.io-client';
import { appToken, enterRoom, openRoom, signIn } from './support/wrtc_signal.mjs';
import { engineClient } from './support/engine_client.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

let server;
const opened = [];

before(async () => {
  server = await startServer({ 'dialects.wrtcSignal.appSecret': 's3cr3t-key', 'dialects.wrtcSignal.appPass': 'pass word', 'dialects.wrtcSignal.port': 0, 'dialects.rtcio.port': 0 });
});
after(async () => {
  for (const socket of opened) socket.disconnect();
  if (server) await stopCleanly(server);
});

const once = (socket, event, limitMs = 10_000) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error(`no ${event} within ${limitMs} ms`)), limitMs);
  socket.once(event, (...args) => { clearTimeout(timer); resolve(args); });
});
async function connect(options = {}, url = server.url) {
  const socket = io(url, { forceNew: true, transports: ['websocket'], ...options });
  opened.push(socket);
  await new Promise((resolve, reject) => { socket.once('connect', resolve); socket.once('connect_error', reject); });
  return socket;
}
async function join(socket, roomId, more = {}) {
  const answer = Promise.race([once(socket, 'join-ok'), once(socket, 'join-error')]);
  socket.emit('join-room', { roomId, name: socket.id, ...more });
  return (await answer)[0];
}
const adminPeers = async () => (await fetch(`${server.adminUrl}/admin/peers`)).text();

for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
  test(`rtc.io by ${transports.join(' and ')}: join, init-offer, relay, leave`, { timeout: 30_000 }, async () => {
    const room = `room-${transports.join('-')}`;
    const a = await connect({ transports });
    const b = await connect({ transports });
    assert.equal((await join(a, room, { password: ' pw ' })).roomId, room);
    assert.equal((await join(b, room)).reason, 'password-required');
    const offered = once(a, '#rtcio:init-offer');
    await join(b, room, { password: 'pw' });
    const [from, settings] = await offered;
    assert.deepEqual([from, settings], [{ source: b.id }, { polite: true }]);
    const received = once(b, '#rtcio:message');
    const envelope = { source: a.id, target: b.id, data: { candidate: null, bytes: Buffer.from([1, 2]), big: 'x'.repeat(200_000) } };
    a.emit('#rtcio:message', envelope);
    const [got] = await received;
    assert.deepEqual({ ...got, data: { ...got.data, bytes: Buffer.from(got.data.bytes) } }, envelope);
    assert.match(await adminPeers(), /rtcio/);
    const left = once(b, '#rtcio:peer-left');
    const id = a.id;
    a.disconnect();
    assert.deepEqual((await left)[0], { id });
  });
}

test('rtc.io recovery: a cut connection comes back with its id, its rooms and what it missed', { timeout: 30_000 }, async () => {
  const a = await connect({ reconnectionDelay: 300, reconnectionDelayMax: 300 });
  const b = await connect();
  await join(a, 'recovery');
  const ready = once(a, 'chat-message');
  await join(b, 'recovery');
  b.emit('chat-message', { roomId: 'recovery', text: 'before' });
  await ready;
  const id = a.id;
  const texts = [];
  a.on('chat-message', ({ text }) => texts.push(text));
  const left = once(b, 'user-disconnected');
  const lost = once(a, 'disconnect');
  a.io.engine.transport.ws.terminate(); // without a close frame
  await lost;
  await left;
  for (let i = 0; i < 5; i += 1) b.emit('chat-message', { roomId: 'recovery', text: `missed ${i}` });
  const everything = new Promise((resolve) => { a.on('chat-message', ({ text }) => { if (text === 'missed 4') resolve(); }); });
  await once(a, 'connect');
  await everything;
  assert.equal(a.recovered, true);
  assert.equal(a.id, id);
  assert.deepEqual(texts, [0, 1, 2, 3, 4].map((i) => `missed ${i}`));
  const later = once(a, 'chat-message');
  b.emit('chat-message', { roomId: 'recovery', text: 'after' });
  assert.equal((await later)[0].text, 'after');
  const on = once(b, 'chat-message');
  a.emit('chat-message', { roomId: 'recovery', text: 'from the recovered one' });
  await on;
});

test('rtc.io under a restart of control: clients come back by themselves', { timeout: 60_000 }, async () => {
  const a = await connect({ reconnectionDelay: 200, reconnectionDelayMax: 500 });
  await join(a, 'restart');
  const lost = once(a, 'disconnect', 20_000);
  const back = new Promise((resolve) => { a.on('connect', resolve); });
  await server.killOne('control');
  await lost;
  await back;
  assert.equal((await join(a, 'restart')).roomId, 'restart');
  const b = await connect();
  const told = once(b, 'user-connected');
  await join(b, 'restart');
  assert.equal((await told)[0].id, a.id);
});

test('an operator puts an rtc.io peer out', { timeout: 30_000 }, async () => {
  const a = await connect();
  await join(a, 'kicked');
  const peers = JSON.parse(await adminPeers());
  const list = Array.isArray(peers) ? peers : peers.peers;
  const mine = list.find((peer) => JSON.stringify(peer).includes(a.id));
  assert.ok(mine, 'the peer is listed with its socket');
  const out = once(a, 'disconnect');
  const reply = await fetch(`${server.adminUrl}/admin/peers/${mine.id ?? mine.peerId}`, { method: 'DELETE' });
  assert.ok(reply.ok, `kick answered ${reply.status}`);
  assert.equal((await out)[0], 'io server disconnect');
});

test('wrtc-signal: sign in, owner lets a candidate in, relays, leave', { timeout: 30_000 }, async () => {
  const token = await appToken(server.url, 'demo', 'pass word');
  assert.equal(token, 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhcHAiOiJkZW1vIn0=.70f75eb4c1600a9eb9e79daabf4e116bb60d4abff23d17dedc3ed97d17c7edf5');
  const options = { options: { forceNew: true } };
  const owner = await signIn(io, server.url, token, { peerinfo: { name: 'Olga' }, ...options });
  const guest = await signIn(io, server.url, token, { options: { forceNew: true, transports: ['polling'] } });
  opened.push(owner.socket, guest.socket);
  assert.deepEqual(await openRoom(owner, 'w1', ({ peer_id }) => peer_id === guest.socket.id), { room: 'w1' });
  await assert.rejects(openRoom(guest, 'w1'), /Room already taken/);
  const joinedRoom = once(owner.socket, 'room-user-join');
  const inside = await enterRoom(guest, 'w1');
  assert.deepEqual(inside.peers, [owner.socket.id]);
  assert.deepEqual(inside.peersinfo, { [owner.socket.id]: { peerinfo: { name: 'Olga' } }, [guest.socket.id]: {} });
  assert.equal((await joinedRoom)[0].peer_id, guest.socket.id);
  const described = once(owner.socket, 'session-description');
  guest.say('relay-session-description', { to: owner.socket.id, room: 'w1', session_description: { type: 'offer', sdp: 'v=0' }, payload: [1] });
  assert.deepEqual((await described)[0], { peer_id: guest.socket.id, session_description: { type: 'offer', sdp: 'v=0' }, room: 'w1', payload: [1] });
  const stranger = await signIn(io, server.url, token, options);
  opened.push(stranger.socket);
  await assert.rejects(enterRoom(stranger, 'w1'), /Room owner was rejected your request/);
  await assert.rejects(enterRoom(stranger, 'nowhere'), /Room is not found/);
  const left = once(owner.socket, 'room-user-leave');
  const id = guest.socket.id;
  guest.socket.disconnect();
  assert.equal((await left)[0].peer_id, id);
});

test('wrtc-signal: a bad token is refused at CONNECT, and rtc.io lives beside it', { timeout: 30_000 }, async () => {
  await assert.rejects(connect({ auth: { token: 'a.b.c' } }), /Token is not valid/);
  const rtcio = await connect({ auth: { anything: 'else' } });
  assert.equal((await join(rtcio, 'beside')).roomId, 'beside');
  const token = await appToken(server.url, 'demo', 'pass word');
  const wrtc = await connect({ auth: { token } });
  const unauthorized = once(wrtc, 'unauthorized');
  wrtc.emit('room-create-request', { room: 'x' });
  assert.deepEqual(await unauthorized, [{ message: 'Token is not valid' }]); // no offset: recovery is off
  let reached = false;
  wrtc.on('#rtcio:message', () => { reached = true; });
  rtcio.emit('#rtcio:message', { target: wrtc.id });
  const own = once(wrtc, 'auth-reject');
  wrtc.emit('auth-request', {});
  await own;
  assert.equal(reached, false, 'sockets of one dialect are not reachable from the other');
});

test('wrtc-signal HTTP: POST /app, CORS, other methods', async () => {
  const app = new URL('/app', server.url);
  const post = async (body, type) => {
    const reply = await fetch(app, { method: 'POST', body, headers: type ? { 'content-type': type } : {} });
    assert.equal(reply.headers.get('access-control-allow-origin'), '*');
    assert.equal(reply.headers.get('content-type'), 'application/json; charset=utf-8');
    return [reply.status, (await reply.json()).error];
  };
  assert.deepEqual(await post('app=demo&password=pass+word', 'application/x-www-form-urlencoded'), [200, null]);
  assert.deepEqual(await post('app=&password=pass%20word', 'application/x-www-form-urlencoded'), [400, 'Required properties (app) is undefined']);
  assert.deepEqual(await post('{"app":"demo"}', 'application/json'), [401, 'Unauthorized']);
  assert.deepEqual(await post('app=demo&password=pass+word', 'text/plain'), [401, 'Unauthorized']);
  assert.equal((await post('{', 'application/json'))[0], 400);
  assert.deepEqual(await post('x'.repeat(102_401), 'application/json'), [413, 'request entity too large']);
  assert.equal((await fetch(app)).status, 404);
  const preflight = await fetch(app, { method: 'OPTIONS', headers: { origin: 'http://a.example', 'access-control-request-headers': 'content-type', 'access-control-request-method': 'POST' } });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-methods'), 'GET,HEAD,PUT,PATCH,POST,DELETE');
  assert.equal(preflight.headers.get('access-control-allow-headers'), 'content-type');
});

test('a port of its own: any CONNECT there is the dialect’s', { timeout: 30_000 }, async () => {
  const portOf = (dialect) => Number([...server.log().matchAll(new RegExp(`dialect=${dialect} port=(\\d+)`, 'g'))].at(-1)[1]); // since the last restart
  const wrtcUrl = `http://127.0.0.1:${portOf('wrtcSignal')}/`;
  await assert.rejects(connect({}, wrtcUrl), /Token is not valid/);
  assert.equal((await fetch(wrtcUrl)).status, 401);
  assert.equal((await fetch(`${wrtcUrl}nowhere`)).status, 404);
  assert.match(await appToken(wrtcUrl, 'demo', 'pass word'), /^eyJ/);
  const rtcio = await connect({ auth: { token: 'ignored here' } }, `http://127.0.0.1:${portOf('rtcio')}/`);
  const elsewhere = await connect();
  await join(elsewhere, 'ports');
  const told = once(rtcio, 'user-connected');
  await join(rtcio, 'ports');
  assert.equal((await told)[0].id, elsewhere.id);
});

test('the transport: CORS, limits and paths on the shared port', { timeout: 30_000 }, async () => {
  const { polling, at, websocket } = engineClient(server.url, '/socket.io/');
  const { headers, body } = await polling.get();
  assert.equal(headers.get('access-control-allow-origin'), '*');
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.match(body, /"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}$/);
  const sid = JSON.parse(body.slice(1)).sid;
  assert.equal((await polling.post(sid, `4${'x'.repeat(1_000_000)}`)).status, 413);
  assert.equal((await polling.post(sid, '40')).status, 200);
  assert.match((await polling.get(sid)).body, /^40{"sid":"/);
  assert.equal((await fetch(at('EIO=4&transport=polling&sid=unknown'))).status, 400);
  const refused = websocket('EIO=3&transport=websocket');
  await assert.rejects(refused.opened(), /400/);
  const options = await fetch(at(''), { method: 'OPTIONS', headers: { 'access-control-request-headers': 'x-a' } });
  assert.equal(options.status, 204);
  const large = websocket();
  await large.next();
  large.send('4'.repeat(1_000_001));
  assert.equal(await large.closed(), 1009);
});

/** A POST of a session whose body of six bytes comes when `finish` is called. */
function slowPost(sid) {
  const { hostname, port } = new URL(server.url);
  const socket = connectTcp(Number(port), hostname);
  let text = '';
  const closed = new Promise((resolve) => { socket.once('close', resolve); });
  socket.on('data', (chunk) => { text += chunk; });
  socket.write(`POST /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: 6\r\n\r\n40`);
  return {
    finish: () => socket.write('{}xx'),
    cut: () => socket.destroy(),
    closed,
    async status() {
      for (let waited = 0; waited < 10_000 && !text.includes('\r\n\r\n'); waited += 20) await new Promise((resolve) => { setTimeout(resolve, 20); });
      return text.slice(0, 12);
    },
  };
}

test('the transport: two POSTs whose bodies come at the same time, and one that is cut off, end their sessions', { timeout: 30_000 }, async () => {
  const { polling } = engineClient(server.url, '/socket.io/');
  const sid = await polling.open();
  const first = slowPost(sid);
  await new Promise((resolve) => { setTimeout(resolve, 200); });
  const second = slowPost(sid);
  assert.equal(await second.status(), 'HTTP/1.1 400', 'before its body has come');
  assert.equal(await first.status(), 'HTTP/1.1 400');
  first.finish();
  second.finish();
  await Promise.all([first.closed, second.closed]);
  assert.match((await polling.get(sid)).body, /"code":1,/);

  const lost = await polling.open();
  const pending = polling.get(lost);
  const cut = slowPost(lost);
  await new Promise((resolve) => { setTimeout(resolve, 200); });
  cut.cut();
  assert.equal((await pending).body, '1', 'the poll learns of the end at once');
  assert.match((await polling.get(lost)).body, /"code":1,/);
});

test('the demo page of wrtc-signal is on both ports, with what it loads', async () => {
  const own = `http://127.0.0.1:${Number([...server.log().matchAll(/dialect=wrtcSignal port=(\d+)/g)].at(-1)[1])}/`;
  for (const base of [server.url, own]) {
    const page = await fetch(`${base}demo`);
    assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8']);
    for (const [, path] of (await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)) assert.equal((await fetch(new URL(path, base))).status, 200, path);
    assert.equal(await (await fetch(`${base}scripts/config.js`)).text(), 'window.env = {"iceConfig":{"iceServers":[]}};\n');
    assert.equal((await fetch(`${base}scripts/none.js`)).status, 404);
    assert.equal((await fetch(`${base}demo`, { method: 'POST', body: 'x' })).status, 404);
  }
});
