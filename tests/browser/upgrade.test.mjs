// A server under load moves to a build whose schemas have grown by a version, and back: messages, logs and records that one
// build wrote are read by the other (docs/adr/0010). The other build is made by tests/integration/next_schema.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { eventually } from './support/browser.mjs';
import { startLoad } from './support/load.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { binariesOfTests, startServer } from './support/server.mjs';

const PRESENT = realpathSync(binariesOfTests);
const NEXT = realpathSync(join(binariesOfTests, '../next/bin'));
const PROCESSES = ['sluice-worker', 'sluice-handshaker', 'sluice-control', 'sluice-keeper'];

let server;
const loads = [];
before(async () => { server = await startServer({ 'workers.count': 2 }); });
after(async () => {
  for (const load of loads) load.dispose();
  if (server) await stopCleanly(server);
});

const programOf = (pid) => realpathSync(`/proc/${pid}/exe`);

async function upgradeTo(t, folder) {
  const child = spawn(join(binariesOfTests, 'sluice'), ['upgrade', folder, `--media.port=${server.mediaPort}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { said += chunk; });
  const status = await new Promise((resolve) => { child.once('close', resolve); });
  assert.equal(status, 0, `${said}\n${server.log()}`);
  t.diagnostic(said.trim().split('\n').at(-1));
  await eventually('all processes run', () => PROCESSES.every((name) => server.pidOf(name)));
  for (const pid of [server.pid, ...PROCESSES.map((name) => server.pidOf(name))]) assert.equal(join(programOf(pid), '..'), folder);
}

/** What processes of the next build said they read, as 'NAME: WHAT'. */
const reads = () => [...server.log().matchAll(/^next schema: (\S+) reads (.*)$/gm)].map(([, name, what]) => `${name}: ${what}`);

/** New clients join, whose handshakes, commands and events are all of the build that runs. */
async function newcomersSucceed() {
  const load = startLoad(server, { publishers: 1, subscribers: 1, bitrate: '100k', warmup: 0.3, duration: 1, 'max-loss': 0 });
  loads.push(load);
  const how = await load.ended;
  assert.equal(how.code, 0, how.errors);
}

test('calls go on through an upgrade to grown schemas and back', { timeout: 120_000 }, async (t) => {
  const load = startLoad(server, { rooms: 4, publishers: 2, subscribers: 3, bitrate: '150k', warmup: 0.5, duration: 90 });
  loads.push(load);
  await load.begun();

  await upgradeTo(t, NEXT);
  await newcomersSucceed();
  // A worker takes over wishes, and control rooms and wishes, that the present build wrote; and each hears its own kind.
  for (const name of ['sluice-worker', 'sluice-control']) {
    await eventually(`${name} reads both`, () => ['its own field', 'a message without the field'].every((what) => reads().includes(`${name}: ${what}`)));
  }
  assert.ok(reads().includes('sluice-handshaker: its own field'), reads().join('\n'));

  await upgradeTo(t, PRESENT);
  await newcomersSucceed();

  load.child.kill('SIGTERM'); // it ends early, with a report
  const how = await load.ended;
  assert.equal(how.code, 0, `${how.errors}\n${server.log()}`);
  const { streams, packets, index_audit: audit } = load.report();
  t.diagnostic(`${packets.forwarded} packets, ${packets.lost} lost; longest gap ${Math.max(0, ...load.events().map((event) => event.gap_ms ?? 0)).toFixed(0)} ms`);
  assert.deepEqual(streams, { expected: 48, never_up: 0, dead: 0 });
  assert.equal(audit.repeats, 0);
  assert.ok(audit.srtp_indices >= packets.forwarded);
  // Workers are asked to end and finish their turn; what arrives meanwhile waits in their sockets.
  assert.equal(packets.lost, 0);
  for (const wrong of ['undecryptable', 'misrouted', 'unknown_ssrc', 'malformed']) assert.equal(packets[wrong], 0, wrong);
});
