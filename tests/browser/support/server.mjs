// Starts the real server on ports of its own and stops it by its process id.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const binaries = process.env.SLUICE_BIN_DIR ?? `${root}build/release/bin`;
const READY_LIMIT_MS = 30_000;

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

let nextMediaPort = 41000 + (process.pid % 200) * 10;

/**
 * Starts `sluice serve` with `options` beside those of a test. `junk`: freed memory is overwritten at once, so that what is
 * used after its end shows; off where memory is measured.
 */
export async function startServer(options = {}, { junk = true } = {}) {
  const signalingPort = await freePort();
  const adminPort = await freePort();
  const mediaPort = nextMediaPort;
  nextMediaPort += 4;
  const settings = {
    'signaling.port': signalingPort, 'signaling.host': '127.0.0.1', 'signaling.reconnectTtl': 15000, 'adminApi.port': adminPort,
    'media.port': mediaPort, 'media.announced_ip': '127.0.0.1', 'media.listen': '127.0.0.1', 'workers.count': 1, ...options,
  };
  const child = spawn(`${binaries}/sluice`, ['serve', ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`)],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...(junk ? { MALLOC_CONF: 'junk:true' } : {}) } });
  let log = '';
  child.stderr.on('data', (chunk) => { log += chunk; });
  let output = '';
  const exited = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => resolve({ code: null, signal: null, error: error.message }));
  });
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no 'sluice ready' within ${READY_LIMIT_MS} ms; log:\n${log}`)), READY_LIMIT_MS);
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (/^sluice ready/m.test(output)) { clearTimeout(timer); resolve(); }
    });
    exited.then((how) => { clearTimeout(timer); reject(new Error(`the server ended (${JSON.stringify(how)}); log:\n${log}`)); });
  });
  return {
    pid: child.pid,
    url: `http://127.0.0.1:${signalingPort}/`,
    socketUrl: `ws://127.0.0.1:${signalingPort}/`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    mediaPort,
    log: () => log,
    output: () => output,
    /** The process id of a child by the name of its program, e.g. 'sluice-control'. */
    pidOf: (program) => childrenOf(child.pid).find((pid) => commandOf(pid) === program),
    /** Resident bytes of every process of the server, by program. */
    memory: () => Object.fromEntries([child.pid, ...childrenOf(child.pid)].map((pid) => [`${commandOf(pid)}:${pid}`, residentBytes(pid)])),
    /** One number from /metrics, summed over all its samples that hold `labels`. */
    async metric(name, labels = '') {
      const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      return text.split('\n').filter((line) => line.startsWith(name) && /[ {]/.test(line[name.length]) && line.includes(labels))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
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
