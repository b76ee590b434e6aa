// Contract partyroom against the real server: the real partysocket in Node, HTTP, and by hand what it would never send.
import assert from 'node:assert/strict';
import { createHmac, webcrypto } from 'node:crypto';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import PartySocket from 'partysocket';
import WebSocket from 'ws';
import { importWithPackages } from './support/bundle.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

globalThis.crypto ??= webcrypto; // Node 18 has none of its own

let server;
let snippet;
const urls = ['stun:127.0.0.1:3478', 'turn:127.0.0.1:3478?transport=udp'];
before(async () => {
  server = await startServer({ 'dialects.partyRooms.turnUrls': JSON.stringify(urls), 'dialects.partyRooms.turnSecret': 'ts', 'dialects.partyRooms.turnTtl': 600 });
  snippet = await importWithPackages(fileURLToPath(new URL('../../control/page/clients/partykit.js', import.meta.url)));
});
after(async () => { if (server) await stopCleanly(server); });

const origin = () => server.url.slice(0, -1);
const host = () => new URL(server.url).host;
const until = async (what, condition, limitMs = 20_000) => {
  const end = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
};
/** A real client that notes what it gets. */
function party(room, id) {
  const socket = new PartySocket({ host: host(), room, party: 'main', id, WebSocket });
  socket.got = [];
  socket.closes = [];
  socket.addEventListener('message', ({ data }) => socket.got.push(data));
  socket.addEventListener('close', ({ code }) => socket.closes.push(code));
  return socket;
}
/** A bare WebSocket; binary messages are noted as Buffers, texts as strings. */
async function raw(path) {
  const socket = new WebSocket(`${server.socketUrl.slice(0, -1)}${path}`);
  socket.got = [];
  socket.on('message', (data, binary) => socket.got.push(binary ? data : data.toString()));
  socket.closed = new Promise((resolve) => { socket.on('close', (code) => resolve(code)); });
  await new Promise((resolve, reject) => { socket.on('open', resolve); socket.on('error', reject); });
  await until('list', () => socket.got.length === 1);
  return socket;
}
const refused = (path) => new Promise((resolve, reject) => {
  const socket = new WebSocket(`${server.socketUrl.slice(0, -1)}${path}`);
  socket.on('unexpected-response', (request, response) => { resolve(response); request.destroy(); });
  socket.on('open', () => reject(new Error('it was accepted')));
  socket.on('error', () => {});
});
const list = (...peers) => JSON.stringify({ type: 'info:peerlist', peers });

test('the snippet of the page: lists, messages, TURN servers', async () => {
  const seen = { ada: { peers: [], got: [] }, bo: { peers: [], got: [] } };
  globalThis.WebSocket ??= WebSocket; // Node 18 has none of its own
  const join = (name) => snippet.joinByPartySocket({ host: host(), room: 'snippet', onPeers: (ids) => seen[name].peers.push(ids), onMessage: (message) => seen[name].got.push(message) });
  const ada = join('ada');
  await until('first list', () => seen.ada.peers.length === 1);
  const bo = join('bo');
  await until('second list', () => seen.ada.peers.length === 2 && seen.bo.peers.length === 1);
  assert.deepEqual(seen.ada.peers, [[], [bo.id]]);
  assert.deepEqual(seen.bo.peers, [[ada.id]]);
  bo.send({ type: 'offer', description: { type: 'offer', sdp: 'v=0' } });
  await until('offer', () => seen.ada.got.length === 1);
  assert.deepEqual(seen.ada.got, [{ type: 'offer', description: { type: 'offer', sdp: 'v=0' } }]);
  const [turn] = await snippet.iceServersOf({ origin: origin(), room: 'snippet' });
  assert.deepEqual(turn.urls, urls);
  ada.leave();
  bo.leave();
});

test('lists go to all on each change, once, and never otherwise', async () => {
  const a = party('lists', 'a');
  await until('a', () => a.got.length === 1);
  const b = party('lists', 'b');
  await until('b', () => b.got.length === 1 && a.got.length === 2);
  const short = await raw('/party/lists?_pk=c&x=1&y');
  await until('c', () => a.got.length === 3 && b.got.length === 2);
  a.close();
  await until('gone', () => b.got.length === 3 && short.got.length === 2);
  assert.deepEqual(a.got, [list(), list('b'), list('b', 'c')]);
  assert.deepEqual(b.got, [list('a'), list('a', 'c'), list('c')]);
  assert.deepEqual(short.got, [list('a', 'b'), list('b')]);
  b.close();
  short.close(4001);
  assert.equal(await short.closed, 4001);
});

test('messages arrive as they were sent, text, binary and empty, and not at the sender', async () => {
  const a = await raw('/parties/main/verbatim?_pk=a');
  const b = await raw('/parties/main/verbatim/more?_pk=b');
  const texts = ['{ "candidate": null }', 'not JSON', '', '{"type":"offer","description":{"sdp":"é"}}'];
  for (const text of texts) a.send(text);
  a.send(Buffer.from([0, 255, 1]));
  a.send(Buffer.alloc(0));
  await until('all', () => b.got.length === 7);
  assert.deepEqual(b.got.slice(1, 5), texts);
  assert.deepEqual(b.got.slice(5), [Buffer.from([0, 255, 1]), Buffer.alloc(0)]);
  assert.deepEqual(a.got.slice(1), [list('b')]);
  for (const socket of [a, b]) socket.close();
});

test('a message of 1048576 bytes passes, one byte more or text that is no UTF-8 ends the connection', async () => {
  const a = await raw('/party/size?_pk=a');
  const b = await raw('/party/size?_pk=b');
  a.send(Buffer.alloc(1_048_576, 0x61), { binary: false });
  await until('big', () => b.got.length === 2);
  assert.equal(b.got[1].length, 1_048_576);
  a.send(Buffer.alloc(1_048_577));
  assert.equal(await a.closed, 1009);
  b.send(Buffer.from([0xff]), { binary: false });
  assert.equal(await b.closed, 1007);
});

test('one id on two connections is listed once; both stay', async () => {
  const other = await raw('/party/twice?_pk=other');
  const old = await raw('/party/twice?_pk=a');
  const young = await raw('/party/twice?_pk=a');
  other.send('hello');
  await until('hello', () => old.got.length === 2 && young.got.length === 2);
  old.close();
  await old.closed;
  young.send('I');
  await until('I', () => other.got.length === 3);
  assert.deepEqual(other.got, [list(), list('a'), 'I']);
  assert.deepEqual(young.got, [list('other'), 'hello']);
  young.close();
  await until('gone', () => other.got.length === 4);
  assert.equal(other.got[3], list());
  other.close();
});

test('without an id one is made, names are decoded', async () => {
  const a = await raw('/party/a%20b?_pk=J%C3%B6');
  const b = await raw('/parties/main/a b?_pk=');
  assert.deepEqual(b.got, [list('Jö')]);
  await until('made', () => a.got.length === 2);
  assert.ok(JSON.parse(a.got[1]).peers[0].length >= 8);
  for (const socket of [a, b]) socket.close();
});

test('a room with an escaped slash is a room of its own', async () => {
  const a = await raw('/party/x%2Fy?_pk=a');
  const b = await raw('/party/x/y?_pk=b');
  const c = await raw('/party/x%2Fy?_pk=c');
  assert.deepEqual([a.got[0], b.got[0], c.got[0]], [list(), list(), list('a')]);
  for (const socket of [a, b, c]) socket.close();
});

test('unknown rooms, parties and ids that are too long are refused before the upgrade', async () => {
  for (const [path, status] of [['/parties/other/x', 404], ['/parties/main', 404], ['/parties/main/', 404], ['/party', 404],
    [`/party/${'x'.repeat(257)}`, 400], [`/party/r?_pk=${'x'.repeat(257)}`, 400]]) {
    const response = await refused(path);
    assert.equal(response.statusCode, status, path);
    assert.equal(response.headers['access-control-allow-origin'], '*', path);
  }
});

test('a subprotocol that is offered is not selected', async () => {
  const socket = new WebSocket(`${server.socketUrl}party/sub?_pk=a`, 'anything');
  const error = await new Promise((resolve) => { socket.on('error', resolve); socket.on('open', () => resolve(null)); });
  assert.match(String(error), /no subprotocol/i); // it is the client that gives up, as browsers do
});

test('HTTP on room URLs: every answer may be read by any page', async () => {
  const ask = async (method, path) => {
    const response = await fetch(`${origin()}${path}`, { method });
    assert.equal(response.headers.get('access-control-allow-origin'), '*', path);
    assert.equal(response.headers.get('access-control-allow-methods'), 'GET,POST,OPTIONS');
    assert.equal(response.headers.get('access-control-allow-headers'), 'Content-Type');
    if (response.status !== 204) assert.equal(response.headers.get('content-type'), 'application/json');
    return [response.status, await response.text()];
  };
  assert.deepEqual(await ask('GET', '/parties/main/r'), [200, 'WebRTC Signaling Server']);
  assert.deepEqual(await ask('HEAD', '/party/r'), [200, '']);
  assert.deepEqual(await ask('OPTIONS', '/party/r/turn'), [204, '']);
  for (const method of ['POST', 'PUT', 'DELETE']) assert.deepEqual(await ask(method, '/party/r'), [405, '']);
  assert.deepEqual(await ask('GET', '/parties/other/x'), [404, 'Party other not found']);
  assert.deepEqual(await ask('GET', '/parties/main'), [404, 'Not found']);
});

test('TURN credentials are what coturn will compute', async () => {
  const response = await fetch(`${origin()}/parties/main/r/turn`);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const { iceServers } = await response.json();
  assert.equal(iceServers.length, 1);
  const { username, credential } = iceServers[0];
  assert.deepEqual(iceServers[0].urls, urls);
  assert.equal(credential, createHmac('sha1', 'ts').update(username).digest('base64'));
  const expiry = Number(username.split(':')[0]);
  assert.ok(Math.abs(expiry - (Date.now() / 1000 + 600)) < 30, username);
});

test('without TURN configured the list is empty', async () => {
  const bare = await startServer();
  try {
    const response = await fetch(`${bare.url}party/r/turn`);
    assert.deepEqual([response.status, await response.json()], [200, { iceServers: [] }]);
  } finally {
    await stopCleanly(bare);
  }
});

test('after a restart of the control process partysocket comes back with its id', { timeout: 60_000 }, async () => {
  const a = party('restart', 'a');
  await until('a', () => a.got.length === 1);
  await server.killOne('control');
  await until('back', () => a.got.length === 2, 40_000);
  const b = await raw('/party/restart?_pk=b');
  assert.deepEqual(b.got, [list('a')]);
  a.close();
  b.close();
});
