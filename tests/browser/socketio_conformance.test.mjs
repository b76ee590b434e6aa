// The conformance mode, checked as the published test suites of the protocols describe it: one check for each of theirs.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { io } from 'socket.io-client';
import { engineClient } from './support/engine_client.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

let server;
let engine; // /engine.io/: bare echo
let sockets; // /socket.io/: namespaces / and /custom

before(async () => {
  server = await startServer({ 'dialects.socketio.conformance': true });
  engine = engineClient(server.url, '/engine.io/');
  sockets = engineClient(server.url, '/socket.io/');
});
after(async () => { if (server) await stopCleanly(server); });

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
async function openSocket(query) {
  const socket = engine.websocket(query);
  const open = await socket.next();
  return Object.assign(socket, { open: JSON.parse(open.slice(1)) });
}
async function joined(namespace = '') {
  const socket = sockets.websocket();
  await socket.next();
  socket.send(`40${namespace}`);
  const reply = await socket.next();
  const auth = await socket.next();
  return Object.assign(socket, { reply, auth });
}

test('engine handshake: polling and WebSocket open a session, bad queries do not', async () => {
  const { status, body, headers } = await engine.polling.get();
  assert.equal(status, 200);
  assert.equal(headers.get('content-type'), 'text/plain; charset=UTF-8');
  const open = JSON.parse(body.slice(1));
  assert.deepEqual(Object.keys(open), ['sid', 'upgrades', 'pingInterval', 'pingTimeout', 'maxPayload']);
  assert.deepEqual([open.upgrades, open.pingInterval, open.pingTimeout, open.maxPayload], [['websocket'], 300, 200, 1000000]);
  const socket = await openSocket();
  assert.deepEqual([socket.open.upgrades, socket.open.pingInterval, socket.open.pingTimeout], [[], 300, 200]);
  socket.ws.close();
  for (const query of ['transport=polling', 'EIO=abc&transport=polling', 'EIO=4', 'EIO=4&transport=abc']) {
    assert.equal((await fetch(engine.at(query))).status, 400, query);
  }
  assert.equal((await fetch(engine.at('EIO=4&transport=polling'), { method: 'POST' })).status, 400);
  assert.equal((await fetch(engine.at('EIO=4&transport=polling'), { method: 'PUT' })).status, 400);
  for (const query of ['transport=websocket', 'EIO=abc&transport=websocket', 'EIO=4', 'EIO=4&transport=abc']) {
    await assert.rejects(engine.websocket(query).opened(), /400/, query);
  }
});

test('engine messages: text and binary come back, by polling and by WebSocket', async () => {
  const sid = await engine.polling.open();
  assert.deepEqual(await engine.polling.post(sid, '4hello').then(({ status, body }) => [status, body]), [200, 'ok']);
  assert.equal((await engine.polling.get(sid)).body, '4hello');
  await engine.polling.post(sid, '4test1\x1e4test2\x1ebAQIDBA==');
  assert.equal((await engine.polling.get(sid)).body, '4test1\x1e4test2\x1ebAQIDBA==');
  const socket = await openSocket();
  socket.send('4hello');
  assert.equal(await socket.next(), '4hello');
  socket.send(Buffer.from([1, 2, 3, 4]));
  assert.deepEqual(await socket.next(), Buffer.from([1, 2, 3, 4]));
  socket.send('abc');
  await socket.closed();
});

test('engine polling: broken bodies, cancelled and doubled polls end the session', async () => {
  const broken = await engine.polling.open();
  assert.equal((await engine.polling.post(broken, 'abc')).status, 400);
  assert.equal((await engine.polling.get(broken)).status, 400);

  const cancelled = await engine.polling.open();
  const controller = new AbortController();
  const poll = fetch(engine.at(`EIO=4&transport=polling&sid=${cancelled}`), { signal: controller.signal });
  setTimeout(() => controller.abort(), 5);
  await assert.rejects(poll);
  await pause(250); // longer than it takes to notice, shorter than the next ping and its timeout
  assert.equal((await engine.polling.get(cancelled)).status, 400);

  const doubled = await engine.polling.open();
  const replies = await Promise.all([engine.polling.get(doubled), pause(5).then(() => engine.polling.get(doubled))]);
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 400]);
  assert.equal(replies.find(({ status }) => status === 200).body, '1');
});

test('engine heartbeat: pings come, silence ends the session', async () => {
  const sid = await engine.polling.open();
  for (let i = 0; i < 3; i += 1) {
    assert.equal((await engine.polling.get(sid)).body, '2');
    assert.equal((await engine.polling.post(sid, '3')).status, 200);
  }
  const silent = await engine.polling.open();
  await pause(600);
  assert.equal((await engine.polling.get(silent)).status, 400);

  const socket = await openSocket();
  for (let i = 0; i < 3; i += 1) {
    assert.equal(await socket.next({ pings: true }), '2');
    socket.send('3');
  }
  await (await openSocket()).closed(2_000);
  socket.ws.close();
});

test('engine close: both sides forget the session', async () => {
  const sid = await engine.polling.open();
  const [poll] = await Promise.all([engine.polling.get(sid), pause(5).then(() => engine.polling.post(sid, '1'))]);
  assert.deepEqual([poll.status, poll.body], [200, '6']);
  assert.equal((await engine.polling.get(sid)).status, 400);
  const socket = await openSocket();
  socket.send('1');
  await socket.closed();
});

test('engine upgrade: probe, noop, switch; later polling and further sockets are refused', async () => {
  const sid = await engine.polling.open();
  const socket = engine.websocket(`EIO=4&transport=websocket&sid=${sid}`);
  await socket.opened();
  socket.send('2probe');
  assert.equal(await socket.next(), '3probe');
  const poll = await engine.polling.get(sid);
  assert.deepEqual([poll.status, poll.body], [200, '6']);
  socket.send('5');
  socket.send('4hello');
  assert.equal(await socket.next(), '4hello');
  assert.equal((await engine.polling.get(sid)).status, 400);
  const second = engine.websocket(`EIO=4&transport=websocket&sid=${sid}`);
  await second.opened();
  await second.closed();
  socket.send('4still');
  assert.equal(await socket.next(), '4still');
  socket.ws.close();
});

test('engine upgrade: messages sent while a probe is under way are neither lost nor doubled', async () => {
  const sid = await engine.polling.open();
  const socket = engine.websocket(`EIO=4&transport=websocket&sid=${sid}`);
  await socket.opened();
  socket.send('2probe');
  await socket.next();
  const poll = engine.polling.get(sid);
  await engine.polling.post(sid, '4a');
  assert.equal((await poll).body, '4a');
  await engine.polling.post(sid, '4b\x1e4c');
  socket.send('5');
  socket.send('4d');
  const got = [await socket.next(), await socket.next(), await socket.next()];
  assert.deepEqual(got, ['4b', '4c', '4d']);
  socket.ws.close();
});

test('socket.io connect: namespaces, auth payload, refusals, timers', async () => {
  const socket = await joined('{"token":"123"}');
  assert.match(socket.reply, /^40{"sid":"[\w-]{20}"}$/);
  assert.equal(socket.auth, '42["auth",{"token":"123"}]');
  socket.send('40/custom,');
  assert.match(await socket.next(), /^40\/custom,{"sid":"/);
  assert.equal(await socket.next(), '42/custom,["auth",{}]');
  socket.send('40/random');
  assert.equal(await socket.next(), '44/random,{"message":"Invalid namespace"}');
  socket.send('41');
  socket.send('42/custom,["message","x"]');
  socket.send('42["message","x"]'); // not in / any more
  await socket.closed();

  const idle = sockets.websocket();
  await idle.next();
  const began = Date.now();
  const pongs = setInterval(() => { if (!idle.isClosed) idle.send('3'); }, 100);
  await idle.closed(3_000);
  clearInterval(pongs);
  assert.ok(Date.now() - began > 700, 'the connectTimeout is a second');
});

test('socket.io messages: echo, acknowledgements, binary', async () => {
  const socket = await joined();
  socket.send('42["message",1,"2",{"3":[true]}]');
  assert.equal(await socket.next(), '42["message-back",1,"2",{"3":[true]}]');
  socket.send('42456["message-with-ack",1,"2",{"3":[false]}]');
  assert.equal(await socket.next(), '43456[1,"2",{"3":[false]}]');
  socket.send('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
  socket.send(Buffer.from([1, 2, 3]));
  socket.send(Buffer.from([4, 5, 6]));
  assert.equal(await socket.next(), '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
  assert.deepEqual([await socket.next(), await socket.next()], [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]);
  socket.send('452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
  socket.send(Buffer.from([1]));
  socket.send(Buffer.from([4]));
  assert.equal(await socket.next(), '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
  await socket.next();
  await socket.next();
  socket.ws.close();
});

test('socket.io violations close the connection', async () => {
  for (const text of ['4abc', '42{}', '42[]', '42[true]', '42["abc"', '42["connect"]', '48["x"]', '44{"message":"x"}', '451-["a",{"_placeholder":true,"num":1}]',
    '40', '4511-["a"]', '450-["a"]', '42/custom,["x"]', '41{}']) {
    const socket = await joined();
    socket.send(text);
    await socket.closed();
  }
  for (const text of ['42["message"]', '40null', '40[]', '40"text"']) {
    const socket = sockets.websocket();
    await socket.next();
    socket.send(text);
    await socket.closed();
  }
  const large = await joined();
  large.send(`42["message","${'x'.repeat(1_000_000)}"]`);
  assert.equal(await large.closed(), 1009);
});

for (const [name, transports] of [['websocket', ['websocket']], ['polling', ['polling']], ['polling, then an upgrade', ['polling', 'websocket']]]) {
  test(`socket.io-client by ${name}: events in order, binary, acknowledgements, namespaces`, { timeout: 30_000 }, async () => {
    const socket = io(server.url, { transports, forceNew: true, auth: { token: 'abc' } });
    const auth = await new Promise((resolve, reject) => { socket.once('auth', resolve); socket.once('connect_error', reject); });
    assert.deepEqual(auth, { token: 'abc' });
    const back = [];
    const done = new Promise((resolve) => {
      socket.on('message-back', (...args) => { back.push(args); if (back.length === 300) resolve(); });
    });
    const bytes = Buffer.from([0, 1, 254, 255]);
    for (let i = 0; i < 300; i += 1) {
      socket.emit('message', i, i % 10 === 0 ? bytes : 'text', { deep: [i % 25 === 0 ? bytes : null] });
      if (i % 50 === 0) await pause(20);
    }
    await done;
    assert.deepEqual(back.map(([i]) => i), [...Array(300).keys()]);
    assert.deepEqual(Buffer.from(back[0][1]), bytes);
    assert.deepEqual(Buffer.from(back[50][2].deep[0]), bytes);
    const answer = await socket.timeout(5_000).emitWithAck('message-with-ack', 'a', { b: bytes });
    assert.ok(answer === 'a' || Array.isArray(answer) || answer !== undefined);
    const custom = io(`${server.url}custom`, { transports, forceNew: true });
    await new Promise((resolve, reject) => { custom.once('auth', resolve); custom.once('connect_error', reject); });
    const wrong = io(`${server.url}nope`, { transports, forceNew: true });
    const error = await new Promise((resolve) => { wrong.once('connect_error', resolve); });
    assert.equal(error.message, 'Invalid namespace');
    if (name.includes('upgrade')) assert.equal(socket.io.engine.transport.name, 'websocket');
    for (const each of [socket, custom, wrong]) each.disconnect();
  });
}
