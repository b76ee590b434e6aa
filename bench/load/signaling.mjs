// Signaling under load, this server beside a relay on npm's `ws`, in one run: node bench/load/signaling.mjs [--idle 10000]
// [--peers 200] [--room 10] [--seconds 8] [--rate 2000] [--payload 200]. Needs `ninja signaling_bench` and tests/browser's packages.
import { spawn } from 'node:child_process';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { binariesOfTests, startServer } from '../../tests/browser/support/server.mjs';

const { values } = parseArgs({ options: {
  idle: { type: 'string', default: '10000' }, peers: { type: 'string', default: '200' }, room: { type: 'string', default: '10' },
  seconds: { type: 'string', default: '8' }, rate: { type: 'string', default: '2000' }, payload: { type: 'string', default: '200' },
} });

const lineOf = (child) => new Promise((resolve, reject) => {
  let text = '';
  child.stdout.on('data', (chunk) => { text += chunk; if (text.includes('\n')) resolve(text.trim()); });
  child.once('exit', (code) => { if (!text.includes('\n')) reject(new Error(`ended with ${code}`)); });
});

async function measure(port, pid, peers, seconds) {
  const words = [port, pid, peers, values.room, seconds, values.rate, values.payload].map(String);
  return JSON.parse(await lineOf(spawn(`${binariesOfTests}/signaling_bench`, words, { stdio: ['ignore', 'pipe', 'inherit'] })));
}

/** Both phases, each against a fresh process: many idle peers, then few busy ones. */
async function both(start) {
  const result = {};
  for (const [peers, seconds] of [[values.idle, 0], [values.peers, values.seconds]]) {
    const { port, pid, stop } = await start();
    Object.assign(result, { [seconds === 0 ? 'idle' : 'busy']: await measure(port, pid, peers, seconds) });
    await stop();
  }
  return result;
}

const sluice = await both(async () => {
  const server = await startServer({ 'log.level': 'warn' }, { junk: false });
  return { port: Number(new URL(server.url).port), pid: server.pidOf('sluice-control'), stop: () => server.stop() };
});
const relay = await both(async () => {
  const child = spawn(process.execPath, [new URL('./ws_relay.mjs', import.meta.url).pathname], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = Number(await lineOf(child));
  return { port, pid: child.pid, stop: () => { child.kill(); return new Promise((resolve) => child.once('exit', resolve)); } };
});

console.log(`${cpus()[0].model}, ${cpus().length} cores, kernel ${release()}, node ${process.version}`);
const row = (name, ours, theirs, digits = 0) => console.log(
  `${name.padEnd(44)} ${ours.toFixed(digits).padStart(12)} ${theirs.toFixed(digits).padStart(12)} ${(ours / theirs).toFixed(2).padStart(8)}`);
console.log(`${''.padEnd(44)} ${'sluice'.padStart(12)} ${'ws relay'.padStart(12)} ${'ratio'.padStart(8)}`);
row(`joins/s, ${values.idle} peers`, sluice.idle.joinsPerSecond, relay.idle.joinsPerSecond);
row('joins per CPU second', sluice.idle.joinsPerCpuSecond, relay.idle.joinsPerCpuSecond);
row('memory per idle peer, KiB', sluice.idle.bytesPerPeer / 1024, relay.idle.bytesPerPeer / 1024, 1);
row(`relayed/s, backlog, ${values.peers} peers in rooms of ${values.room}`, sluice.busy.backlogPerSecond, relay.busy.backlogPerSecond);
row('relayed per CPU second, backlog', sluice.busy.backlogPerCpuSecond, relay.busy.backlogPerCpuSecond);
row(`relayed per CPU second, ${values.rate}/s spaced`, sluice.busy.spacedPerCpuSecond, relay.busy.spacedPerCpuSecond);
row('p50 relay latency, spaced, ms', sluice.busy.spacedP50ms, relay.busy.spacedP50ms, 3);
row('p99 relay latency, spaced, ms', sluice.busy.spacedP99ms, relay.busy.spacedP99ms, 3);
