// The load generator against the real server: an SRTP, DTLS and ICE of its own that finds nothing to complain about.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startServer } from './support/server.mjs';

const binaries = process.env.SLUICE_BIN_DIR ?? fileURLToPath(new URL('../../build/release/bin', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-load-'));
let server;
before(async () => { server = await startServer(); });
after(async () => {
  const how = await server?.stop() ?? { code: 0 };
  rmSync(folder, { recursive: true });
  assert.equal(how.code, 0, server?.log());
});

/** Runs `sluice benchmark`; resolves to {code, output, complaints}. */
function benchmark(...options) {
  const child = spawn(`${binaries}/sluice`, ['benchmark', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let complaints = '';
  child.stdout.on('data', (chunk) => { output += chunk; });
  child.stderr.on('data', (chunk) => { complaints += chunk; });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output, complaints }));
  });
}
const here = () => [`--url=${server.socketUrl}`, `--admin=${server.adminUrl}`, '--bitrate=200k', '--warmup=0.5'];

test('two rooms of two publishers and three subscribers: nothing lost, no index used twice', async () => {
  const events = join(folder, 'events.ndjson');
  const run = await benchmark(...here(), '--rooms=2', '--publishers=2', '--subscribers=3', '--duration=4', '--audit-indices',
    '--max-loss=0', '--json', `--events=${events}`);
  assert.equal(run.code, 0, run.complaints + run.output);
  const report = JSON.parse(run.output);
  assert.deepEqual(report.streams, { expected: 24, never_up: 0, dead: 0 });
  assert.equal(report.packets.lost, 0);
  for (const wrong of ['duplicates', 'undecryptable', 'replays', 'misrouted', 'unknown_ssrc', 'unstamped', 'malformed']) {
    assert.equal(report.packets[wrong], 0, wrong);
  }
  assert.ok(report.packets.forwarded > 24 * 4 * 25, `${report.packets.forwarded} packets forwarded`);
  assert.equal(report.index_audit.repeats, 0);
  assert.ok(report.index_audit.srtp_indices >= report.packets.forwarded);
  assert.ok(report.index_audit.srtcp_indices > 0);
  assert.equal(report.video.picture_id_breaks, 0);
  assert.ok(report.video.frames_decodable > 12 * 4 * 25, `${report.video.frames_decodable} frames`);
  const worker = report.server.processes.find(({ name }) => name.startsWith('sluice-work'));
  assert.ok(worker.cpu_ns_per_packet > 0 && worker.rss_after_bytes > 0, JSON.stringify(report.server));
  const names = readFileSync(events, 'utf8').trim().split('\n').map((line) => JSON.parse(line).event);
  assert.ok(names.includes('measurement_begin') && names.includes('measurement_end'), names.join());
});

for (const suite of ['aes256-gcm', 'aes128-cm']) {
  test(`a call with ${suite}`, async () => {
    const run = await benchmark(...here(), '--publishers=1', '--subscribers=1', '--duration=1', `--suite=${suite}`,
      '--audit-indices', '--max-loss=0');
    assert.equal(run.code, 0, run.complaints + run.output);
    assert.match(run.output, /0 lost .*\n(.*\n)*.* 0 repeats/);
  });
}

test('it says in one sentence what is wrong', async () => {
  const wrong = await benchmark('--media', '--rooms=many');
  assert.equal(wrong.code, 1);
  assert.match(wrong.complaints, /^sluice-load: --rooms takes .*\n$/);
  const nobody = await benchmark(`--url=${server.socketUrl}`, '--admin=http://127.0.0.1:9');
  assert.equal(nobody.code, 1);
  assert.match(nobody.complaints, /^sluice-load: the admin API at 127\.0\.0\.1:9 cannot be reached.*\n$/);
});
