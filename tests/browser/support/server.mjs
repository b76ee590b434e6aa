// Starts the real server on ports of its own and stops it by its process id.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
export const binariesOfTests = process.env.SLUICE_BIN_DIR ?? `${root}build/release/bin`;
const READY_LIMIT_MS = 30_000;

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

let nextMediaPort = 41000 + (process.pid % 200) * 10;

// One for each server, since what it remembers (bans, sessions) is no other test's; gone when this process ends.
const folders = [];
process.once('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));
function newFolder() {
  folders.push(mkdtempSync(join(tmpdir(), 'sluice-server-')));
  return folders.at(-1);
}

/**
 * Starts `sluice serve` with `options` beside those of a test. `junk`: freed memory is overwritten at once, so that what is
 * used after its end shows; off where memory is measured. `binaries`: the folder of the programs.
 */
export async function startServer(options = {}, { junk = true, binaries = binariesOfTests } = {}) {
  const signalingPort = await freePort();
  const adminPort = await freePort();
  const mediaPort = nextMediaPort;
  nextMediaPort += 4;
  const settings = {
    'signaling.port': signalingPort, 'signaling.host': '127.0.0.1', 'signaling.reconnectTtl': 15000, 'adminApi.port': adminPort,
    'media.port': mediaPort, 'media.announced_ip': '127.0.0.1', 'media.listen': '127.0.0.1', 'workers.count': 1,
    'store.path': options['store.path'] ?? join(newFolder(), 'store'), ...options,
  };
  const words = ['serve', ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`)];
  const environment = { ...process.env, ...(junk ? { MALLOC_CONF: 'junk:true' } : {}) };
  let log = '';
  let output = '';
  let child;
  let exited;
  const orphans = new Set(); // children of a `sluice serve` that was killed
  async function serve() {
    const started = child = spawn(`${binaries}/sluice`, words, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    started.stderr.on('data', (chunk) => { log += chunk; });
    let answer = '';
    exited = new Promise((resolve) => {
      started.once('exit', (code, signal) => resolve({ code, signal }));
      started.once('error', (error) => resolve({ code: null, signal: null, error: error.message }));
    });
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no 'sluice ready' within ${READY_LIMIT_MS} ms; log:\n${log}`)), READY_LIMIT_MS);
      started.stdout.on('data', (chunk) => {
        output += chunk;
        answer += chunk;
        if (/^sluice ready/m.test(answer)) { clearTimeout(timer); resolve(); }
      });
      exited.then((how) => { clearTimeout(timer); reject(new Error(`the server ended (${JSON.stringify(how)}); log:\n${log}`)); });
    });
  }
  await serve();
  const members = () => [...new Set([...childrenOf(child.pid), ...[...orphans].filter((pid) => nameOf(pid).startsWith('sluice'))])];
  const server = {
    get pid() { return child.pid; },
    /** How it ended: code and signal. */
    get exited() { return exited; },
    url: `http://127.0.0.1:${signalingPort}/`,
    socketUrl: `ws://127.0.0.1:${signalingPort}/`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    mediaPort,
    log: () => log,
    output: () => output,
    /** The process id of a child by the name of its program, e.g. 'sluice-control'; of workers, the first one with a place. */
    pidOf: (program) => members().find((pid) => (
      program === 'sluice-worker' ? nameOf(pid).startsWith('sluice-work-') : commandOf(pid) === program || nameOf(pid) === program)),
    /** Resident bytes of every process of the server, by program. */
    memory: () => Object.fromEntries([child.pid, ...members()].map((pid) => [`${commandOf(pid)}:${pid}`, residentBytes(pid)])),
    /** One number from /metrics, summed over all its samples that hold `labels`. */
    async metric(name, labels = '') {
      const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      return text.split('\n').filter((line) => line.startsWith(name) && /[ {]/.test(line[name.length]) && line.includes(labels))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    /**
     * Kills one process: 'worker', 'control', 'handshaker', 'keeper', or 'supervisor', after which a new `sluice serve` takes
     * the server over. Nothing if none runs at the moment; else when it happened and which it was.
     */
    async killOne(victim, signal = 'SIGKILL') {
      const pid = victim === 'supervisor' ? child.pid : this.pidOf(`sluice-${victim}`);
      if (pid === undefined) return undefined;
      const timeMs = Date.now();
      if (victim !== 'supervisor') {
        process.kill(pid, signal);
        return { pid, timeMs };
      }
      for (const member of members()) orphans.add(member);
      child.kill('SIGKILL');
      await exited;
      await serve();
      return { pid, timeMs };
    },
    async stop() {
      child.kill('SIGTERM');
      const how = await Promise.race([exited, new Promise((resolve) => { setTimeout(() => resolve(null), 15_000).unref(); })]);
      if (how === null) {
        child.kill('SIGKILL');
        throw new Error(`the server did not stop within 15 s; log:\n${log}`);
      }
      return how;
    },
  };
  return server;
}

function childrenOf(pid) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((candidate) => {
    try {
      const stat = readFileSync(`/proc/${candidate}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
    } catch {
      return false;
    }
  });
}
/** What the process calls itself: 'sluice-work-0' has a place, 'sluice-spare' waits for one. */
function nameOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}
function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0].split('/').at(-1);
  } catch {
    return '';
  }
}
function residentBytes(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(text)[1]) * 1024;
}
