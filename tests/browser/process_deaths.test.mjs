// Every process of the server dies, one after another, in the middle of a call of three browsers: pictures go on, connections
// notice nothing, sessions resume. (Issue "No process's death ends a call"; figures of many deaths: tests/faults/kills.mjs.)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { isHealthy, roomOf } from './support/admin.mjs';
import { eventually, joinThree, peerIdOf, received, startBrowser } from './support/browser.mjs';
import { framesSeen, restartFrameWatch, watchFrames } from './support/frame_probe.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { binariesOfTests, startServer } from './support/server.mjs';

const ROOM = 'immortals';
// Media goes on in some tens of milliseconds; a shared machine gets more, and a stopped worker must be noticed first.
const GAP_LIMIT_MS = 2500;

const PROGRAMS = ['sluice', 'sluice-control', 'sluice-worker', 'sluice-handshaker', 'sluice-keeper'];

let server;
let browser;
let pages;
let folder;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
  pages = await joinThree(browser, server, ROOM);
  for (const page of pages) {
    await watchFrames(page);
    await page.evaluate(() => {
      window.connectionStates = [];
      window.negotiations = 0;
      const { pc } = window.sluiceRoom.media;
      pc.addEventListener('connectionstatechange', () => window.connectionStates.push(pc.connectionState));
      pc.addEventListener('iceconnectionstatechange', () => window.connectionStates.push(pc.iceConnectionState));
      pc.addEventListener('signalingstatechange', () => { window.negotiations += 1; });
    });
  }
});
after(async () => {
  await browser?.close();
  if (server) await stopCleanly(server, { allow: [/hangs/, /takes over|adopt/] });
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** The call goes on while `disturb` happens: nothing is negotiated, connections notice nothing, everyone stays joined. */
async function goesOnThrough(t, what, { mayLose }, disturb) {
  const ids = await Promise.all(pages.map(peerIdOf));
  for (const page of pages) await restartFrameWatch(page);
  await Promise.all(pages.map((page) => eventually('pictures move', async () => (
    Object.values(await framesSeen(page)).every((seen) => seen.frames > 5)))));
  const before = await Promise.all(pages.map(received));
  for (const page of pages) await restartFrameWatch(page);

  await disturb();
  await eventually('the server answers', () => isHealthy(server));
  await Promise.all(pages.map((page) => eventually('pictures go on', async () => (
    Object.values(await framesSeen(page)).every((seen) => seen.frames > 30)))));
  await Promise.all(pages.map((page) => eventually('the page is joined', () => page.evaluate(() => (
    window.sluiceRoom.signaling.state === 'joined')))));

  let longest = 0;
  const after = await Promise.all(pages.map(received));
  for (const [n, page] of pages.entries()) {
    assert.deepEqual(await page.evaluate(() => window.connectionStates), [], 'ICE and DTLS saw nothing');
    assert.equal(await page.evaluate(() => window.negotiations), 0, 'nothing was negotiated');
    for (const seen of Object.values(await framesSeen(page))) longest = Math.max(longest, seen.longestGapMs);
    for (const row of after[n]) {
      const was = before[n].find((candidate) => candidate.mid === row.mid);
      assert.ok(row.packets > was.packets, `${row.kind} goes on`);
      if (!mayLose) assert.equal(row.lost, was.lost, `${row.kind} packets were lost by the ${what}`);
    }
  }
  t.diagnostic(`longest time between two frames anywhere: ${longest} ms`);
  assert.ok(longest < GAP_LIMIT_MS, `a picture stood for ${longest} ms`);
  assert.deepEqual(await Promise.all(pages.map(peerIdOf)), ids, 'the same peers');
  assert.equal((await roomOf(server, ROOM)).peers.length, 3);
}

const DEATHS = [
  ['worker', 'SIGKILL'],
  ['handshaker', 'SIGKILL'],
  ['worker', 'SIGSEGV'],
  ['control', 'SIGKILL'],
  ['worker', 'SIGSTOP'],
  ['keeper', 'SIGKILL'],
  ['supervisor', 'SIGKILL'],
  ['worker', 'SIGKILL'], // of whom the new supervisor must know
];

for (const [i, [victim, signal]] of DEATHS.entries()) {
  test(`${i + 1}: ${signal} of the ${victim}`, { timeout: 120_000 }, async (t) => {
    await eventually('all processes run', () => ['worker', 'handshaker', 'control', 'keeper'].every((name) => server.pidOf(`sluice-${name}`)));
    await goesOnThrough(t, `death of the ${victim}`, { mayLose: victim === 'worker' }, async () => {
      const death = await server.killOne(victim, signal);
      assert.ok(death, `no ${victim} was there`);
      if (victim === 'supervisor') return;
      await eventually('another process is in its place', () => {
        const pid = server.pidOf(`sluice-${victim}`);
        return pid !== undefined && pid !== death.pid;
      }, 15_000, 20);
    });
  });
}

test(`${DEATHS.length + 1}: sluice upgrade puts another build in`, { timeout: 180_000 }, async (t) => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-build-'));
  for (const name of PROGRAMS) copyFileSync(join(realpathSync(binariesOfTests), name), join(folder, name));
  const names = ['sluice-worker', 'sluice-handshaker', 'sluice-control', 'sluice-keeper'];
  await eventually('all processes run', () => names.every((name) => server.pidOf(name)));
  const before = names.map((name) => server.pidOf(name));
  const { pid } = server;
  await goesOnThrough(t, 'upgrade', { mayLose: true }, async () => {
    const upgrade = spawn(join(binariesOfTests, 'sluice'), ['upgrade', folder, `--media.port=${server.mediaPort}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [upgrade.stdout, upgrade.stderr]) stream.on('data', (chunk) => { said += chunk; });
    const status = await new Promise((resolve) => { upgrade.once('exit', resolve); });
    assert.equal(status, 0, said);
    t.diagnostic(said.trim().split('\n').at(-1));
  });
  assert.equal(server.pid, pid, 'whoever watches the server sees the same process');
  for (const [i, name] of names.entries()) {
    const now = server.pidOf(name);
    assert.notEqual(now, before[i], `${name} is another process`);
    assert.equal(realpathSync(`/proc/${now}/exe`), join(realpathSync(folder), name));
  }
  assert.equal(realpathSync(`/proc/${pid}/exe`), join(realpathSync(folder), 'sluice'));
});
