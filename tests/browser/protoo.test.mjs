// Contract protoo against the real server: the real protoo-client in Node, and by hand what it would never send.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import protoo from 'protoo-client';
import WebSocket from 'ws';
import { kick, roomOf } from './support/admin.mjs';
import { importWithPackages } from './support/bundle.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

let server;
let snippet;
before(async () => {
  server = await startServer();
  snippet = await importWithPackages(fileURLToPath(new URL('../../control/page/clients/protoo.js', import.meta.url)));
});
after(async () => { if (server) await stopCleanly(server); });

const address = (path) => `${server.socketUrl.slice(0, -1)}${path}`;
const events = ['open', 'failed', 'disconnected', 'close'];

/** A real client that notes what happens to it. */
function client(path, { retries = 10, minTimeout = 100 } = {}) {
  const peer = new protoo.Peer(new protoo.WebSocketTransport(address(path), { retry: { retries, minTimeout, factor: 1, maxTimeout: 500 } }));
  peer.happened = [];
  peer.told = [];
  for (const name of events) peer.on(name, () => { peer.happened.push(name); });
  peer.on('notification', ({ method, data }) => peer.told.push([method, data]));
  return peer;
}
const until = async (what, condition, limitMs = 20_000) => {
  const end = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
};
const opened = (peer) => until('open', () => peer.happened.includes('open'));
async function joined(room, id, data = {}) {
  const peer = client(`/?roomId=${room}&peerId=${encodeURIComponent(id)}`);
  await opened(peer);
  peer.others = (await peer.request('join', data)).peers;
  return peer;
}
/** The answer to an upgrade, as HTTP. */
const upgrade = (path, headers) => new Promise((resolve, reject) => {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk) => { text += chunk.toString('latin1'); if (text.includes('\r\n\r\n')) socket.end(); });
  socket.on('error', reject);
  socket.on('close', () => {
    const [head] = text.split('\r\n\r\n');
    const [status, ...lines] = head.split('\r\n');
    resolve({ status: Number(status.split(' ')[1]), body: text.slice(head.length + 4),
      headers: Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])) });
  });
  const all = { Host: hostname, Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Version': '13', ...headers };
  socket.write(`GET ${path} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
});
/** A bare WebSocket of the subprotocol. */
async function raw(path) {
  const socket = new WebSocket(address(path), 'protoo');
  socket.got = [];
  socket.on('message', (data) => socket.got.push(JSON.parse(data)));
  socket.closed = new Promise((resolve) => { socket.on('close', (code, reason) => resolve([code, reason.toString()])); });
  await new Promise((resolve, reject) => { socket.on('open', resolve); socket.on('error', reject); });
  return socket;
}

test('upgrades: the subprotocol in any case, version 13, ids', async () => {
  const good = await upgrade('/?roomId=u&peerId=p', { 'Sec-WebSocket-Protocol': 'x, ProToo' });
  assert.equal(good.status, 101);
  assert.equal(good.headers['sec-websocket-protocol'], 'ProToo');
  for (const headers of [{}, { 'Sec-WebSocket-Protocol': 'other' }]) {
    const refused = await upgrade('/protoo?roomId=u&peerId=q', headers);
    assert.equal(refused.status, 403);
    assert.equal(refused.headers['x-websocket-reject-reason'], 'invalid/missing Sec-WebSocket-Protocol');
    assert.equal(refused.headers.connection, 'close');
    assert.equal(refused.body, '');
  }
  const old = await upgrade('/?roomId=u&peerId=q', { 'Sec-WebSocket-Protocol': 'protoo', 'Sec-WebSocket-Version': '7' });
  assert.equal(old.status, 426);
  assert.equal(old.headers['sec-websocket-version'], '13');
  for (const path of ['/?roomId=u', '/?peerId=q', '/?roomId=&peerId=q', `/?roomId=u&peerId=${'x'.repeat(257)}`]) {
    const bad = await upgrade(path, { 'Sec-WebSocket-Protocol': 'protoo' });
    assert.equal(bad.status, 400, path);
    assert.ok(bad.headers['x-websocket-reject-reason'].length > 0);
  }
  assert.equal((await upgrade('/?roomId=u', { 'Sec-WebSocket-Protocol': 'protoo' })).headers['x-websocket-reject-reason'],
    'Connection request without roomId and/or peerId');
});

test('a client without ids fails, retries and gives up', { timeout: 30_000 }, async () => {
  const peer = client('/?roomId=r', { retries: 2, minTimeout: 50 });
  await until('close', () => peer.happened.includes('close'));
  assert.deepEqual(peer.happened, ['failed', 'failed', 'failed', 'close']);
});

test('the snippet of the page joins, relays, broadcasts and asks', async () => {
  const told = { ada: [], bo: [] };
  const join = (name) => snippet.joinByProtoo({ server: address(''), room: 'snippet', name, onMessage: (from, data) => told[name].push([from, data]) });
  const ada = await join('ada');
  const bo = await join('bo');
  assert.deepEqual(bo.peers, [{ id: 'ada', displayName: 'ada' }]);
  await ada.send('bo', { sdp: 'v=0' });
  await bo.broadcast([1, 2]);
  bo.peer.on('request', (request, accept, reject) => (request.method === 'color' ? accept({ is: request.data.of }) : reject(418, 'teapot')));
  assert.deepEqual(await ada.ask('bo', 'color', { of: 'grass' }), { is: 'grass' });
  await assert.rejects(ada.ask('bo', 'coffee', {}), (error) => error.code === 418 && error.message === 'teapot');
  await until('messages', () => told.bo.length === 1 && told.ada.length === 1);
  assert.deepEqual(told, { ada: [['bo', [1, 2]]], bo: [['ada', { sdp: 'v=0' }]] });
  ada.leave();
  bo.leave();
});

test('peers hear of each other coming, changing names and going', async () => {
  const a = await joined('hear', 'a', { displayName: 'A', device: { name: 'x' } });
  const silent = client('/?roomId=hear&peerId=silent');
  await opened(silent);
  const b = await joined('hear', 'b');
  assert.deepEqual(b.others, [{ id: 'a', displayName: 'A', device: { name: 'x' } }]);
  await a.request('changeDisplayName', { displayName: 'A2' });
  await until('name', () => b.told.length === 1);
  assert.deepEqual(b.told, [['peerDisplayNameChanged', { peerId: 'a', displayName: 'A2', oldDisplayName: 'A' }]]);
  silent.close();
  b.close();
  await until('gone', () => a.told.length === 2);
  assert.deepEqual(a.told, [['newPeer', { id: 'b' }], ['peerClosed', { peerId: 'b' }]]);
  await assert.rejects(a.request('join', {}), (error) => error.code === 500 && error.message === 'Error: Peer already joined');
  await assert.rejects(a.request('nonsense', {}), (error) => error.code === 500 && error.message === 'Unknown method: nonsense');
  await assert.rejects(a.request('relay', { peerId: 'b' }), (error) => error.code === 404 && error.message === 'peer not found: b');
  a.close();
});

test('names from URLs are used as they are decoded', async () => {
  const odd = 'Jörg & Ko/é +';
  const a = await joined('names', odd);
  const b = await joined('names', 'b');
  assert.deepEqual(b.others.map((peer) => peer.id), [odd]);
  await b.request('relay', { peerId: odd, data: 1 });
  await until('relayed', () => a.told.length === 2);
  const c = client('/protoo/names/c%20d');
  await opened(c);
  await c.request('join', {});
  await until('c', () => b.told.length === 1);
  assert.deepEqual(b.told, [['newPeer', { id: 'c d' }]]);
  for (const peer of [a, b, c]) peer.close();
});

test('quick start: no names, then joinRoom', async () => {
  const a = client('/');
  const b = client('/protoo/bee');
  await opened(a);
  await opened(b);
  assert.deepEqual(await a.request('echo', { text: 'hi' }), { message: 'Echoing: hi' });
  assert.deepEqual(await b.request('joinRoom', { roomId: 'quick' }), { joined: true });
  await b.request('join', {});
  await a.request('joinRoom', { roomId: 'quick' });
  assert.deepEqual(a.told, [['roomJoined', { roomId: 'quick', peers: ['bee'] }]]);
  await a.request('join', {});
  await until('a', () => b.told.length === 2);
  assert.match(b.told[1][1].id, /^peer-\d{13}$/);
  await assert.rejects(a.request('joinRoom', {}), (error) => error.code === 400 && error.message === 'roomId required');
  a.close();
  b.close();
});

test('200 requests at once are all answered', async () => {
  const a = await joined('many', 'a');
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => a.request('echo', { text: String(i) })));
  assert.deepEqual(answers.map((answer) => answer.message), Array.from({ length: 200 }, (_, i) => `Echoing: ${i}`));
  a.close();
});

test('what is no message is ignored, ids come back as they went', async () => {
  const socket = await raw('/?roomId=ignored&peerId=a');
  for (const text of ['{bad', '[]', '5', '"x"', 'null', '{}', '{"request":true,"id":"1","method":"echo"}', '{"request":true,"id":1}',
    '{"request":true,"id":1,"method":7}', '{"response":true,"id":1,"ok":true}']) socket.send(text);
  socket.send(Buffer.from('{"request":true,"id":1,"method":"echo"}'), { binary: true });
  for (const id of ['1.5', '-5', '0']) socket.send(`{"request":1,"notification":true,"id":${id},"method":"echo","data":{"text":"x"}}`);
  await until('answers', () => socket.got.length >= 3);
  assert.deepEqual(socket.got.map((message) => message.id), [1.5, -5, 0]);
  assert.equal(socket.readyState, WebSocket.OPEN);
  socket.close(4123, 'mine');
  assert.equal((await socket.closed)[0], 4123);
});

test('a message of 960000 bytes passes, one that is too large or no UTF-8 ends the connection', async () => {
  const a = await raw('/?roomId=size&peerId=a');
  const b = await raw('/?roomId=size&peerId=b');
  for (const socket of [a, b]) {
    socket.send('{"request":true,"id":1,"method":"join","data":{}}');
    await until('joined', () => socket.got.length === 1);
  }
  const big = 'x'.repeat(960_000 - 70);
  a.send(`{"request":true,"id":2,"method":"relay","data":{"peerId":"b","data":"${big}"}}`);
  await until('relayed', () => b.got.length === 2);
  assert.equal(b.got[1].data.data.length, big.length);
  a.send('x'.repeat(1_048_577));
  assert.equal((await a.closed)[0], 1009);
  b.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false });
  assert.equal((await b.closed)[0], 1007);
});

test('a duplicate is closed with 4000 after the incumbent has answered, and does not come back', async () => {
  const a = await joined('twice', 'a');
  const late = client('/?roomId=twice&peerId=a');
  await until('close', () => late.happened.includes('close'));
  assert.ok(!late.happened.includes('disconnected'));
  assert.deepEqual(a.happened, ['open']);
  assert.deepEqual(await a.request('echo', { text: 'still' }), { message: 'Echoing: still' });
  a.close();
});

test('an incumbent that does not answer pings gives way', { timeout: 30_000 }, async () => {
  const watcher = await joined('dead', 'watcher');
  const dead = new WebSocket(address('/?roomId=dead&peerId=a'), 'protoo', { autoPong: false });
  const closed = new Promise((resolve) => { dead.on('close', (code) => resolve(code)); });
  await new Promise((resolve) => { dead.on('open', resolve); });
  dead.send('{"request":true,"id":1,"method":"join","data":{}}');
  await until('first', () => watcher.told.length === 1);
  const back = await joined('dead', 'a');
  assert.equal(await closed, 4000);
  await until('all', () => watcher.told.length === 3);
  assert.deepEqual(watcher.told.map(([method]) => method), ['newPeer', 'peerClosed', 'newPeer']);
  watcher.close();
  back.close();
});

test('closeRoom closes everybody for good', async () => {
  const a = await joined('over', 'a');
  const b = await joined('over', 'b');
  assert.deepEqual(await a.request('closeRoom', {}), {});
  await until('closed', () => [a, b].every((peer) => peer.happened.includes('close')));
  assert.deepEqual([a.happened, b.happened], [['open', 'close'], ['open', 'close']]);
});

test('operators see, kick and count peers of protoo like any others', async () => {
  const a = await joined('ops', 'a');
  const b = await joined('ops', 'b');
  const { peers } = await roomOf(server, 'protoo:ops');
  assert.equal(peers.length, 2);
  await kick(server, peers.find((peer) => peer.metadata.peerId === 'b').id, 'test');
  await until('kicked', () => b.happened.includes('close'));
  await until('told', () => a.told.some(([method]) => method === 'peerClosed'));
  a.close();
});

test('after a restart of the control process clients come back by themselves and join anew', { timeout: 60_000 }, async () => {
  const a = await joined('restart', 'a');
  await server.killOne('control');
  await until('back', () => a.happened.filter((name) => name === 'open').length === 2, 40_000);
  assert.ok(a.happened.includes('disconnected'));
  assert.deepEqual(await a.request('join', {}), { peers: [] });
  a.close();
});
