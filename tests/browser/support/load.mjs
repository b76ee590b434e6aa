// sluice-load as a test's client: many streams that cost little, each packet of which is accounted for.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binariesOfTests } from './server.mjs';

/** Starts `sluice-load` against `server` with `options` (flags without dashes; true for a switch); index audit is always on. */
export function startLoad(server, options) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-load-'));
  const report = join(folder, 'report.json');
  const events = join(folder, 'events.ndjson');
  const all = { media: true, url: server.socketUrl, admin: server.adminUrl, 'audit-indices': true, quiet: true, json: true,
    'server-pid': server.pid, report, events, ...options };
  const words = Object.entries(all).map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`));
  const child = spawn(`${binariesOfTests}/sluice-load`, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => { errors += chunk; });
  const ended = new Promise((resolve) => { child.once('exit', (code, signal) => resolve({ code, signal, errors })); });
  const read = () => {
    try {
      return readFileSync(events, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
    } catch {
      return []; // not there yet, or its last line is half written
    }
  };
  return {
    child,
    /** How it ended: code, signal, and what it said on standard error. */
    ended,
    events: read,
    report: () => JSON.parse(readFileSync(report, 'utf8')),
    /** Resolves when all streams are up and the measurement has begun. */
    async begun() {
      for (;;) {
        if (read().some((event) => event.event === 'measurement_begin')) return;
        if (child.exitCode !== null) throw new Error(`sluice-load ended before it measured (status ${child.exitCode}):\n${errors}`);
        await new Promise((resolve) => { setTimeout(resolve, 50); });
      }
    },
    /** Ends it if it runs, and removes its files. */
    dispose() {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
