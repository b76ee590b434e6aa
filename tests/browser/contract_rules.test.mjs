// Who may come in and what holds inside (contract sections 5, 12 to 14, 19 to 21, 31) on the wire, against the real server
// and a real HTTP hook. Tokens are made here, by other code than the server's.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import test, { after, before } from 'node:test';
import { createRoom, roomOf } from './support/admin.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { connect } from './support/protocol_client.mjs';
import { startServer } from './support/server.mjs';

const POLICY_SECRET = 'a policy secret';
const HOOK_SECRET = 'a hook secret';
let server;
let hook;
const asked = [];
let answerHook = () => ({ allow: true });

before(async () => {
  hook = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => { body += chunk; });
    request.on('end', async () => {
      asked.push({ headers: request.headers, url: request.url, body });
      const answer = await answerHook(JSON.parse(body), request.url);
      if (answer === undefined) return; // never
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' });
      response.end(answer.text ?? JSON.stringify(answer));
    });
  });
  await new Promise((resolve) => hook.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${hook.address().port}`;
  server = await startServer({
    'signaling.beforeJoinUrl': `${url}/before-join`, 'signaling.hookSecret': HOOK_SECRET, 'policyEngine.secret': POLICY_SECRET,
    'consentFlow.required': '[]', 'e2eKeyExchange.requireKeyOnJoin': false, 'dataResidency.localRegion': 'eu',
    'dataResidency.enforcePeerRegion': true, 'dataResidency.geoLookupUrl': `${url}/geo`,
    'signaling.turn.secret': 'a turn secret', 'signaling.turn.urls': 'turn:turn.example.org:3478', 'signaling.reconnectTtl': 0,
  });
});
after(async () => {
  if (server) await stopCleanly(server);
  hook.closeAllConnections?.();
  hook.close();
});

const base64url = (text) => Buffer.from(text).toString('base64url');
const sign = (secret, text) => createHmac('sha256', secret).update(text).digest('base64url');
function policyToken(policy, secret = POLICY_SECRET) {
  const body = base64url(JSON.stringify({
    iss: 'webrtc-rooms', sub: 'user-1', roomId: '*', role: 'host', caps: ['publish', 'subscribe', 'data'], expiresAt: Date.now() + 60_000, ...policy }));
  return `${body}.${sign(secret, body)}`;
}
async function tryJoin(room, metadata) {
  const client = await connect(server);
  client.send({ type: 'join', roomId: room, metadata });
  return { client, answer: await client.next() };
}
/** Joins, and has read everything about it. */
async function joined(room, policy, more = {}) {
  const client = await connect(server);
  const answer = await client.join(room, { policyToken: policyToken({ caps: ['publish', 'subscribe', 'data'], ...policy }), ...more });
  await client.drain();
  return Object.assign(client, { answer });
}
const closeAll = (clients) => Promise.all(clients.map((client) => client.close()));

test('the hook is asked, signed, and may change metadata before anybody sees it', async () => {
  answerHook = (request, url) => (url === '/geo' ? { region: 'eu' } : { allow: true, metadata: { secret: null, badge: 'gold' } });
  const client = await joined('hook', {}, { secret: 's', name: 'A' });
  const call = asked.find((entry) => entry.url === '/before-join');
  const request = JSON.parse(call.body);
  assert.equal(request.roomId, 'hook');
  assert.equal(request.ip, '127.0.0.1');
  assert.equal(request.peer.id, client.id);
  assert.equal(request.peer.state, 'connecting');
  assert.equal(request.peer.metadata.secret, 's');
  const timestamp = call.headers['x-webrtc-rooms-timestamp'];
  assert.ok(Math.abs(Number(timestamp) - Date.now()) < 60_000);
  const expected = createHmac('sha256', HOOK_SECRET).update(`${timestamp}.${call.headers['x-webrtc-rooms-id']}.${call.body}`).digest('hex');
  assert.equal(call.headers['x-webrtc-rooms-signature'], `sha256=${expected}`);
  const [peer] = (await roomOf(server, 'hook')).peers;
  assert.deepEqual(peer.metadata, {
    name: 'A', badge: 'gold', __caps: ['publish', 'subscribe', 'data'], __role: 'host', __sub: 'user-1', __geoRegion: 'eu' });
  await closeAll([client]);
});

test('a hook that refuses, fails, or gives no sense', async () => {
  const rows = [
    [{ allow: false }, 'JOIN_REJECTED', 'Join rejected', 'Join rejected'],
    [{ allow: false, reason: 'Sold out' }, 'JOIN_REJECTED', 'Sold out', 'Sold out'],
    [{ status: 500, text: '{"allow":true}' }, 'AUTH_ERROR', null, 'Auth error'],
    [{ status: 302, text: '' }, 'AUTH_ERROR', null, 'Auth error'],
    [{ text: 'yes' }, 'AUTH_ERROR', null, 'Auth error'],
    [{ text: '{}' }, 'AUTH_ERROR', null, 'Auth error'],
    [{ text: `{"allow":true,"pad":"${'x'.repeat(70_000)}"}` }, 'AUTH_ERROR', null, 'Auth error'],
  ];
  for (const [answer, code, message, reason] of rows) {
    answerHook = () => answer;
    const { client, answer: error } = await tryJoin('refused', {});
    assert.equal(error.code, code, JSON.stringify(answer).slice(0, 100));
    if (message !== null) assert.equal(error.message, message);
    assert.deepEqual(await client.closed, { code: 1008, reason });
  }
  assert.equal(await roomOf(server, 'refused'), null);
});

test('a hook that never answers refuses after its time limit, and nobody else waits for it', { timeout: 30_000 }, async () => {
  answerHook = (request) => (request.roomId === 'slow' ? undefined : { allow: true });
  const slow = await connect(server);
  slow.send({ type: 'join', roomId: 'slow' });
  const other = await joined('quick');
  const started = Date.now();
  while (slow.raw.length === 0 && Date.now() - started < 20_000) await new Promise((resolve) => { setTimeout(resolve, 50); });
  assert.equal((await slow.next('error')).code, 'AUTH_ERROR');
  assert.deepEqual(await slow.closed, { code: 1008, reason: 'Auth error' });
  await closeAll([other]);
});

test('messages wait for the hook, and who leaves meanwhile is not admitted', async () => {
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  answerHook = async (request, url) => { if (url !== '/geo') await released; return { allow: true }; };
  const gone = await connect(server);
  gone.send({ type: 'join', roomId: 'late' });
  const client = await connect(server);
  client.send({ type: 'join', roomId: 'late', metadata: { policyToken: policyToken({}) } });
  client.send({ type: 'metadata', patch: { after: 1 } });
  await gone.cut();
  release();
  await client.next('room:joined');
  assert.equal((await client.await('metadata:updated')).metadata.after, 1);
  assert.deepEqual((await roomOf(server, 'late')).peers.map((peer) => peer.id), [client.id]);
  await closeAll([client]);
});

test('policy tokens: forgeries, other rooms, time, and what they allow', async () => {
  answerHook = () => ({ allow: true });
  const none = `${base64url(JSON.stringify({ roomId: '*', caps: ['admin'], expiresAt: Date.now() + 1e9 }))}.`;
  const rows = [
    [policyToken({}, 'another secret'), 'Policy token rejected: Invalid signature'],
    [none, 'Policy token rejected: Invalid signature'],
    ['nodot', 'Policy token rejected: Malformed token'],
    [policyToken({ expiresAt: Date.now() - 1 }), 'Policy token rejected: Token expired'],
    [policyToken({ expiresAt: 'never' }), 'Policy token rejected: Malformed payload'],
    [policyToken({ roomId: 'other' }), 'This token is not valid for room "policy"'],
  ];
  for (const [token, message] of rows) {
    const { client, answer } = await tryJoin('policy', { policyToken: token });
    assert.deepEqual(answer, { type: 'error', code: 'JOIN_REJECTED', message });
    assert.deepEqual(await client.closed, { code: 1008, reason: message });
  }
  const viewer = await connect(server);
  await viewer.join('policy', { __caps: ['admin'], __role: 'admin' });
  viewer.data({ __sfu: 'publish', kind: 'audio' });
  assert.deepEqual(await viewer.await('error'), { type: 'error', code: 'POLICY_DENIED', action: 'publish', cap: 'publish' });
  const moderator = await connect(server);
  await moderator.join('policy', { policyToken: policyToken({ caps: ['moderate'] }) });
  moderator.data('hello');
  assert.deepEqual(await moderator.await('error'), { type: 'error', code: 'POLICY_DENIED', action: 'data', cap: 'data' });
  await closeAll([viewer, moderator]);
});

test('moderation, consent and keys on one wire', async () => {
  answerHook = () => ({ allow: true });
  const mod = await joined('rules', { caps: ['moderate', 'kick', 'data'] });
  const bob = await joined('rules', {});
  await mod.drain();
  bob.data({ __consent: 'grant', types: ['recording'] });
  assert.deepEqual(await bob.next(), { type: 'consent:confirmed', types: ['recording'], version: 'v1' });
  bob.data({ __e2e: 'key:announce', publicKey: 'QUJD' });
  assert.deepEqual(await bob.next(), { type: 'e2e:key:confirmed', action: 'announced', version: 1 });
  assert.deepEqual(await mod.next(), { type: 'e2e:key:announced', roomId: 'rules', peerId: bob.id, publicKey: 'QUJD', curve: 'P-256', version: 1 });
  mod.data({ __mod: 'mute', targetId: bob.id, reason: 'noise' });
  assert.deepEqual(await bob.next(), { type: 'mod:muted', by: mod.id, reason: 'noise' });
  assert.deepEqual(await mod.next(), { type: 'mod:peer:muted', peerId: bob.id, by: mod.id });
  bob.data({ __mod: 'kick', targetId: mod.id });
  assert.deepEqual(await bob.next(), { type: 'error', code: 'MOD_UNAUTHORIZED', action: 'kick' });
  mod.data({ __mod: 'lock:room' });
  assert.deepEqual(await bob.next(), { type: 'room:locked', lockedBy: mod.id });
  const { client, answer } = await tryJoin('rules', {});
  assert.deepEqual(answer, { type: 'error', code: 'JOIN_REJECTED', message: 'Room is currently locked by a moderator' });
  await client.closed;
  await mod.next('room:locked');
  mod.data({ __mod: 'kick', targetId: bob.id, reason: 'spam' });
  assert.deepEqual(await bob.next(), { type: 'kicked', reason: 'spam', by: mod.id });
  assert.deepEqual(await bob.closed, { code: 1008, reason: 'spam' });
  const seen = [(await mod.next()).type, (await mod.next()).type].sort();
  assert.deepEqual(seen, ['e2e:key:revoked', 'peer:left']);
  await closeAll([mod]);
});

test('residency: rooms of other regions are not made, members of other regions not admitted', async () => {
  const response = await fetch(`${server.adminUrl}/admin/rooms`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ roomId: 'far', metadata: { __region: 'us' } }) });
  assert.ok(response.status >= 400 && response.status < 500, String(response.status));
  assert.equal(await roomOf(server, 'far'), null);
  await createRoom(server, { roomId: 'near', metadata: { __region: 'eu' } });
  // The address of this machine was looked up by an earlier test: the answer is remembered.
  const client = await joined('near');
  assert.equal((await roomOf(server, 'near')).peers[0].metadata.__geoRegion, 'eu');
  await closeAll([client]);
});

test('joiners are told TURN credentials that a TURN server would take', async () => {
  answerHook = () => ({ allow: true });
  const client = await joined('turn');
  const [{ urls, username, credential, ttl }] = client.answer.iceServers;
  assert.deepEqual(urls, ['turn:turn.example.org:3478']);
  assert.equal(ttl, 86400);
  assert.equal(username.slice(username.indexOf(':') + 1), client.id);
  assert.equal(credential, createHmac('sha1', 'a turn secret').update(username).digest('base64'));
  await closeAll([client]);
});

test('room tokens: made by other code, with each thing wrong once', async () => {
  const secret = '0123456789abcdef0123456789abcdef';
  const own = await startServer({ 'signaling.apiSecret': secret, 'signaling.reconnectTtl': 0 });
  try {
    const jwt = (claims, { header = { alg: 'HS256', typ: 'JWT' }, key = secret } = {}) => {
      const text = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify({ iss: 'webrtc-rooms', sub: 'alice', room: 'r', pub: true, sub_media: true, ...claims }))}`;
      return `${text}.${sign(key, text)}`;
    };
    const now = Math.floor(Date.now() / 1000);
    const rows = [
      [undefined, 'TOKEN_REQUIRED', 'Token required'], [5, 'TOKEN_REQUIRED', 'Token required'],
      ['a.b.c', 'TOKEN_INVALID', 'Invalid token'], [jwt({}, { key: 'x' }), 'TOKEN_INVALID', 'Invalid token'],
      [jwt({}, { header: { alg: 'none' } }), 'TOKEN_INVALID', 'Invalid token'], [jwt({ iss: 'me' }), 'TOKEN_INVALID', 'Invalid token'],
      [jwt({ exp: now - 5 }), 'TOKEN_INVALID', 'Invalid token'], [jwt({ nbf: now + 60 }), 'TOKEN_INVALID', 'Invalid token'],
      [jwt({ room: 'other' }), 'TOKEN_ROOM_MISMATCH', 'Token room mismatch'],
    ];
    for (const [token, code, reason] of rows) {
      const client = await connect(own);
      client.send({ type: 'join', roomId: 'r', metadata: { token } });
      assert.equal((await client.next('error')).code, code, String(token));
      assert.deepEqual(await client.closed, { code: 1008, reason });
    }
    const client = await connect(own);
    await client.join('r', { name: 'Mallory', token: jwt({ exp: now + 60, pub: false, meta: { name: 'Alice' } }) });
    const [peer] = (await roomOf(own, 'r')).peers;
    assert.deepEqual(peer.metadata, { name: 'Alice', tokenSub: 'alice', canPublish: false, canSubscribe: true });
    await client.close();
  } finally {
    await stopCleanly(own);
  }
});
