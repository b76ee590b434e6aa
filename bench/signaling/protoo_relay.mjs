#!/usr/bin/env node
// protoo relay: this server against npm protoo-server, in the same run, rounds interleaved.
//
//   node bench/signaling/protoo_relay.mjs [--rounds 3] [--pairs 50] [--connections 2000] [--seconds 4]
//
// backlog: every pair keeps up to 150 requests `relay` under way, written in trains; messages relayed for each CPU second of the
//   server's process.
// spaced: so many messages a second in all, each alone; CPU the same way, and how long a message takes (p50, p99).
// memory: growth of the server's resident memory for joined connections, two to a room.
// CPU (what schedstat says that its threads ran) and memory are those of the process that serves WebSockets: sluice-control, or
// node. The load comes from a process of its own (this one), so what it costs is not counted.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { startServer } from '../../tests/browser/support/server.mjs';
import { frame, openBare } from './bare_socket.mjs';

const require = createRequire(fileURLToPath(new URL('../../tests/browser/package.json', import.meta.url)));
const WebSocket = require('ws');
const { values } = parseArgs({ options: {
  rounds: { type: 'string', default: '3' }, pairs: { type: 'string', default: '50' }, connections: { type: 'string', default: '2000' },
  seconds: { type: 'string', default: '4' }, rate: { type: 'string', default: '1000' } } });
const [rounds, pairs, connections, seconds, rate] = [values.rounds, values.pairs, values.connections, values.seconds, values.rate].map(Number);
const train = 50;
// About the size of an ICE candidate; offers are larger and rarer.
const payload = JSON.stringify({ candidate: 'candidate:842163049 1 udp 1677729535 192.0.2.33 46154 typ srflx raddr 0.0.0.0 rport 0', sdpMid: '0', sdpMLineIndex: 0, n: 0 });

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
/** Seconds that all threads of a process ran. */
function cpuSeconds(pid) {
  let total = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try { total += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]); } catch { /* ended meanwhile */ }
  }
  return total / 1e9;
}
const residentBytes = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

async function startReference() {
  const child = spawn(process.execPath, [fileURLToPath(new URL('protoo_reference.mjs', import.meta.url))], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise((resolve) => { child.stdout.on('data', (chunk) => { const found = /port (\d+)/.exec(chunk); if (found) resolve(found[1]); }); });
  return { url: `ws://127.0.0.1:${port}`, pid: child.pid, stop: () => new Promise((resolve) => { child.on('exit', resolve); child.kill('SIGKILL'); }) };
}
async function startOurs() {
  const server = await startServer({ 'log.level': 'error' }, { junk: false });
  return { url: server.socketUrl.slice(0, -1), pid: server.pidOf('sluice-control'), stop: () => server.stop() };
}

async function connect(url, room, peer) {
  const socket = new WebSocket(`${url}/?roomId=${room}&peerId=${peer}`, 'protoo', { perMessageDeflate: false, skipUTF8Validation: true });
  await new Promise((resolve, reject) => { socket.on('open', resolve); socket.on('error', reject); });
  const joined = new Promise((resolve) => { socket.once('message', resolve); });
  socket.send('{"request":true,"id":1,"method":"join","data":{}}');
  await joined;
  return socket;
}
async function connectPairs(url, prefix, count) {
  const made = [];
  for (let i = 0; i < count; i += 50) {
    made.push(...await Promise.all(Array.from({ length: Math.min(50, count - i) }, async (_, k) => {
      const room = `${prefix}${i + k}`;
      const a = await connect(url, room, 'a');
      const b = await connect(url, room, 'b');
      return [a, b];
    })));
  }
  return made;
}
const closeAll = (sockets) => Promise.all(sockets.flat().map((socket) => new Promise((resolve) => { socket.on('close', resolve); socket.terminate(); })));

/** A joined client on a bare connection. */
async function openPeer({ url }, room, peer) {
  const client = await openBare(Number(new URL(url).port), `/?roomId=${room}&peerId=${peer}`, 'protoo');
  const joined = new Promise((resolve) => { client.onframe = resolve; });
  client.write(frame('{"request":true,"id":1,"method":"join","data":{}}'));
  await joined;
  client.onframe = () => {};
  return client;
}
async function openPairs(server, prefix) {
  const made = [];
  for (let i = 0; i < pairs; ++i) made.push([await openPeer(server, `${prefix}${i}`, 'a'), await openPeer(server, `${prefix}${i}`, 'b')]);
  return made;
}
const endAll = (made) => Promise.all(made.flat().map((client) => client.end()));
/** By its first key: `{"n` of notification, `{"r` of response. */
const isNotification = (bytes, begin) => bytes[begin + 2] === 0x6e;
const requestOf = (id) => `{"request":true,"id":${id},"method":"relay","data":{"peerId":"b","data":${payload.replace('"n":0', `"n":${id}`)}}}`;

async function backlog(server, round) {
  const made = await openPairs(server, `backlog${round}-`);
  let relayed = 0;
  const bytes = Buffer.concat(Array(train).fill(frame(requestOf(7))));
  const running = made.map(([a, b]) => {
    let open = 0;
    const fill = () => { while (open < 3 * train) { open += train; a.write(bytes); } };
    a.onframe = (data, begin) => { if (!isNotification(data, begin) && --open === train) fill(); };
    b.onframe = (data, begin) => { if (isNotification(data, begin)) ++relayed; };
    return fill;
  });
  for (const fill of running) fill();
  await sleep(1000);
  const [cpu, count, time] = [cpuSeconds(server.pid), relayed, performance.now()];
  await sleep(seconds * 1000);
  const result = { perCpuSecond: (relayed - count) / (cpuSeconds(server.pid) - cpu), perSecond: (relayed - count) / ((performance.now() - time) / 1000) };
  await endAll(made);
  await sleep(300);
  return result;
}

async function spaced(server, round) {
  const made = await openPairs(server, `spaced${round}-`);
  const times = [];
  let measuring = false;
  let relayed = 0;
  const sent = new Map(); // id -> when
  for (const [, b] of made) {
    b.onframe = (data, begin, end) => {
      if (!isNotification(data, begin)) return;
      ++relayed;
      const id = Number(/"n":(\d+)/.exec(data.toString('latin1', begin, end))[1]);
      if (measuring) times.push(performance.now() - sent.get(id));
      sent.delete(id);
    };
  }
  let id = 0;
  let running = true;
  const began = performance.now();
  const sending = (async () => {
    while (running) {
      for (const due = ((performance.now() - began) / 1000) * rate; id < due; ++id) {
        sent.set(id, performance.now());
        made[id % pairs][0].write(frame(requestOf(id)));
      }
      await new Promise((resolve) => { setImmediate(resolve); });
    }
  })();
  await sleep(1000);
  measuring = true;
  const [cpu, count] = [cpuSeconds(server.pid), relayed];
  await sleep(seconds * 1000);
  const result = { perCpuSecond: (relayed - count) / (cpuSeconds(server.pid) - cpu) };
  running = false;
  await sending;
  times.sort((x, y) => x - y);
  result.p50 = times[Math.floor(times.length * 0.5)];
  result.p99 = times[Math.floor(times.length * 0.99)];
  await sleep(300);
  await endAll(made);
  return result;
}

async function memory({ url, pid }) {
  const warm = await connectPairs(url, 'warm', 20);
  await closeAll(warm);
  await sleep(500);
  const before = residentBytes(pid);
  const sockets = await connectPairs(url, 'memory', connections / 2);
  await sleep(1000);
  const result = (residentBytes(pid) - before) / connections;
  await closeAll(sockets);
  return result;
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const results = { ours: [], reference: [] };
for (let round = 0; round < rounds; ++round) {
  for (const [name, start] of [['ours', startOurs], ['reference', startReference]]) {
    const server = await start();
    const bytes = await memory(server);
    const full = await backlog(server, round);
    const alone = await spaced(server, round);
    results[name].push({ bytes, backlog: full.perCpuSecond, rate: full.perSecond, spaced: alone.perCpuSecond, p50: alone.p50, p99: alone.p99 });
    console.log(`round ${round + 1} ${name.padEnd(9)} backlog ${Math.round(full.perCpuSecond)}/CPU s (${Math.round(full.perSecond)}/s), spaced ${Math.round(alone.perCpuSecond)}/CPU s, `
      + `p50 ${alone.p50.toFixed(2)} p99 ${alone.p99.toFixed(2)} ms, ${Math.round(bytes)} bytes a connection`);
    await server.stop();
  }
}
const of = (name, key) => median(results[name].map((result) => result[key]));
console.log('\nmedians                        sluice   protoo-server   ratio');
for (const [key, title, better] of [['backlog', 'backlog, messages/CPU second', 'high'], ['spaced', `spaced ${rate}/s, messages/CPU second`, 'high'], ['p50', 'p50, ms', 'low'],
  ['p99', 'p99, ms', 'low'], ['bytes', 'bytes a connection', 'low']]) {
  const [ours, theirs] = [of('ours', key), of('reference', key)];
  const digits = key.startsWith('p') ? 2 : 0;
  console.log(`${title.padEnd(36)} ${ours.toFixed(digits).padStart(8)} ${theirs.toFixed(digits).padStart(10)}   ${(better === 'high' ? ours / theirs : theirs / ours).toFixed(2)}x better`);
}
