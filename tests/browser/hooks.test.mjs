// Hooks that are told (onThreat, onExpiry, onPurge, sink) and geoLookup, by URL and over the control socket, against the real server
// (contract sections 23, 25, 31, 32, 38).
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { eventually } from './support/browser.mjs';
import { roomOf } from './support/admin.mjs';
import { ControlProgram } from './support/control_program.mjs';
import { startSink } from './support/http_sink.mjs';
import { connect, member } from './support/protocol_client.mjs';
import { startServer } from './support/server.mjs';

const SECRET = 'a hook secret';
let folder;
let sink;
let server;
let operator;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-hooks-'));
  chmodSync(folder, 0o755);
  sink = await startSink((request) => (request.path === '/slow' ? new Promise(() => {}) : 200));
  server = await startServer({
    'control.socket': join(folder, 'control.sock'), 'governance.port': 0, 'signaling.reconnectTtl': 0, 'signaling.hookSecret': SECRET,
    'threatDetector.thresholds': '{maxSignalsPerSecPerPeer: 20}', 'threatDetector.onThreatUrl': `${sink.url}/threat`,
    'retentionPolicy.onExpiryUrl': `${sink.url}/expiry`, 'retentionPolicy.onPurgeUrl': `${sink.url}/purge`,
    'compliance.residencyRegion': 'eu', 'dataResidency.enforcePeerRegion': true,
    'auditLogger.filePath': join(folder, 'audit', 'audit.ndjson'), 'store.path': join(folder, 'store'),
  });
  operator = new ControlProgram(join(folder, 'control.sock'));
});
after(async () => {
  operator?.end();
  if (server) assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.log());
  await sink?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function flood(room) {
  const client = await member(server, room);
  for (let i = 0; i < 60; ++i) client.data(i);
  const { reason } = await client.closed;
  assert.match(reason, /Signal/);
  return client.id;
}
/** What the sink got at that path, rightly signed. */
async function told(path, count, matches) {
  const requests = await sink.until(count, (request) => request.path === path && matches(JSON.parse(request.body)));
  for (const { method, headers, body } of requests) {
    assert.equal(method, 'POST');
    const text = `${headers['x-webrtc-rooms-timestamp']}.${headers['x-webrtc-rooms-id']}.${body}`;
    assert.equal(headers['x-webrtc-rooms-signature'], `sha256=${createHmac('sha256', SECRET).update(text).digest('hex')}`);
  }
  return requests.map((request) => JSON.parse(request.body));
}

test('threats, expired and erased records are posted to their URLs', { timeout: 60_000 }, async () => {
  const peer = await flood('flooded');
  const [threat] = await told('/threat', 1, (body) => body.peer === peer);
  assert.deepEqual(Object.keys(threat).sort(), ['ip', 'level', 'peer', 'threat', 'ts']);
  assert.deepEqual([threat.level, threat.threat, threat.ip], ['kick', 'signal_flood', '127.0.0.1']);

  const record = await operator.ask('retention.register', { id: 'r1', type: 'session', sub: 'user-1', meta: { a: 1 } });
  assert.equal(record.id, 'r1');
  assert.equal((await operator.ask('retention.purge', { sub: 'user-1' })).purged, 1);
  const [expiry] = await told('/expiry', 1, (body) => body.id === 'r1');
  assert.deepEqual(expiry, { type: 'session', id: 'r1', meta: { a: 1 }, reason: 'purge' });
  const [purge] = await told('/purge', 1, (body) => body.sub === 'user-1');
  assert.deepEqual(purge.records.map((one) => [one.id, one.sub, one.meta]), [['r1', 'user-1', { a: 1 }]]);
});

test('a client of the control socket is told instead, and answers where people are', { timeout: 60_000 }, async () => {
  const program = new ControlProgram(join(folder, 'control.sock'));
  assert.deepEqual((await program.ask('hooks.register', { hooks: ['geoLookup', 'onThreat', 'onPurge', 'sink'] })).hooks, ['geoLookup', 'onPurge', 'onThreat', 'sink']);
  const enter = async (room) => {
    const client = await connect(server);
    client.send({ type: 'join', roomId: room });
    return client;
  };
  const stranger = await enter('here');
  const question = await program.request('hook.geoLookup');
  assert.deepEqual(question.params, { ip: '127.0.0.1' });
  program.answer(question, { region: 'us' });
  assert.equal((await stranger.error('JOIN_REJECTED')).message, 'Data residency policy prevents joining from region "us"');
  await operator.ask('retention.hold', { sub: 'user-0' });
  const entry = await program.request('hook.sink', (params) => JSON.stringify(params).includes('retention.hold'));
  assert.equal(typeof entry.params.event, 'string');

  assert.equal((await operator.ask('retention.register', { id: 'r2', type: 'session', sub: 'user-2', meta: {} })).id, 'r2');
  await operator.ask('retention.purge', { sub: 'user-2' });
  const purge = await program.request('hook.onPurge');
  assert.equal(purge.params.sub, 'user-2');
  assert.equal(sink.requests.filter((request) => request.body.includes('user-2') && request.path === '/purge').length, 0, 'not to the URL as well');
  // It never answers onPurge: nobody waits for that, and the next notice comes all the same.
  await operator.ask('retention.register', { id: 'r3', type: 'session', sub: 'user-3', meta: {} });
  await operator.ask('retention.purge', { sub: 'user-3' });
  assert.equal((await program.request('hook.onPurge', (params) => params.sub === 'user-3')).params.records.length, 1);
  program.end();
  await eventually('the URL is told again', async () => {
    await operator.ask('retention.register', { id: 'r4', type: 'session', sub: 'user-4', meta: {} });
    await operator.ask('retention.purge', { sub: 'user-4' });
    return sink.requests.some((request) => request.path === '/purge' && request.body.includes('user-4'));
  });
  assert.ok((await server.metric('sluice_hook_notices_told_total')) >= 3);
});

test('sfu.adapter and region.multiRegion are taken with one warning each', { timeout: 60_000 }, async () => {
  const other = await startServer({ 'sfu.adapter': 'mediasoup', 'region.multiRegion': true, 'governance.port': 0 });
  try {
    for (const key of ['sfu.adapter: mediasoup', 'region.multiRegion']) {
      assert.equal(other.log().split('\n').filter((line) => line.includes(`'${key}' is accepted but has no effect`)).length, 1, other.log());
    }
    const client = await member(other, 'works');
    assert.equal((await roomOf(other, 'works')).peers.length, 1);
    await client.close();
  } finally {
    await other.stop();
  }
});
