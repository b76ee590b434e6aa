// Sessions, replay, limits, threats and audit (contract sections 10, 11, 22, 23, 25) on the wire, against the real server.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { kick, roomOf } from './support/admin.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { ProtocolClient, connect, member } from './support/protocol_client.mjs';
import { binariesOfTests, startServer } from './support/server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'sluice-security-'));
chmodSync(folder, 0o755);
const auditFile = join(folder, 'audit', 'audit.ndjson');
const keyFile = join(folder, 'key');
writeFileSync(keyFile, 'the key of the chain\n');
const settings = {
  'sessionManager.reconnectTtl': 20000, eventReplay: true, 'store.path': join(folder, 'store'), 'signaling.trustProxy': true,
  'auditLogger.filePath': auditFile, 'auditLogger.chainKey': 'the key of the chain', 'auditLogger.maxFileSizeBytes': 20000,
  'threatDetector.thresholds': '{maxConnPerMinPerIp: 5}', 'rateLimiter.maxMsgPerSec': 20, 'rateLimiter.maxConnPerMin': 1000,
};
let server;
before(async () => { server = await startServer(settings); });
after(async () => {
  if (server) await stopCleanly(server);
  rmSync(folder, { recursive: true, force: true });
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** A connection of somebody else, as a proxy would pass it on. */
async function from(ip, path = '') {
  const client = new ProtocolClient(server.socketUrl + path, { headers: { 'x-forwarded-for': ip } });
  await client.opened;
  return client;
}
async function joined(room, ip) {
  const client = await from(ip);
  client.id = (await client.next('connected')).peerId;
  const joining = await client.join(room);
  return Object.assign(client, { joining, session: await client.await('session:token') });
}
async function held(room, id) {
  while ((await roomOf(server, room))?.peers.find((peer) => peer.id === id)?.state !== 'reconnecting') await pause(5);
}
async function comeBack(token, roomId, more = {}) {
  const client = await connect(server);
  client.send({ type: 'reconnect', token, roomId, ...more });
  return client;
}
const audit = (...words) => spawnSync(join(binariesOfTests, 'sluice'), ['audit', ...words], { encoding: 'utf8' });
const auditFiles = () => readdirSync(join(folder, 'audit')).map((name) => join(folder, 'audit', name));
const entries = () => auditFiles().flatMap((file) => readFileSync(file, 'utf8').trim().split('\n')).filter(Boolean).map((line) => JSON.parse(line));

test('a session token comes after room:joined, resumes once, and is renewed by it', async () => {
  const alice = await joined('tokens', '192.0.2.1');
  assert.match(alice.session.token, new RegExp(`^${alice.id}\\.[0-9a-z]+\\.[A-Za-z0-9_-]{43}$`));
  assert.equal(alice.session.ttl, 20000);
  assert.notEqual(alice.joining.reconnectToken, undefined);
  await alice.cut();
  await held('tokens', alice.id);
  const again = await comeBack(alice.session.token, 'tokens');
  assert.equal((await again.next('room:state')).peerId, alice.id);
  const fresh = await again.next('session:token');
  assert.notEqual(fresh.token, alice.session.token);
  const thief = await comeBack(alice.session.token, 'tokens');
  await thief.error('RECONNECT_TOKEN_INVALID');
  await again.cut();
  await held('tokens', alice.id);
  const third = await comeBack(fresh.token, 'tokens');
  assert.equal((await third.await('room:state')).peerId, alice.id);
  await Promise.all([third.close(), thief.close()]);
});

test('forged, cut and foreign session tokens are refused', async () => {
  const alice = await joined('forged', '192.0.2.2');
  const [id, ts, sig] = alice.session.token.split('.');
  await alice.cut();
  await held('forged', alice.id);
  for (const token of [`${id}.${ts}.${sig.slice(0, -1)}${sig.endsWith('A') ? 'B' : 'A'}`, `${id}.${ts}.`, `${id}.${ts}`, `${id}.zzzzzzzzzzzzzzzz.${sig}`, '...', 'x'.repeat(5000)]) {
    const client = await comeBack(token, 'forged');
    await client.error('RECONNECT_TOKEN_INVALID');
    await client.close();
  }
});

test('64 messages are kept for a held peer', async () => {
  const alice = await joined('queue', '192.0.2.3');
  const bob = await joined('queue', '192.0.2.4');
  await alice.cut();
  await held('queue', alice.id);
  for (let i = 0; i < 70; ++i) {
    bob.data(i, alice.id);
    if (i % 15 === 14) await pause(1010); // below the rate limit
  }
  await bob.drain();
  const again = await comeBack(alice.session.token, 'queue');
  for (let i = 0; i < 64; ++i) assert.equal((await again.next('data')).payload, i);
  await again.next('room:state');
  await Promise.all([again.close(), bob.close()]);
});

test('broadcasts are numbered, and who comes back is told what it missed', async () => {
  const alice = await joined('replay', '192.0.2.5');
  const bob = await joined('replay', '192.0.2.6');
  const seen = await alice.next('peer:joined');
  assert.equal(typeof seen.__seq, 'number');
  assert.equal(bob.joining.__seq, undefined);
  await alice.cut();
  await held('replay', alice.id);
  bob.send({ type: 'metadata', patch: { mood: 'good' } });
  await bob.await('metadata:updated');
  bob.data('kept');
  await bob.drain();
  const again = await comeBack(alice.session.token, 'replay', { lastSeenSeq: seen.__seq });
  assert.equal((await again.next('data')).payload, 'kept');
  const state = await again.next('room:state');
  const start = await again.next('replay:start');
  assert.equal(start.count, 1);
  assert.equal(start.gap, undefined);
  const event = await again.next('replay:event');
  assert.deepEqual([event.event, event.payload], ['peer:updated', { peerId: bob.id, patch: { mood: 'good' } }]);
  assert.ok(event.seq > seen.__seq && event.seq === start.fromSeq && event.seq === start.toSeq);
  const end = await again.next('replay:end');
  assert.equal(end.lastSeq, state.lastSeq);
  await again.next('session:token');
  await Promise.all([again.close(), bob.close()]);
});

test('too many messages are dropped, and told once', async () => {
  const alice = await joined('rate', '192.0.2.7');
  for (let i = 0; i < 40; ++i) alice.send({ type: 'unknown' });
  assert.deepEqual(await alice.next(), { type: 'error', code: 'RATE_LIMITED', message: 'Too many messages. Slow down.' });
  await pause(1100);
  await alice.expectQuiet();
  await alice.close();
});

test('oversized payloads and poisoned metadata end the connection', async () => {
  const cases = [
    [{ type: 'data', payload: 'x'.repeat(65536) }, 'Payload too large', '192.0.2.8'],
    [{ type: 'metadata', patch: { x: 'y'.repeat(5000) } }, 'Metadata patch too large', '192.0.2.9'],
  ];
  for (const [message, reason, ip] of cases) {
    const alice = await joined('threats', ip);
    alice.send(message);
    assert.deepEqual(await alice.next(), { type: 'kicked', reason });
    assert.deepEqual(await alice.closed, { code: 1008, reason });
  }
});

test('a connection flood is banned, also by the control process that comes after', { timeout: 60_000 }, async () => {
  const ip = '198.51.100.7';
  for (let i = 0; i < 5; ++i) await (await (await from(ip)).next('connected'));
  assert.deepEqual(await (await from(ip)).closed, { code: 1008, reason: 'Too many connections' });
  assert.deepEqual(await (await from(ip)).closed, { code: 1008, reason: 'Banned' });
  assert.deepEqual(await (await from(`::ffff:${ip}`)).closed, { code: 1008, reason: 'Banned' });
  await (await (await from('198.51.100.8')).next('connected'));
  const { pid } = await server.killOne('control');
  while ([pid, undefined].includes(server.pidOf('sluice-control'))) await pause(10);
  for (;;) {
    const client = await from(ip).catch(() => null);
    if (client !== null) {
      assert.deepEqual(await client.closed, { code: 1008, reason: 'Banned' });
      break;
    }
    await pause(20);
  }
});

test('the audit log holds all of it, and an edit of any of it is found', async () => {
  const alice = await joined('audited', '192.0.2.10');
  await kick(server, alice.id, 'for the record');
  // The answer to the kick says that the log is on the disk.
  const log = entries();
  const of = (event, more = {}) => log.filter((entry) => entry.event === event && Object.entries(more).every(([key, value]) => entry[key] === value));
  assert.equal(of('peer:joined', { peerId: alice.id, roomId: 'audited', ip: '192.0.2.10' }).length, 1);
  assert.equal(of('peer:kicked', { peerId: alice.id, reason: 'for the record' }).length, 1);
  assert.equal(of('admin:operation', { operation: 'peers.kick' }).length, 1);
  assert.equal(of('threat', { threat: 'connection_flood' }).length, 1);
  assert.equal(of('ban', { ip: '198.51.100.7' }).length, 1);
  assert.ok(auditFiles().length > 1, 'files were renamed when they were full');

  const good = audit('verify', ...auditFiles(), '--key-file', keyFile);
  assert.equal(good.status, 0, good.stderr);
  const point = audit('checkpoint', ...auditFiles(), '--key-file', keyFile);
  const checkpoint = join(folder, 'checkpoint');
  writeFileSync(checkpoint, point.stdout);
  assert.equal(audit('verify', ...auditFiles(), '--key-file', keyFile, '--checkpoint', checkpoint).status, 0);

  // On copies: the server goes on writing its own.
  const copies = mkdtempSync(join(folder, 'copy-'));
  const copied = auditFiles().map((file, i) => [join(copies, String(i)), readFileSync(file, 'utf8')]);
  const judge = (change) => {
    for (const [path, text] of copied) writeFileSync(path, change(text));
    return audit('verify', ...copied.map(([path]) => path), '--key-file', keyFile, '--checkpoint', checkpoint);
  };
  assert.equal(judge((text) => text).status, 0);
  assert.match(judge((text) => text.replace('for the record', 'for no reason!')).stderr, /NOT intact/);
  assert.equal(judge((text) => text.replace(/^.*"ban".*\n/m, '')).status, 1);
  assert.equal(judge((text) => (text.includes('for the record') ? text.split('\n').slice(0, -6).join('\n') + '\n' : text)).status, 1);
  writeFileSync(keyFile, 'another key');
  assert.equal(audit('verify', ...auditFiles(), '--key-file', keyFile).status, 1);
});

test('names that clients choose stay inside their line and their label', async () => {
  const room = 'x"} 1\nsluice_forged 1\n\u2028level=error msg="forged"';
  const alice = await joined(room, '192.0.2.11');
  await alice.close();
  assert.equal(entries().filter((entry) => entry.roomId === room).length >= 2, true);
  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
  assert.equal(metrics.split('\n').some((line) => line.startsWith('sluice_forged')), false);
  assert.equal(server.log().split('\n').some((line) => line.startsWith('sluice_forged') || line.startsWith('level=error')), false);
});

test('a session outlives the whole server', { timeout: 60_000 }, async () => {
  const alice = await joined('lasting', '192.0.2.12');
  alice.send({ type: 'metadata', patch: { name: 'Alice' } });
  await alice.await('metadata:updated');
  assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.log());
  server = await startServer(settings);
  const again = await comeBack(alice.session.token, 'lasting');
  const state = await again.next('room:state');
  assert.equal(state.peerId, alice.id);
  assert.notEqual((await again.next('session:token')).token, alice.session.token);
  const own = (await roomOf(server, 'lasting')).peers.find((peer) => peer.id === alice.id);
  assert.deepEqual([own.state, own.metadata.name], ['joined', 'Alice']);
  assert.deepEqual(await (await from('198.51.100.7')).closed, { code: 1008, reason: 'Banned' }, 'and so does a ban');
  await again.close();
});
