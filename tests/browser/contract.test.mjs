// The native protocol on the wire, against the real server: connection, joining, relaying, metadata, leaving.
import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import test, { after, before } from 'node:test';
import { createRoom, kick, roomOf } from './support/admin.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { connect, member, members, ProtocolClient } from './support/protocol_client.mjs';
import { startServer } from './support/server.mjs';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let server;
before(async () => { server = await startServer({ 'signaling.reconnectTtl': 0, 'signaling.maxMessageSize': 65536 }); });
after(async () => { if (server) await stopCleanly(server); });

async function admin(method, path, body) {
  const response = await fetch(`${server.adminUrl}/admin${path}`, {
    method, headers: { 'content-type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

// --- connection

test('the first subprotocol is echoed, compression is not negotiated, any path will do', async () => {
  const client = await connect(server, { protocols: ['first', 'second'], path: 'any/path?a=b' });
  assert.equal(client.protocol, 'first');
  assert.equal(client.extensions, '');
  assert.match(client.id, UUID);
  const plain = await connect(server);
  assert.equal(plain.protocol, '');
  await Promise.all([client.close(), plain.close()]);
});

test('connected is the first message and holds nothing else', async () => {
  const client = new ProtocolClient(server.socketUrl);
  await client.opened;
  assert.deepEqual(Object.keys(await client.next()), ['type', 'peerId']);
  await client.close();
});

test('what is no JSON is ignored before and after joining', async () => {
  const client = await connect(server);
  for (const text of ['', 'hello', '{', '{"type":"join",}', "{'type':'join'}"]) client.send(text);
  await client.join('no json');
  for (const text of ['', 'hello', '{"type":']) client.send(text);
  assert.deepEqual((await client.drain()).map((m) => m.type), ['sfu:ready']);
  await client.close();
});

test('the first message must be join or reconnect', async () => {
  for (const text of ['null', '5', '"join"', '[]', 'true', '{}', '{"type":7}', '{"type":"data","payload":1}', '{"type":"leave"}']) {
    const client = await connect(server);
    client.send(text);
    assert.equal(typeof (await client.error('MUST_JOIN_FIRST')).message, 'string', text);
    assert.deepEqual(await client.closed, { code: 1008, reason: 'Protocol violation' });
  }
  assert.deepEqual((await admin('GET', '/peers')).body.peers, []);
});

test('after joining, values that are no objects and unknown types are ignored', async () => {
  const client = await member(server, 'ignored');
  for (const text of ['null', '5', '[]', '{"type":"what"}', '{"type":"join","roomId":"other"}', '{"type":"reconnect","token":"x"}',
    '{"type":null}', '{}']) client.send(text);
  await client.expectQuiet();
  assert.equal((await roomOf(server, 'ignored')).peers.length, 1);
  assert.equal(await roomOf(server, 'other'), null);
  await client.close();
});

test('binary and fragmented frames are messages, too', async () => {
  const client = await connect(server);
  client.send(Buffer.from('{"type":"jo'), { fin: false });
  client.send(Buffer.from('in","roomId":'), { fin: false });
  client.send(Buffer.from('"fragments"}'), { fin: true });
  assert.equal((await client.next('room:joined')).roomId, 'fragments');
  await client.close();
});

test('a message above the limit closes with 1009, and only that connection', async () => {
  const [alice, bob] = await members(server, 'big', 2);
  alice.data('x'.repeat(70_000));
  assert.equal((await alice.closed).code, 1009);
  assert.deepEqual((await bob.drain()).map((m) => m.type), ['peer:left']);
  bob.data('x'.repeat(60_000), bob.id);
  assert.equal((await bob.next('data')).payload.length, 60_000);
  await bob.close();
});

test('broken frames close that connection with 1002 or 1007', async () => {
  for (const [frame, code] of [[[0xf1, 0x80, 0, 0, 0, 0], 1002], [[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007]]) {
    const socket = await upgrade(server);
    socket.write(Buffer.from(frame));
    const bytes = await new Promise((resolve) => {
      let seen = Buffer.alloc(0);
      socket.on('data', (chunk) => { seen = Buffer.concat([seen, chunk]); });
      socket.on('close', () => resolve(seen));
    });
    const at = bytes.indexOf(0x88);
    assert.ok(at >= 0, `no close frame for ${frame}: ${bytes.toString('hex')}`);
    assert.equal(bytes.readUInt16BE(at + 2), code);
  }
});

/** A WebSocket by hand: nothing is answered. */
async function upgrade(to) {
  const { hostname, port } = new URL(to.url);
  const socket = connectTcp(Number(port), hostname);
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
    + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}
const maskedText = (message) => {
  const body = Buffer.from(JSON.stringify(message));
  assert.ok(body.length < 126);
  return Buffer.concat([Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0]), body]);
};

test('a client that never answers pings is dropped after one to two intervals', { timeout: 30_000 }, async () => {
  const quick = await startServer({ 'signaling.pingInterval': 1000, 'signaling.reconnectTtl': 0 });
  const watcher = await member(quick, 'beat');
  const socket = await upgrade(quick);
  let sawClose = false;
  let pings = 0;
  socket.on('data', (chunk) => {
    for (let at = 0; at + 1 < chunk.length; at += 2 + chunk[at + 1]) {
      if (chunk[at + 1] > 125) break; // a long message: nothing we look for comes with it
      if (chunk[at] === 0x88) sawClose = true;
      if (chunk[at] === 0x89) ++pings;
    }
  });
  const began = Date.now();
  socket.write(maskedText({ type: 'join', roomId: 'beat' }));
  await watcher.next('peer:joined');
  await watcher.next('peer:left');
  const took = Date.now() - began;
  assert.ok(took >= 900 && took < 2600, `dropped after ${took} ms`);
  assert.equal(sawClose, false, 'terminated without a close frame');
  assert.equal(pings, 1);
  await new Promise((resolve) => setTimeout(resolve, 2500)); // the watcher answers, and stays
  await watcher.expectQuiet();
  await stopCleanly(quick);
});

test('stopping the server closes everybody with 1001', { timeout: 30_000 }, async () => {
  const going = await startServer();
  const joined = await member(going, 'end');
  const fresh = await connect(going);
  await stopCleanly(going);
  for (const client of [joined, fresh]) assert.deepEqual(await client.closed, { code: 1001, reason: 'Server shutting down' });
  assert.deepEqual(joined.raw, []);
});

// --- joining

test('blank and missing room ids are refused', async () => {
  for (const roomId of ['', ' ', '\t\n\u00a0\u3000\ufeff', 5, null, {}, undefined, 'x'.repeat(513)]) {
    const client = await connect(server);
    client.send({ type: 'join', roomId });
    await client.error('INVALID_ROOM_ID');
    assert.deepEqual(await client.closed, { code: 1008, reason: 'Invalid roomId' });
  }
});

test('room ids are used verbatim, whatever characters they hold', async () => {
  for (const roomId of [' padded ', 'ünï/… ?#%', 'a"b\\c', '\u0000\u0001', '😀', 'x'.repeat(512)]) {
    const client = await connect(server);
    assert.equal((await client.join(roomId)).roomId, roomId);
    assert.ok((await admin('GET', '/rooms')).body.rooms.some((room) => room.id === roomId));
    await client.close();
  }
});

test('the order of joining is the order of what is told', async () => {
  const alice = await connect(server);
  assert.deepEqual(await alice.join('order', { displayName: 'Alice', nested: { a: [1] }, gone: null, __role: 'admin' }),
    { type: 'room:joined', roomId: 'order', peerId: alice.id, peers: [], metadata: {} });
  await alice.drain();
  const bob = await connect(server);
  const joined = await bob.join('order', ['not', 'an', 'object']);
  assert.deepEqual(joined.peers,
    [{ id: alice.id, roomId: 'order', state: 'joined', metadata: { displayName: 'Alice', nested: { a: [1] } } }]);
  assert.ok(!('reconnectToken' in joined) && !('iceServers' in joined));
  assert.deepEqual(await bob.drain().then((all) => all.map((m) => m.type)), ['sfu:ready']);
  assert.deepEqual(await alice.drain(), [{ type: 'peer:joined', peer: { id: bob.id, roomId: 'order', state: 'joined', metadata: {} } }]);
  const carol = await connect(server);
  assert.deepEqual((await carol.join('order')).peers.map((peer) => peer.id), [alice.id, bob.id]);
  await Promise.all([alice.close(), bob.close(), carol.close()]);
});

test('a full room refuses, the socket stays, and another join works', async () => {
  await createRoom(server, { roomId: 'one', maxPeers: 1, metadata: { topic: 'T', nothing: null } });
  const alice = await connect(server);
  assert.deepEqual((await alice.join('one')).metadata, { topic: 'T', nothing: null });
  const bob = await connect(server);
  bob.send({ type: 'join', roomId: 'one' });
  assert.deepEqual(await bob.next(), { type: 'error', code: 'ROOM_FULL', roomId: 'one' });
  bob.send({ type: 'data', payload: 'ignored' });
  bob.send('null');
  assert.equal((await bob.join('two')).peerId, bob.id);
  await alice.close();
  await bob.close();
});

test('without autoCreateRooms a missing room is refused', { timeout: 30_000 }, async () => {
  const strict = await startServer({ 'signaling.autoCreateRooms': false });
  const client = await connect(strict);
  client.send({ type: 'join', roomId: 'nowhere' });
  assert.deepEqual(await client.next(), { type: 'error', code: 'ROOM_NOT_FOUND', roomId: 'nowhere' });
  assert.deepEqual(await client.closed, { code: 1008, reason: 'Room not found' });
  await createRoom(strict, { roomId: 'here' });
  await member(strict, 'here');
  await stopCleanly(strict);
});

// --- relaying

test('offer, answer and candidates reach their target only, byte for byte', async () => {
  const [alice, bob, carol] = await members(server, 'p2p', 3);
  const body = String.raw`{"a" : 1.50,"u":"\u00e9\ud83d\ude00\/","big":123456789012345678901234567890,"e":1E+2 , "n":[ ]}`;
  for (const [type, key] of [['offer', 'sdp'], ['answer', 'sdp'], ['ice-candidate', 'candidate']]) {
    alice.send(`{"type":"${type}","target":"${bob.id}","${key}": ${body} ,"more":1}`);
    assert.equal(await bob.nextRaw(), `{"type":"${type}","from":"${alice.id}","${key}":${body}}`);
    for (const empty of ['null', '""', '0', 'false']) alice.send(`{"type":"${type}","target":"${bob.id}","${key}":${empty}}`);
    alice.send({ type, target: bob.id });
    alice.send({ type, [key]: 'no target' });
    alice.send({ type, target: '', [key]: 'no target' });
    alice.send({ type, target: 'nobody', [key]: 'x' });
    alice.send({ type, target: alice.id, [key]: 'to myself' });
    assert.deepEqual(await alice.next(), { type, from: alice.id, [key]: 'to myself' });
  }
  for (const client of [alice, bob, carol]) await client.expectQuiet(alice);
  await Promise.all([alice, bob, carol].map((client) => client.close()));
});

test('data goes to all others, or to its target, unchanged', async () => {
  const [alice, bob, carol] = await members(server, 'data', 3);
  for (const raw of ['1.50', 'null', '0', 'false', '""', String.raw`"\u0041\ud83d\ude00\/"`, String.raw`"\ud800 alone"`, '[1e3, -0]',
    '{"a":1,"a":2}', '{"__sfu":0}', '{"__consent":"raise-hand"}']) {
    alice.send(`{"type":"data","payload":${raw}}`);
    for (const other of [bob, carol]) assert.equal(await other.nextRaw(raw), `{"type":"data","from":"${alice.id}","payload":${raw}}`);
  }
  alice.data('just you', bob.id);
  assert.deepEqual(await bob.next(), { type: 'data', from: alice.id, payload: 'just you' });
  alice.data('me', alice.id);
  assert.deepEqual(await alice.next(), { type: 'data', from: alice.id, payload: 'me' });
  alice.data('nobody', 'stranger');
  alice.send({ type: 'data', target: 5, payload: 'nobody' });
  alice.send({ type: 'data', target: bob.id });
  await alice.error('MISSING_PAYLOAD');
  alice.send({ type: 'data', target: null, payload: 'falsy target: all' });
  for (const other of [bob, carol]) assert.equal((await other.next('data')).payload, 'falsy target: all');
  for (const client of [alice, bob, carol]) await client.expectQuiet(alice);
  await Promise.all([alice, bob, carol].map((client) => client.close()));
});

test('nothing passes between rooms', async () => {
  const alice = await member(server, 'here');
  const bob = await member(server, 'there');
  alice.data('hello', bob.id);
  alice.send({ type: 'offer', target: bob.id, sdp: 'v=0' });
  alice.data('all');
  await alice.expectQuiet();
  await bob.expectQuiet();
  await Promise.all([alice.close(), bob.close()]);
});

// --- metadata

test('a metadata patch is told to the others as sent, to the sender as a whole', async () => {
  const alice = await member(server, 'meta', { name: 'A', old: 1 });
  const bob = await member(server, 'meta');
  await alice.drain();
  alice.send('{"type":"metadata","patch":{"name":"B","old":null,"x":1.50,"on":true,"never":null}}');
  assert.equal(await bob.nextRaw(), `{"type":"peer:updated","peerId":"${alice.id}","patch":{"name":"B","old":null,"x":1.50,"on":true,"never":null}}`);
  assert.deepEqual(await alice.next(), { type: 'metadata:updated', metadata: { name: 'B', x: 1.5, on: true } });
  alice.send({ type: 'metadata', patch: {} });
  assert.deepEqual(await bob.next(), { type: 'peer:updated', peerId: alice.id, patch: {} });
  assert.equal((await alice.next('metadata:updated')).metadata.name, 'B');
  for (const patch of [undefined, null, 5, 'text', true, ['a']]) {
    alice.send({ type: 'metadata', patch });
    await alice.error('INVALID_METADATA_PATCH');
  }
  alice.send({ type: 'metadata', patch: { fine: 1, __role: 'admin' } });
  assert.equal((await alice.error('INVALID_METADATA_KEY')).key, '__role');
  for (const value of [{}, [], [1]]) {
    alice.send({ type: 'metadata', patch: { fine: 1, deep: value } });
    assert.equal((await alice.error('INVALID_METADATA_VALUE')).key, 'deep');
  }
  await bob.expectQuiet(alice);
  assert.deepEqual((await roomOf(server, 'meta')).peers[0],
    { id: alice.id, roomId: 'meta', state: 'joined', metadata: { name: 'B', x: 1.5, on: true } });
  await Promise.all([alice.close(), bob.close()]);
});

test('room metadata, broadcasts and mute-all of the admin API reach everybody', async () => {
  const [alice, bob] = await members(server, 'adm', 2);
  assert.equal((await admin('PATCH', '/rooms/adm', { metadata: { topic: 'New', empty: null } })).status, 200);
  assert.deepEqual((await admin('POST', '/rooms/adm/broadcast', { payload: { a: 1 }, exclude: bob.id })).body, { sent: 2 });
  assert.deepEqual((await admin('POST', '/rooms/adm/mute-all')).body, { muted: 2 });
  assert.deepEqual(await alice.drain(), [{ type: 'room:updated', patch: { topic: 'New', empty: null } },
    { type: 'data', from: '__admin__', payload: { a: 1 } }, { type: 'admin:mute-all', roomId: 'adm' }]);
  assert.deepEqual((await bob.drain()).map((m) => m.type), ['room:updated', 'admin:mute-all']);
  const carol = await connect(server);
  assert.deepEqual((await carol.join('adm')).metadata, { topic: 'New', empty: null });
  await Promise.all([alice, bob, carol].map((client) => client.close()));
});

// --- leaving

test('after leave nothing passes until the next join on the same socket', async () => {
  const [alice, bob] = await members(server, 'leaving', 2);
  alice.send({ type: 'leave' });
  alice.data('ghost');
  alice.data('ghost', bob.id);
  alice.send({ type: 'metadata', patch: { ghost: true } });
  alice.send({ type: 'leave' });
  alice.send('[]');
  assert.deepEqual(await bob.next(), { type: 'peer:left', peerId: alice.id });
  const id = alice.id;
  assert.deepEqual((await alice.join('leaving', { again: 1 })).peers.map((peer) => peer.id), [bob.id]);
  assert.equal(alice.id, id);
  assert.deepEqual(await bob.drain(), [{ type: 'peer:joined', peer: { id, roomId: 'leaving', state: 'joined', metadata: { again: 1 } } }]);
  await Promise.all([alice.close(), bob.close()]);
});

test('a closed or lost socket leaves once, and its peer is gone from the table', async () => {
  const [alice, bob, carol] = await members(server, 'lost', 3);
  await alice.close();
  assert.deepEqual(await carol.next(), { type: 'peer:left', peerId: alice.id });
  await bob.cut();
  assert.deepEqual(await carol.next(), { type: 'peer:left', peerId: bob.id });
  await carol.expectQuiet();
  assert.deepEqual((await admin('GET', '/peers')).body.peers.map((peer) => peer.id), [carol.id]);
  await carol.close();
});

test('a kick tells the reason in full, and as much of it as a close frame carries', async () => {
  const [alice, bob] = await members(server, 'kick', 2);
  const reason = `${'x'.repeat(122)}ééé and the rest`;
  await kick(server, alice.id, reason);
  assert.deepEqual(await alice.next(), { type: 'kicked', reason });
  assert.deepEqual(await alice.closed, { code: 1008, reason: 'x'.repeat(122) });
  assert.deepEqual(await bob.drain(), [{ type: 'peer:left', peerId: alice.id }]);
  await admin('DELETE', `/peers/${bob.id}`);
  assert.deepEqual(await bob.next(), { type: 'kicked', reason: 'Kicked by admin' });
  assert.deepEqual(await bob.closed, { code: 1008, reason: 'Kicked by admin' });
  assert.equal((await admin('DELETE', `/peers/${bob.id}`)).status, 404);
  assert.equal(await roomOf(server, 'kick'), null);
  const unjoined = await connect(server);
  const { body } = await admin('GET', '/peers');
  assert.deepEqual(body.peers, [{ id: unjoined.id, roomId: null, state: 'connecting', metadata: {} }]);
  await kick(server, unjoined.id, 'out');
  assert.deepEqual(await unjoined.next(), { type: 'kicked', reason: 'out' });
  assert.equal((await unjoined.closed).code, 1008);
});

test('deleting a room puts everybody out', async () => {
  const clients = await members(server, 'doomed', 3);
  assert.deepEqual((await admin('DELETE', '/rooms/doomed')).body, { destroyed: 'doomed' });
  for (const client of clients) {
    assert.deepEqual(await client.await('kicked'), { type: 'kicked', reason: 'Room destroyed by admin' });
    assert.deepEqual(await client.closed, { code: 1008, reason: 'Room destroyed by admin' });
  }
  assert.equal((await admin('DELETE', '/rooms/doomed')).status, 404);
});
