// Limits that change while the server runs; a disk and receivers that refuse: what suffers, what does not, where it shows.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { isHealthy } from './support/admin.mjs';
import { eventually } from './support/browser.mjs';
import { ControlClient, governanceUrlOf } from './support/control_lines.mjs';
import { startSink } from './support/http_sink.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { connect, member } from './support/protocol_client.mjs';
import { startServer } from './support/server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'sluice-troubles-'));
const socket = join(folder, 'control.sock');
const config = join(folder, 'sluice.yaml');
const auditFolder = join(folder, 'audit');
const auditFile = join(auditFolder, 'audit.ndjson');
const OLD_ENTRIES = 60_000; // 25 MB, which a server before this one wrote
const settings = (limits) => JSON.stringify({
  rateLimiter: { maxConnPerMin: 10000, ...limits }, threatDetector: { thresholds: { maxConnPerMinPerIp: 100000, maxJoinLeavePerMinPerIp: 100000 } },
  policyEngine: { secret: 'of these tests only, 0123456789abcdef' }, alertManager: {}, healthMonitor: { checkIntervalMs: 1000 },
});
let server;
let control;
let stalled;
const syslog = createSocket('udp4');
const datagrams = [];
before(async () => {
  chmodSync(folder, 0o755); // control is another user
  mkdirSync(auditFolder);
  let text = '';
  for (let seq = 1; seq <= OLD_ENTRIES; ++seq) text += `{"ts":${1700000000000 + seq},"service":"webrtc-rooms","event":"old","peerId":"p${seq}","padding":"${'x'.repeat(330)}","seq":${seq}}\n`;
  writeFileSync(auditFile, text);
  writeFileSync(config, settings({ maxJoinsPerRoomPerMin: 2, maxJoinsPerTenantPerMin: 3 }));
  syslog.on('message', (message) => { datagrams.push(message.toString()); });
  await new Promise((resolve) => { syslog.bind(0, '127.0.0.1', resolve); });
  stalled = await startSink(() => new Promise(() => {})); // takes requests and never answers
  server = await startServer({
    config, 'control.socket': socket, 'governance.port': 0, 'signaling.reconnectTtl': 0, 'store.path': join(folder, 'store'),
    'isolation.users': 'off', // limits of another user's process cannot be set
    'auditLogger.filePath': auditFile, 'auditLogger.syslog': `udp:127.0.0.1:${syslog.address().port}`, 'auditLogger.sinkUrl': stalled.url,
  });
  control = await ControlClient.to(socket);
});
after(async () => {
  control?.end();
  if (server) await stopCleanly(server, { allow: [/cannot be written/, /ALERT/] });
  await stalled?.close();
  syslog.close();
  rmSync(folder, { recursive: true, force: true });
});

async function reload(limits) {
  const seen = () => server.log().split('configuration taken over').length;
  const before = seen();
  writeFileSync(config, settings(limits));
  process.kill(server.pid, 'SIGHUP');
  await eventually('the configuration is taken over', () => seen() > before);
}
async function tries(client, roomId, metadata) {
  client.send({ type: 'join', roomId, metadata });
  const answer = await client.next();
  return answer.type === 'error' ? answer.code : answer.type;
}
const health = async () => (await fetch(`${server.adminUrl}/admin/health`)).json();
const problems = async () => ((await health()).problems ?? []).map(({ part }) => part);

test('joins of a room are limited; who is refused stays connected, and comes in when SIGHUP has raised the limit', { timeout: 60_000 }, async () => {
  for (let i = 0; i < 2; ++i) assert.equal(await tries(await connect(server), 'crowded'), 'room:joined');
  const late = await connect(server);
  assert.equal(await tries(late, 'crowded'), 'RATE_LIMITED');
  assert.equal(await tries(late, 'crowded'), 'RATE_LIMITED');
  assert.ok(late.isOpen);
  assert.equal(await server.metric('sluice_joins_limited_total', 'by="room"'), 2);
  assert.doesNotMatch(server.log(), /take effect with the next restart/);
  await reload({ maxJoinsPerRoomPerMin: 3, maxJoinsPerTenantPerMin: 3 });
  assert.equal(await tries(late, 'crowded'), 'room:joined');
  assert.equal(await tries(await connect(server), 'crowded'), 'RATE_LIMITED');
  await reload({ maxJoinsPerTenantPerMin: 3, maxMsgPerSec: 5 });
  assert.equal(await tries(await connect(server), 'crowded'), 'room:joined', 'without a limit');
  for (let i = 0; i < 10; ++i) late.data(i, late.id);
  await late.await('error').then((error) => assert.equal(error.code, 'RATE_LIMITED'));
  await reload({ maxJoinsPerTenantPerMin: 3 });
  assert.doesNotMatch(server.log(), /take effect with the next restart/);
});

test('joins of a tenant are limited over all its rooms, and nobody else is', { timeout: 60_000 }, async () => {
  const token = async (tenant) => (await control.ask('policy.issue', { sub: 'someone', ...(tenant ? { tenant } : {}) })).token;
  const asOf = async (tenant, room) => tries(await connect(server), room, { policyToken: await token(tenant), __tenant: 'another' });
  for (let i = 0; i < 3; ++i) assert.equal(await asOf('acme', `acme ${i}`), 'room:joined');
  assert.equal(await asOf('acme', 'acme more'), 'RATE_LIMITED');
  assert.equal(await asOf('other', 'acme more'), 'room:joined');
  for (let i = 0; i < 5; ++i) assert.equal(await asOf(null, 'everybody'), 'room:joined');
  assert.equal(await server.metric('sluice_joins_limited_total', 'by="tenant"'), 1);
});

test('an export of a large log waits for a slow reader, in little memory, and is whole', { timeout: 120_000 }, async () => {
  const memory = () => Object.entries(server.memory()).find(([name]) => name.startsWith('sluice-control'))[1];
  const before = memory();
  const response = await new Promise((resolve, reject) => { get(`${governanceUrlOf(server)}/audit/export`, resolve).on('error', reject); });
  assert.equal(response.headers['transfer-encoding'], 'chunked');
  response.pause();
  for (let i = 0; i < 10; ++i) { // others do not wait for it
    const guest = await member(server, `meanwhile ${i}`);
    await guest.close();
  }
  assert.ok(memory() - before < 16e6, `${memory() - before} bytes more`);
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk;
  const lines = text.trimEnd().split('\n');
  assert.ok(lines.length > OLD_ENTRIES, `${lines.length}`);
  lines.forEach((line, i) => assert.ok(line.endsWith(`"seq":${i + 1}}`), line));
  const { entries } = await control.ask('audit.query', { peerId: 'p777' });
  assert.deepEqual(entries.map((entry) => entry.seq), [777]);
});

test('a disk that refuses shows in health, events and alerts, stops acknowledgements and no call, and nothing is lost', { timeout: 120_000 }, async () => {
  await control.ask('events.subscribe', { patterns: ['health:*'] });
  assert.equal((await problems()).filter((part) => !part.startsWith('audit.')).length, 0);
  const pid = String(server.pidOf('sluice-control'));
  execFileSync('prlimit', ['--pid', pid, '--fsize=1:unlimited']); // as a full disk: no file may grow
  await assert.rejects(control.ask('bans.add', { ip: '198.51.100.1' }), { code: -32003 });
  await eventually('both are named', async () => (await problems()).includes('audit') && (await problems()).includes('store'));
  const sick = await health();
  assert.equal(sick.status, 'degraded');
  assert.match(sick.problems.find(({ part }) => part === 'audit').problem, /audit log cannot be written/);
  assert.ok(sick.problems.every(({ severity, since }) => ['warning', 'critical'].includes(severity) && since > 1.7e12));
  const slo = await fetch(`${governanceUrlOf(server)}/health/slo`);
  assert.equal(slo.status, 503);
  assert.equal((await slo.json()).healthy, false);
  const alice = await member(server, 'goes on');
  const bob = await member(server, 'goes on');
  alice.data('hello', bob.id);
  assert.equal((await bob.await('data')).payload, 'hello');
  execFileSync('prlimit', ['--pid', pid, '--fsize=unlimited:unlimited']);
  await eventually('all is well again', async () => (await problems()).filter((part) => !part.startsWith('audit.')).length === 0);
  assert.deepEqual(await control.ask('audit.sync'), { durable: true });
  const seen = control.events.filter(({ data }) => ['audit', 'store'].includes(data.part)).map(({ event, data }) => `${event} ${data.part}`).sort();
  assert.deepEqual(seen, ['health:trouble audit', 'health:trouble store', 'health:well audit', 'health:well store']);
  const alerts = (await control.ask('alerts.recent')).alerts.filter(({ context }) => context.part === 'audit').map(({ event, severity }) => `${event} ${severity}`);
  assert.deepEqual(alerts, ['part:troubled critical', 'part:recovered info']);
  const lines = readFileSync(auditFile, 'utf8').trimEnd().split('\n');
  lines.forEach((line, i) => assert.ok(line.endsWith(`"seq":${i + 1}}`), line));
  assert.ok(lines.some((line) => line.includes('peer:joined') && line.includes(alice.id)));
  assert.equal((await control.ask('bans.list')).bans.some(({ ip }) => ip === '198.51.100.1'), true, 'it was done, only not acknowledged');
});

test('a sink that never answers costs its entries only, and is named; syslog gets them all', { timeout: 60_000 }, async () => {
  await stalled.until(1);
  await eventually('the sink is named', async () => (await problems()).includes('audit.http'));
  assert.ok(await server.metric('sluice_audit_http_dropped_total') > 0);
  assert.equal(stalled.requests.every(({ body }) => body.endsWith('\n')), true, 'whole lines');
  const alice = await member(server, 'to syslog');
  await eventually('syslog has it', () => datagrams.some((text) => text.includes('peer:joined') && text.includes(alice.id)));
  assert.match(datagrams.at(-1), /^<109>1 - - webrtc-rooms \d+ audit - \{"ts":\d+,.*\}$/s);
  assert.equal(await server.metric('sluice_audit_syslog_dropped_total'), 0);
  assert.equal(await isHealthy(server), true);
});

test('a receiver that dies and one that reads nothing: nobody waits, what they do not take is counted', { timeout: 120_000 }, async () => {
  const path = join(folder, 'syslog.sock');
  // A daemon that has its socket and reads nothing, until it is told to.
  const daemon = spawn('python3', ['-c', `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print('bound', flush=True)
sys.stdin.readline()
while True: print(s.recv(65536).decode(), flush=True)
`, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  let read = '';
  daemon.stdout.on('data', (chunk) => { read += chunk; });
  await eventually('the daemon is there', () => read.includes('bound'));
  const dying = await startSink();
  const second = await startServer({ 'auditLogger.syslog': `unix:${path}`, 'auditLogger.sinkUrl': dying.url, 'signaling.reconnectTtl': 0, 'governance.port': 0 });
  try {
    const first = await member(second, 'before');
    const got = await dying.until(1, ({ body }) => body.includes('"event":"peer:joined"'));
    assert.equal(got[0].headers['content-type'], 'application/x-ndjson');
    for (const line of got.flatMap(({ body }) => body.trimEnd().split('\n'))) JSON.parse(line);
    await dying.close();
    const began = Date.now();
    for (let i = 0; i < 150; ++i) await (await member(second, `flood ${i}`)).close(); // some 750 entries; the kernel keeps a few datagrams
    assert.ok(Date.now() - began < 60_000);
    assert.ok(await second.metric('sluice_audit_syslog_dropped_total') > 0);
    await eventually('the dead sink costs its entries', async () => await second.metric('sluice_audit_http_dropped_total') > 0);
    const named = async () => ((await (await fetch(`${second.adminUrl}/admin/health`)).json()).problems ?? []).map(({ part }) => part).sort();
    await eventually('both are named', async () => (await named()).join() === 'audit.http,audit.syslog');
    daemon.stdin.write('read\n');
    const after = await member(second, 'after');
    await eventually('what comes from now on is taken', async () => { await (await member(second, 'after')).close(); return read.includes('"roomId":"after"'); });
    await first.close();
    await after.close();
  } finally {
    await stopCleanly(second);
    daemon.kill();
  }
});
