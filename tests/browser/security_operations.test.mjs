// What operators do about bans, sessions, records and the audit log, by every way in: its effect on live clients, and its trace.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import WebSocket from 'ws';
import { eventually } from './support/browser.mjs';
import { ControlClient, governanceUrlOf } from './support/control_lines.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { ProtocolClient, connect, member } from './support/protocol_client.mjs';
import { startServer } from './support/server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'sluice-operations-'));
const socket = join(folder, 'control.sock');
const auditFile = join(folder, 'audit', 'audit.ndjson');
let server;
let governance;
let control;
before(async () => {
  server = await startServer({
    'control.socket': socket, 'governance.port': 0, 'signaling.trustProxy': true, threatDetector: true, rateLimiter: true,
    'sessionManager.reconnectTtl': 20000, retentionPolicy: true, 'auditLogger.filePath': auditFile, 'store.path': join(folder, 'store'),
  });
  governance = governanceUrlOf(server);
  control = await ControlClient.to(socket);
});
after(async () => {
  control?.end();
  if (server) await stopCleanly(server);
  rmSync(folder, { recursive: true, force: true });
});

async function from(ip) {
  const client = new ProtocolClient(server.socketUrl, { headers: { 'x-forwarded-for': ip } });
  await client.opened;
  return client;
}
async function http(method, path) {
  const response = await fetch(`${governance}${path}`, { method });
  return { status: response.status, body: await response.json() };
}
const entries = () => readFileSync(auditFile, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const traces = (event, more) => entries().filter((entry) => entry.event === event && Object.entries(more).every(([key, value]) => entry[key] === value));

test('a ban puts out who is there, keeps out who comes, and can be lifted by either way in', { timeout: 60_000 }, async () => {
  const ip = '203.0.113.7';
  const there = await from(ip);
  await there.next('connected');
  const other = await from('203.0.113.8');
  await other.next('connected');
  assert.deepEqual(await control.ask('bans.add', { ip: `::ffff:${ip}`, durationMs: 600000 }).then(({ until, ...rest }) => rest), { banned: true, ip });
  assert.equal((await there.closed).code, 1008);
  assert.deepEqual(await (await from(ip)).closed, { code: 1008, reason: 'Banned' });
  assert.ok(other.isOpen, 'nobody else is meant');
  const { bans, stats } = await control.ask('bans.list');
  assert.deepEqual(bans.map((ban) => ban.ip), [ip]);
  assert.ok(bans[0].expiresIn > 590_000 && bans[0].expiresIn <= 600_000);
  assert.equal(stats.bans, 1);
  const listed = (await http('GET', '/threats')).body;
  assert.deepEqual(listed.bans.map((ban) => ban.ip), [ip]);
  assert.deepEqual((await http('DELETE', `/threats/bans/${ip}`)).body, { unbanned: true, ip });
  await (await from(ip)).next('connected');
  await control.ask('bans.add', { ip, durationMs: 600000 });
  assert.deepEqual(await control.ask('bans.remove', { ip }), { unbanned: true, ip });
  await (await from(ip)).next('connected');
  await assert.rejects(control.ask('bans.add', { ip: 'example.org' }), { code: -32602 });
  await assert.rejects(control.ask('bans.add', { ip, durationMs: -1 }), { code: -32602 });
  await other.close();
});

test('a ban that is short ends by itself', { timeout: 60_000 }, async () => {
  await control.ask('bans.add', { ip: '203.0.113.9', durationMs: 300 });
  await eventually('the ban is over', async () => (await control.ask('bans.list')).bans.length === 0);
  await (await from('203.0.113.9')).next('connected');
});

test('a session that an operator ends cannot be resumed, one that was left alone can', { timeout: 60_000 }, async () => {
  const people = [];
  for (const ip of ['203.0.113.20', '203.0.113.21', '203.0.113.22']) {
    const client = await from(ip);
    client.id = (await client.next('connected')).peerId;
    await client.join('sessions');
    people.push(Object.assign(client, { session: (await client.await('session:token')).token }));
  }
  assert.deepEqual(await control.ask('sessions.stats'), (await http('GET', '/sessions')).body);
  const list = (await control.ask('sessions.list')).sessions;
  for (const one of people) assert.ok(list.some((session) => session.id === one.id), JSON.stringify(list));
  assert.equal((await control.ask('sessions.get', { peerId: people[0].id })).id, people[0].id);
  for (const one of people) await one.cut();
  await eventually('all are held', async () => (await control.ask('sessions.stats')).suspended === 3);
  assert.deepEqual((await http('DELETE', `/sessions/${people[0].id}`)).body, { expired: true, peerId: people[0].id });
  assert.deepEqual(await control.ask('sessions.expire', { peerId: people[1].id }), { expired: true, peerId: people[1].id });
  await assert.rejects(control.ask('sessions.get', { peerId: people[1].id }), { code: -32001 });
  assert.equal((await http('DELETE', `/sessions/${people[1].id}`)).status, 404);
  for (const [i, ended] of [true, true, false].entries()) {
    const again = await connect(server);
    again.send({ type: 'reconnect', token: people[i].session, roomId: 'sessions' });
    if (ended) await again.error('RECONNECT_TOKEN_INVALID');
    else assert.equal((await again.await('room:state')).peerId, people[i].id); // behind what was kept for it
    await again.close();
  }
});

test('records of a subject are kept, held, erased and made nameless', { timeout: 60_000 }, async () => {
  const record = (id, sub) => control.ask('retention.register', { id, type: 'session', sub, meta: { room: 'r' } });
  await record('one', 'alice');
  await record('two', 'alice');
  await record('three', 'bob');
  assert.equal((await control.ask('retention.records', { sub: 'alice' })).count, 2);
  await control.ask('retention.hold', { sub: 'alice' });
  assert.deepEqual(await control.ask('retention.purge', { sub: 'alice' }).then(({ purged, held }) => ({ purged, held })), { purged: 0, held: 2 });
  await control.ask('retention.release', { sub: 'alice' });
  assert.deepEqual(await control.ask('retention.purge', { sub: 'alice' }).then(({ purged, held }) => ({ purged, held })), { purged: 2, held: 0 });
  assert.equal((await control.ask('retention.records', { sub: 'alice' })).count, 0);
  await control.ask('retention.anonymise', { sub: 'bob' });
  const name = `anon:${createHash('sha256').update('bob').digest('hex').slice(0, 16)}`;
  assert.equal((await control.ask('retention.records', { sub: 'bob' })).count, 0);
  assert.equal((await control.ask('retention.records', { sub: name })).count, 1);
  await control.ask('audit.sync');
  assert.equal(traces('data:purged', { sub: 'alice' }).length >= 1, true);
});

test('audit.* and GET /audit find the same entries, within the times asked for', { timeout: 60_000 }, async () => {
  const alice = await member(server, 'audited');
  await alice.close();
  assert.deepEqual(await control.ask('audit.sync'), { durable: true });
  const { entries: found } = await control.ask('audit.query', { roomId: 'audited', event: 'peer:joined' });
  assert.deepEqual(found.map((entry) => entry.peerId), [alice.id]);
  const { ts } = found[0];
  const over = async (query) => (await http('GET', `/audit?event=peer:joined&roomId=audited&${query}`)).body.entries;
  assert.deepEqual(await over(`since=${ts}&until=${ts}`), found);
  assert.deepEqual(await over(`since=${ts + 1}`), []);
  assert.deepEqual(await over(`until=${ts - 1}`), []);
  const status = await control.ask('audit.status');
  assert.equal(status.writes && status.acknowledges, true);
  const exported = (await (await fetch(`${governance}/audit/export`)).text()).trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(exported.map((entry) => entry.seq), exported.map((_, i) => i + 1), 'every entry once, in order');
  assert.deepEqual(exported.slice(0, found[0].seq).at(-1), found[0]);
});

test('what is changed by the control socket and the dashboard is on record with who did it and what came of it', { timeout: 60_000 }, async () => {
  await assert.rejects(control.ask('rooms.delete', { roomId: 'nowhere' }), { code: -32001 });
  await control.ask('rooms.list');
  await control.ask('config.set', { path: 'signaling.maxPeersPerRoom', value: 40 });
  const { ticket } = await (await fetch(`${server.adminUrl}/dashboard/ticket`, { method: 'POST' })).json();
  const open = async (protocols) => new Promise((resolve) => {
    const opened = new WebSocket(`${server.adminUrl.replace('http', 'ws')}/dashboard/live`, protocols);
    opened.once('open', () => resolve(opened));
    opened.once('error', (error) => resolve(error.message));
  });
  assert.match(await open(['sluice.dashboard', 'ticket.wrong']), /401/);
  const dashboard = await open(['sluice.dashboard', `ticket.${ticket}`]);
  const said = new Promise((resolve) => { dashboard.once('message', (data) => resolve(JSON.parse(data))); });
  dashboard.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'rooms.create', params: { roomId: 'by the dashboard' } }));
  assert.equal((await said).result.room.id, 'by the dashboard');
  dashboard.close();
  await control.ask('audit.sync');
  const who = `uid ${process.getuid()} gid ${process.getgid()} pid ${process.pid}`;
  const access = (api, method) => traces('admin:access', { api, method }).map(({ status, caller }) => ({ status, caller }));
  assert.deepEqual(access('control-socket', 'rooms.delete'), [{ status: -32001, caller: who }]);
  assert.deepEqual(access('control-socket', 'config.set'), [{ status: 200, caller: who }]);
  assert.deepEqual(access('control-socket', 'bans.add').map((one) => one.status), [200, 200, -32602, -32602, 200]);
  assert.deepEqual(access('control-socket', 'rooms.list'), [], 'who only looks leaves no entry');
  assert.deepEqual(access('dashboard', 'rooms.create'), [{ status: 200, caller: '127.0.0.1' }]);
  assert.deepEqual(traces('admin:access', { api: 'dashboard', path: '/dashboard/live', status: 401 }).length, 1);
  assert.equal(traces('admin:operation', { operation: 'bans.add', caller: who }).length, 3, 'what was done, with its parameters');
});
