// Coming back (contract section 9) on the wire, against the real server.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { createRoom, kick, roomOf } from './support/admin.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { connect, member, members } from './support/protocol_client.mjs';
import { startServer } from './support/server.mjs';

const TTL_MS = 1500;
let server;
before(async () => { server = await startServer({ 'signaling.reconnectTtl': TTL_MS }); });
after(async () => { if (server) await stopCleanly(server); });

async function comeBack(token, roomId, more = {}) {
  const client = await connect(server);
  client.send({ type: 'reconnect', token, roomId, ...more });
  return client;
}
const suspended = async (room, id) => {
  for (;;) {
    const peer = (await roomOf(server, room)).peers.find((p) => p.id === id);
    if (peer.state === 'reconnecting') return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

test('queue, then room:state with a fresh token; the others hear of the return only', async () => {
  const [alice, bob] = await members(server, 'back', 2);
  assert.ok(alice.token.length >= 22);
  await alice.cut();
  await suspended('back', alice.id);
  bob.send(`{"type":"data","payload":1.50}`);
  bob.send(`{"type":"offer","target":"${alice.id}","sdp":"v=0"}`);
  await bob.expectQuiet();
  const again = await comeBack(alice.token, 'back', { lastSeenSeq: -1 });
  assert.notEqual(again.id, alice.id);
  assert.equal(await again.nextRaw(), `{"type":"data","from":"${bob.id}","payload":1.50}`);
  assert.deepEqual(await again.next(), { type: 'offer', from: bob.id, sdp: 'v=0' });
  const state = await again.next('room:state');
  assert.equal(state.peerId, alice.id);
  assert.equal(state.roomId, 'back');
  assert.deepEqual(state.peers.map((peer) => peer.id), [bob.id]);
  assert.notEqual(state.reconnectToken, alice.token);
  assert.equal(state.lastSeq, 0);
  again.id = alice.id;
  await again.expectQuiet();
  assert.deepEqual(await bob.drain(), [{ type: 'peer:reconnected', peer: { id: alice.id, roomId: 'back', state: 'joined', metadata: {} } }]);
  // The fresh token works for the next drop, the used one never again.
  await again.close();
  await suspended('back', alice.id);
  const thief = await comeBack(alice.token, 'back');
  await thief.error('RECONNECT_TOKEN_INVALID');
  assert.equal((await thief.next('room:joined')).peerId, thief.id);
  const third = await comeBack(state.reconnectToken, 'back');
  await third.next('peer:joined'); // of the thief: it was kept
  assert.equal((await third.next('room:state')).peerId, alice.id);
  await Promise.all([third, thief, bob].map((client) => client.close()));
});

test('the first 32 messages are kept', async () => {
  const [alice, bob] = await members(server, 'queue', 2);
  await alice.cut();
  await suspended('queue', alice.id);
  for (let i = 0; i < 40; ++i) bob.data(i);
  await bob.expectQuiet();
  const again = await comeBack(alice.token, 'queue');
  for (let i = 0; i < 32; ++i) assert.equal((await again.next('data')).payload, i);
  await again.next('room:state');
  await Promise.all([again.close(), bob.close()]);
});

test('a held peer keeps its place and leaves once when the time is over', { timeout: 20_000 }, async () => {
  const [alice, bob] = await members(server, 'over', 2);
  const began = Date.now();
  await alice.cut();
  const carol = await connect(server);
  assert.deepEqual((await carol.join('over')).peers.map((peer) => [peer.id, peer.state]), [[alice.id, 'reconnecting'], [bob.id, 'joined']]);
  await bob.next('peer:joined');
  assert.deepEqual(await bob.next(), { type: 'peer:left', peerId: alice.id });
  assert.ok(Date.now() - began >= TTL_MS - 20);
  const late = await comeBack(alice.token, 'over');
  await late.error('RECONNECT_TOKEN_INVALID');
  await late.next('room:joined');
  await Promise.all([bob, carol, late].map((client) => client.close()));
});

test('a held peer fills its place', async () => {
  await createRoom(server, { roomId: 'tight', maxPeers: 1 });
  const alice = await member(server, 'tight');
  await alice.cut();
  const bob = await connect(server);
  bob.send({ type: 'join', roomId: 'tight' });
  await bob.error('ROOM_FULL');
  const again = await comeBack(alice.token, 'tight');
  await again.next('room:state');
  await Promise.all([again.close(), bob.close()]);
});

test('a live old socket is taken over', async () => {
  const [alice, bob] = await members(server, 'take', 2);
  const again = await comeBack(alice.token, 'take');
  assert.deepEqual(await alice.closed, { code: 1008, reason: 'Resumed on another connection' });
  await again.next('room:state');
  await bob.next('peer:reconnected');
  again.data('still here');
  assert.deepEqual(await bob.next(), { type: 'data', from: alice.id, payload: 'still here' });
  await Promise.all([again.close(), bob.close()]);
});

test('no token is a plain join; a bad one or a room that is gone is said first', async () => {
  for (const token of [undefined, null, '', 0]) {
    const client = await connect(server);
    client.send({ type: 'reconnect', token, roomId: 'plain', metadata: { n: 1 } });
    assert.equal((await client.next('room:joined')).peerId, client.id);
    await client.close();
  }
  const bad = await comeBack('no such token', 'plain', { metadata: { n: 2 } });
  await bad.error('RECONNECT_TOKEN_INVALID');
  await bad.next('room:joined');
  assert.deepEqual((await roomOf(server, 'plain')).peers.at(-1).metadata, { n: 2 });
  const alice = await member(server, 'exists');
  await alice.cut();
  const gone = await comeBack(alice.token, 'never existed');
  await gone.error('ROOM_GONE');
  await gone.next('room:joined');
  const blank = await comeBack('bad', ' ');
  await blank.error('RECONNECT_TOKEN_INVALID');
  await blank.error('INVALID_ROOM_ID');
  assert.equal((await blank.closed).code, 1008);
  await Promise.all([bad.close(), gone.close()]);
});

test('leave and kick end the token at once', async () => {
  const [alice, bob, carol] = await members(server, 'ended', 3);
  alice.send({ type: 'leave' });
  await carol.next('peer:left');
  await alice.close();
  await kick(server, bob.id, 'out');
  await carol.next('peer:left');
  await bob.closed;
  for (const { token } of [alice, bob]) {
    const again = await comeBack(token, 'ended');
    await again.error('RECONNECT_TOKEN_INVALID');
    await again.next('room:joined');
    await again.close();
  }
  await carol.close();
});

test('kicking a held peer tells the others once', async () => {
  const [alice, bob] = await members(server, 'held kick', 2);
  await alice.cut();
  await suspended('held kick', alice.id);
  await kick(server, alice.id, 'out');
  assert.deepEqual(await bob.drain(), [{ type: 'peer:left', peerId: alice.id }]);
  await new Promise((resolve) => setTimeout(resolve, TTL_MS + 100));
  await bob.expectQuiet();
  await bob.close();
});

test('joins of one address are limited, and attempts to resume are counted', async () => {
  const proxied = await startServer({ 'signaling.trustProxy': true });
  const far = { headers: { 'x-forwarded-for': '192.0.2.7, 10.0.0.1' } };
  const clients = await Promise.all(Array.from({ length: 30 }, () => connect(proxied, far)));
  for (const client of clients) client.send({ type: 'join', roomId: 'many' });
  const answers = await Promise.all(clients.map((client) => client.next()));
  assert.equal(answers.filter((m) => m.type === 'room:joined').length, 20);
  assert.equal(answers.filter((m) => m.code === 'RATE_LIMITED').length, 10);
  const refused = clients[answers.findIndex((m) => m.code === 'RATE_LIMITED')];
  await new Promise((resolve) => setTimeout(resolve, 1050));
  await refused.join('many');
  const bad = await connect(proxied);
  bad.send({ type: 'reconnect', token: 'bad', roomId: 'many' });
  await bad.error('RECONNECT_TOKEN_INVALID');
  await bad.next('room:joined');
  assert.equal(await proxied.metric('webrtc_rooms_reconnect_success_rate'), 0);
  assert.equal(await proxied.metric('sluice_state_log_failures_total'), 0);
  await stopCleanly(proxied);
});
