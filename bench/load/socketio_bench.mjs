// node socketio_bench.mjs [--pairs 20] [--seconds 4] [--idle 2000] [--size 300] [--rounds 3]
//
// Socket.IO relay, Sluice against the npm package socket.io, in turns in one run: the same clients send rtc.io envelopes to each
// other by WebSocket through either server. Measured of the server's process alone (what /proc/PID/schedstat says it ran):
// messages per CPU second with a backlog and spaced out, the relay's latency when spaced, memory for each idle connection.
//
// The clients write frames that were made before and count what comes back, so that one core of clients keeps a server busy.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';

const { values: flags } = parseArgs({ options: {
  pairs: { type: 'string', default: '20' }, seconds: { type: 'string', default: '4' }, idle: { type: 'string', default: '2000' },
  size: { type: 'string', default: '300' }, rounds: { type: 'string', default: '3' }, rate: { type: 'string', default: '2000' },
  serve: { type: 'string' }, only: { type: 'string' } } });
const root = fileURLToPath(new URL('../../', import.meta.url));
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** The reference: what rtc.io-server does for an envelope, with recovery on as it has it. */
async function serveReference(port) {
  const { createRequire } = await import('node:module');
  const { Server } = createRequire(new URL('../../tests/browser/package.json', import.meta.url))('socket.io');
  const io = new Server(port, { connectionStateRecovery: { maxDisconnectionDuration: 120_000 }, cors: { origin: '*' } });
  io.on('connection', (socket) => {
    socket.on('#rtcio:message', (envelope) => { io.to(envelope.target).emit('#rtcio:message', envelope); });
  });
  console.log('reference ready');
}

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => { probe.listen(0, '127.0.0.1', resolve); });
  const { port } = probe.address();
  await new Promise((resolve) => { probe.close(resolve); });
  return port;
}

async function startSluice() {
  const [port, admin, governance, media] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const child = spawn(`${process.env.SLUICE_BIN_DIR ?? `${root}build/release/bin`}/sluice`, ['serve', `--signaling.port=${port}`, `--adminApi.port=${admin}`,
    `--governance.port=${governance}`, `--media.port=${media}`, '--workers.count=1', '--media.announced_ip=127.0.0.1', '--dialects.rtcio.messagesPerSecond=0', '--store.path=off'],
  { stdio: ['ignore', 'pipe', 'ignore'] });
  await ready(child, /^sluice ready/m);
  await pause(500);
  const control = childrenOf(child.pid).find((pid) => commOf(pid).startsWith('sluice-control'));
  return { name: 'sluice', port, pid: control, stop: () => child.kill('SIGTERM') };
}
async function startReference() {
  const port = await freePort();
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--serve', String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await ready(child, /reference ready/);
  await pause(500);
  return { name: 'socket.io', port, pid: child.pid, stop: () => child.kill('SIGTERM') };
}
const ready = (child, line) => new Promise((resolve, reject) => {
  let output = '';
  child.stdout.on('data', (chunk) => { output += chunk; if (line.test(output)) resolve(); });
  child.once('exit', () => reject(new Error('the server ended')));
});
const commOf = (pid) => { try { return readFileSync(`/proc/${pid}/comm`, 'utf8').trim(); } catch { return ''; } };
const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
/** Nanoseconds that all threads of a process ran. */
function cpuOf(pid) {
  const tasks = readFileSync(`/proc/${pid}/stat`, 'utf8'); // the process is there
  if (!tasks) throw new Error('gone');
  let total = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try { total += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]); } catch { /* ended meanwhile */ }
  }
  return total;
}

const residentKiB = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

/** A client frame of text (RFC 6455), masked with zeroes, which leaves the text as it is. */
function frame(text) {
  const payload = Buffer.from(text);
  const head = payload.length < 126 ? Buffer.from([0x81, 0x80 | payload.length]) : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

/** A joined Socket.IO client on a bare TCP connection: `id`, `write(bytes)`, `onmessage(text or undefined)`. */
function openClient(port, { texts = false } = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    let held = Buffer.alloc(0);
    let upgraded = false;
    const client = { id: '', write: (bytes) => socket.write(bytes), end: () => socket.destroy(), onmessage: () => {} };
    const take = (chunk) => {
      held = held.length ? Buffer.concat([held, chunk]) : chunk;
      let at = 0;
      while (held.length - at >= 2) {
        let size = held[at + 1] & 127;
        let head = 2;
        if (size === 126) { if (held.length - at < 4) break; size = held.readUInt16BE(at + 2); head = 4; }
        if (held.length - at < head + size) break;
        const kind = held[at + head];
        const second = held[at + head + 1];
        if (kind === 0x32 && size === 1) socket.write(frame('3')); // a ping of Engine.IO
        else if (kind === 0x34 && second === 0x32) client.onmessage(texts ? held.toString('latin1', at + head, at + head + size) : undefined);
        else if (kind === 0x34 && second === 0x30) { client.id = JSON.parse(held.toString('utf8', at + head + 2, at + head + size)).sid; resolve(client); }
        else if (kind === 0x30) socket.write(frame('40'));
        at += head + size;
      }
      held = held.subarray(at);
    };
    socket.on('data', (chunk) => {
      if (upgraded) return take(chunk);
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf('\r\n\r\n');
      if (end < 0) return undefined;
      if (!held.toString('latin1', 0, 12).endsWith('101')) return reject(new Error(held.toString('latin1', 0, 60)));
      upgraded = true;
      const rest = held.subarray(end + 4);
      held = Buffer.alloc(0);
      return take(rest);
    });
    socket.on('error', reject);
    socket.write('GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
      + `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`);
  });
}

const envelope = (source, target, stamp) => `42["#rtcio:message",{"source":"${source}","target":"${target}","stamp":"${stamp}",`
  + `"data":{"candidate":{"candidate":"${'x'.repeat(Math.max(0, Number(flags.size) - 200))}","sdpMid":"0","sdpMLineIndex":0}}}]`;

/** Every pair keeps a window of messages under way, written in trains. */
async function backlog(server, pairs) {
  const train = 50;
  let received = 0;
  const running = pairs.map(([from, to]) => {
    const bytes = Buffer.concat(Array(train).fill(frame(envelope(from.id, to.id, '0'))));
    let open = 0;
    const fill = () => { while (open < 3 * train) { open += train; from.write(bytes); } };
    to.onmessage = () => { received += 1; open -= 1; if (open === train) fill(); };
    return fill;
  });
  for (const fill of running) fill();
  await pause(700);
  const [cpu, count, began] = [cpuOf(server.pid), received, process.hrtime.bigint()];
  await pause(Number(flags.seconds) * 1000);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const result = { perCpuSecond: (received - count) / ((cpuOf(server.pid) - cpu) / 1e9), perSecond: (received - count) / seconds };
  for (const [, to] of pairs) to.onmessage = () => {};
  await pause(500);
  return result;
}

/** Single messages, evenly spaced over all pairs. */
async function spaced(server, pairs) {
  const rate = Number(flags.rate);
  const late = [];
  let received = 0;
  for (const [, to] of pairs) {
    to.onmessage = (text) => {
      received += 1;
      const at = text.indexOf('"stamp":"') + 9;
      late.push(performance.now() - Number(text.slice(at, text.indexOf('"', at))));
    };
  }
  const begin = performance.now() + 300;
  const end = begin + Number(flags.seconds) * 1000;
  let sent = 0;
  let cpu;
  let base = 0;
  while (performance.now() < end) {
    const now = performance.now();
    if (cpu === undefined && now >= begin) { cpu = cpuOf(server.pid); base = received; late.length = 0; }
    const due = Math.floor((now - begin + 300) / 1000 * rate);
    while (sent < due) {
      const [from, to] = pairs[sent % pairs.length];
      from.write(frame(envelope(from.id, to.id, performance.now().toFixed(3))));
      sent += 1;
      if (sent % 4 === 0) break; // no trains
    }
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  const used = (cpuOf(server.pid) - cpu) / 1e9;
  await pause(200);
  late.sort((a, b) => a - b);
  return { perCpuSecond: (received - base) / used, p50: late[Math.floor(late.length / 2)], p99: late[Math.floor(late.length * 0.99)] };
}

async function idleMemory(server) {
  const before = residentKiB(server.pid);
  const clients = [];
  for (let i = 0; i < Number(flags.idle); i += 50) clients.push(...await Promise.all(Array.from({ length: 50 }, () => openClient(server.port))));
  await pause(2_000);
  const after = residentKiB(server.pid);
  for (const client of clients) client.end();
  await pause(500);
  return (after - before) / clients.length;
}

async function main() {
  const starts = { sluice: startSluice, 'socket.io': startReference };
  const names = flags.only ? [flags.only] : Object.keys(starts);
  const rows = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < Number(flags.rounds); round += 1) {
    for (const name of names) {
      const server = await starts[name]();
      const memory = await idleMemory(server);
      const pairs = [];
      for (let i = 0; i < Number(flags.pairs); i += 1) pairs.push([await openClient(server.port), await openClient(server.port, { texts: true })]);
      const loaded = await backlog(server, pairs);
      const single = await spaced(server, pairs);
      rows[name].push({ backlog: loaded.perCpuSecond, rate: loaded.perSecond, spaced: single.perCpuSecond, p50: single.p50, p99: single.p99, memory });
      console.log(name.padEnd(10), `backlog ${Math.round(loaded.perCpuSecond)} msg/CPU-s (${Math.round(loaded.perSecond)} msg/s)`,
        `spaced ${Math.round(single.perCpuSecond)} msg/CPU-s, p50 ${single.p50.toFixed(2)} ms, p99 ${single.p99.toFixed(2)} ms`, `${memory.toFixed(1)} KiB per idle connection`);
      for (const pair of pairs) for (const client of pair) client.end();
      server.stop();
      await pause(1_500);
    }
  }
  if (names.length < 2) return;
  const median = (name, key) => rows[name].map((row) => row[key]).sort((a, b) => a - b)[Math.floor(rows[name].length / 2)];
  const ratio = (key) => (median('sluice', key) / median('socket.io', key)).toFixed(2);
  console.log(`\nmedians, sluice over socket.io: backlog ${ratio('backlog')}x, spaced ${ratio('spaced')}x, p99 ${ratio('p99')}x, memory ${ratio('memory')}x`);
}

if (flags.serve) await serveReference(Number(flags.serve));
else await main();
