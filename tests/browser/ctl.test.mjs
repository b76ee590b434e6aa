// The control socket as programs use it: sluice ctl, and raw lines.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { eventually } from './support/browser.mjs';
import { connect, member } from './support/protocol_client.mjs';
import { binariesOfTests, startServer } from './support/server.mjs';

let folder;
let socket;
let server;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-ctl-'));
  socket = join(folder, 'control.sock');
  server = await startServer({ 'control.socket': socket, 'governance.port': 0 });
});
after(async () => {
  if (server) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function ctl(...words) {
  return new Promise((resolve) => {
    execFile(`${binariesOfTests}/sluice`, ['ctl', '--control-socket', socket, ...words], { timeout: 60_000 }, (error, stdout, stderr) => resolve({ status: error ? error.code : 0, stdout, stderr }));
  });
}
const ask = async (...words) => { const answer = await ctl('--json', ...words); assert.equal(answer.status, 0, answer.stderr); return JSON.parse(answer.stdout); };

/** A connection that speaks lines. */
class Raw {
  #buffer = ''; #lines = []; #waiting = null;
  constructor(path) {
    this.socket = connectSocket(path);
    this.closed = new Promise((resolve) => { this.socket.once('close', resolve); });
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.#buffer += chunk;
      const lines = this.#buffer.split('\n');
      this.#buffer = lines.pop();
      this.#lines.push(...lines.map((line) => JSON.parse(line)));
      this.#waiting?.();
    });
  }
  write(text) { this.socket.write(text); }
  send(message) { this.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`); }
  async next(limitMs = 20_000) {
    const end = Date.now() + limitMs;
    while (this.#lines.length === 0) {
      assert.ok(Date.now() < end, 'no line came');
      await new Promise((resolve) => { this.#waiting = resolve; setTimeout(resolve, 100); });
    }
    return this.#lines.shift();
  }
  end() { this.socket.destroy(); }
}

test('only its owner may open the socket', { timeout: 30_000 }, () => {
  assert.equal(statSync(socket).mode & 0o777, 0o600);
});

test('every room and peer call does what its name says', { timeout: 60_000 }, async () => {
  const made = await ask('rooms.create', 'roomId=stand up', 'maxPeers=3', 'metadata={"topic":"Daily"}');
  assert.equal(made.room.maxPeers, 3);
  const alice = await member(server, 'stand up', { displayName: 'Alice' });
  assert.deepEqual((await ask('rooms.list')).rooms.map((room) => room.id), ['stand up']);
  assert.equal((await ask('rooms.get', 'roomId=stand up')).peers[0].metadata.displayName, 'Alice');
  assert.equal((await ask('peers.list')).peers[0].id, alice.id);
  assert.equal((await ask('peers.get', `peerId=${alice.id}`)).dialect, 'native');
  assert.deepEqual(await ask('rooms.broadcast', '{"roomId":"stand up","payload":{"n":1}}'), { sent: 1 });
  assert.deepEqual(await alice.next('data'), { type: 'data', from: '__admin__', payload: { n: 1 } });
  assert.deepEqual(await ask('rooms.muteAll', 'roomId=stand up'), { muted: 1 });
  await alice.next('admin:mute-all');
  await ask('peers.send', `{"peerId":"${alice.id}","message":{"type":"hello"}}`);
  await alice.next('hello');
  await ask('rooms.update', '{"roomId":"stand up","metadata":{"topic":null}}');
  assert.deepEqual((await alice.next('room:updated')).patch, { topic: null });
  await ask('peers.update', `{"peerId":"${alice.id}","metadata":{"hand":true}}`);
  assert.equal((await ask('peers.get', `peerId=${alice.id}`)).metadata.hand, true);
  assert.deepEqual(await ask('peers.kick', `peerId=${alice.id}`, 'reason=too loud'), { kicked: alice.id, reason: 'too loud' });
  await alice.await('kicked');
  assert.equal((await alice.closed).code, 1008);
  await ask('rooms.create', 'roomId=gone');
  assert.deepEqual(await ask('rooms.delete', 'roomId=gone'), { destroyed: 'gone' });
  assert.equal((await ctl('rooms.get', 'roomId=gone')).status, 1);
  assert.match((await ctl('rooms.get', 'roomId=gone')).stderr, /Room not found/);
});

test('people get tables, lists of methods and help', { timeout: 60_000 }, async () => {
  await ask('rooms.create', 'roomId=table');
  assert.match((await ctl('rooms.list')).stdout, /^id\s+createdAt|^id\s+/m);
  assert.match((await ctl()).stdout, /rooms\.create\s+Makes a room/);
  assert.match((await ctl('rooms.create', '--help')).stdout, /maxPeers\s+integer\s+\(optional\)/);
  assert.equal((await ctl('rooms.create', 'nonsense')).status, 2);
  assert.equal((await ctl('no.such.method')).status, 1);
  await ask('rooms.delete', 'roomId=table');
});

test('the server says how it is and what it can', { timeout: 60_000 }, async () => {
  assert.equal((await ask('server.health')).status, 'ok');
  assert.equal((await ask('server.stats')).peers, 0);
  assert.equal((await ask('workers.list')).workers[0].id, 0);
  assert.equal((await ask('sfu.stats')).initialized, true);
  assert.equal((await ask('server.drainState')).draining, false);
});

test('events come as they happen, chosen by name and room', { timeout: 60_000 }, async () => {
  const child = spawn(`${binariesOfTests}/sluice`, ['ctl', '--control-socket', socket, '--json', '--follow', 'peer:*', 'room=watched'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => { text += chunk; });
  const other = await member(server, 'not watched');
  await eventually('the subscription is there', async () => {
    const guest = await member(server, 'watched', { displayName: 'Guest' });
    await guest.close();
    return text.includes('peer:joined');
  });
  child.kill('SIGINT');
  await new Promise((resolve) => { child.once('exit', resolve); });
  const events = text.trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(events.every((event) => event.event.startsWith('peer:')));
  assert.ok(events.every((event) => (event.data.roomId ?? event.data.peer?.roomId) === 'watched'), text);
  await other.close();
});

test('a batch is answered by one line, and errors by the codes of the specification', { timeout: 30_000 }, async () => {
  const raw = new Raw(socket);
  raw.write('[{"jsonrpc":"2.0","id":1,"method":"rpc.ping"},{"jsonrpc":"2.0","method":"rpc.ping"},{"jsonrpc":"2.0","id":2,"method":"no.such"}]\n');
  const answers = await raw.next();
  assert.deepEqual(answers.map((answer) => answer.id).sort(), [1, 2]);
  assert.equal(answers.find((answer) => answer.id === 2).error.code, -32601);
  raw.write('{"broken\n');
  assert.equal((await raw.next()).error.code, -32700);
  raw.write(`"${'x'.repeat(1_100_000)}"\n{"jsonrpc":"2.0","id":3,"method":"rpc.ping"}\n`);
  assert.equal((await raw.next()).error.code, -32005);
  assert.equal((await raw.next()).id, 3, 'the connection goes on after a line that is too long');
  raw.end();
});

test('a client answers beforeJoin: it admits, refuses and edits; joins fail closed while it is there and silent', { timeout: 60_000 }, async () => {
  const gate = new Raw(socket);
  gate.send({ id: 1, method: 'hooks.register', params: { hooks: ['beforeJoin'] } });
  assert.deepEqual((await gate.next()).result, { hooks: ['beforeJoin'] });
  const ask = async (name) => {
    const client = await connect(server);
    client.send({ type: 'join', roomId: 'gated', metadata: { name } });
    return client;
  };
  const good = await ask('good');
  const question = await gate.next();
  assert.equal(question.method, 'hook.beforeJoin');
  assert.equal(question.params.roomId, 'gated');
  assert.equal(question.params.peer.metadata.name, 'good');
  gate.send({ id: question.id, result: { allow: true, metadata: { checked: true } } });
  await good.next('room:joined');
  assert.equal((await (await fetch(`${server.adminUrl}/admin/rooms/gated`)).json()).peers[0].metadata.checked, true);
  const bad = await ask('bad');
  gate.send({ id: (await gate.next()).id, result: { allow: false, reason: 'not today' } });
  assert.equal((await bad.error('JOIN_REJECTED')).message, 'not today');
  const broken = await ask('broken');
  gate.send({ id: (await gate.next()).id, error: { code: 1, message: 'the database is away' } });
  await broken.error('AUTH_ERROR');
  const late = await ask('late');
  await gate.next();
  gate.end(); // it goes away with a question open
  await late.error('AUTH_ERROR');
  const free = await ask('free');
  await free.next('room:joined');
  await good.close();
  await free.close();
});

test('a client that reads nothing loses events and is told; it slows nobody', { timeout: 60_000 }, async () => {
  const raw = new Raw(socket);
  raw.send({ id: 1, method: 'events.subscribe', params: { events: ['data'] } });
  assert.equal((await raw.next()).id, 1);
  raw.socket.pause();
  const [sender] = [await member(server, 'flood')];
  const payload = 'x'.repeat(100_000);
  for (let i = 0; i < 60; ++i) sender.data(payload);
  await sender.drain();
  assert.equal((await ask('server.health')).status, 'ok');
  assert.ok(await server.metric('sluice_rpc_events_dropped_total') > 0);
  raw.socket.resume();
  await eventually('told of what was dropped', async () => { const line = await raw.next(); return line.method === 'events.dropped' && line.params.count > 0; });
  raw.end();
  await sender.close();
});

test('control dies: the path stays, clients connect again', { timeout: 60_000 }, async () => {
  const raw = new Raw(socket);
  raw.send({ id: 1, method: 'rpc.ping' });
  await raw.next();
  await server.killOne('control');
  await raw.closed;
  const again = new Raw(socket);
  again.send({ id: 2, method: 'server.health' });
  assert.equal((await again.next()).result.status, 'ok');
  again.end();
});

test('the supervisor dies: its successor has the same socket', { timeout: 90_000 }, async () => {
  await server.killOne('supervisor');
  assert.equal((await ask('server.health')).status, 'ok');
  await server.killOne('control');
  await eventually('after control died too', async () => (await ctl('--json', 'server.health')).status === 0);
});

test('a socket of a server that has ended is replaced, one in use is not', { timeout: 90_000 }, async () => {
  await assert.rejects(startServer({ 'control.socket': socket, 'governance.port': 0 }), /control socket .* cannot be opened: another server listens there/);
});

test('health tells by its exit status', { timeout: 30_000 }, async () => {
  const health = (...words) => new Promise((resolve) => { execFile(`${binariesOfTests}/sluice`, ['health', ...words], (error, stdout, stderr) => resolve({ status: error?.code ?? 0, stdout, stderr })); });
  const good = await health(`${server.adminUrl}/admin/health`);
  assert.equal(good.status, 0);
  assert.match(good.stdout, /^✓ .*\n {2}status: ok\n/);
  assert.equal((await health(`${server.adminUrl}/admin/nothing`)).status, 1);
  assert.equal((await health('http://127.0.0.1:9/admin/health')).status, 1);
});

test('benchmark counts joins, messages and latency', { timeout: 60_000 }, async () => {
  const report = join(folder, 'report.json');
  const run = (...words) => new Promise((resolve) => { execFile(`${binariesOfTests}/sluice`, ['benchmark', ...words], (error, stdout, stderr) => resolve({ status: error?.code ?? 0, stdout, stderr })); });
  const done = await run('--peers=12', '--rooms=3', '--duration=2', `--url=${server.socketUrl}`, `--report=${report}`);
  assert.equal(done.status, 0, done.stderr);
  const { results, config } = JSON.parse((await import('node:fs')).readFileSync(report, 'utf8'));
  assert.deepEqual(config, { url: server.socketUrl, totalPeers: 12, numRooms: 3, durationSec: 2 });
  assert.equal(results.connected, 12);
  assert.equal(results.connectRate, '100%');
  assert.equal(results.totalErrors, 0);
  assert.ok(results.messagesTotal >= 3 * 12 && results.offersSent >= 9, JSON.stringify(results));
  assert.ok(results.joinLatency.p99 > 0 && results.relayLatency.p50 > 0);
  assert.equal((await run('--url=ws://127.0.0.1:9', '--peers=1', '--duration=1')).status, 1);
  assert.equal((await run('--peers=none')).status, 2);
});

test('without a connection ctl says where it looked', { timeout: 30_000 }, async () => {
  const client = await connect(server); // the server itself is fine
  const answer = await new Promise((resolve) => { execFile(`${binariesOfTests}/sluice`, ['ctl', '--control-socket', '/nowhere/x.sock', 'rpc.ping'], (error, stdout, stderr) => resolve({ status: error?.code, stderr })); });
  assert.equal(answer.status, 1);
  assert.match(answer.stderr, /\/nowhere\/x\.sock/);
  await client.close();
});
