// Every process of the server dies, one after another, in the middle of a call of three browsers: pictures go on, connections
// notice nothing, sessions resume. (Issue "No process's death ends a call"; figures of many deaths: tests/faults/kills.mjs.)
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { isHealthy, roomOf } from './support/admin.mjs';
import { everyoneSeesEveryone, eventually, joinPage, peerIdOf, received, startBrowser } from './support/browser.mjs';
import { framesSeen, restartFrameWatch, watchFrames } from './support/frame_probe.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

const ROOM = 'immortals';
// Media goes on in some tens of milliseconds; a shared machine gets more, and a stopped worker must be noticed first.
const GAP_LIMIT_MS = 2500;

let server;
let browser;
let pages;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
  pages = [];
  for (const [name, source] of [['Alice', 'camera'], ['Bob', 'synthetic'], ['Carol', 'camera']]) {
    pages.push(await joinPage(browser, server, { name, room: ROOM, source }));
  }
  await everyoneSeesEveryone(pages);
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
});

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
    const ids = await Promise.all(pages.map(peerIdOf));
    await eventually('all processes run', () => ['worker', 'handshaker', 'control', 'keeper'].every((name) => server.pidOf(`sluice-${name}`)));
    for (const page of pages) await restartFrameWatch(page);
    await Promise.all(pages.map((page) => eventually('pictures move', async () => (
      Object.values(await framesSeen(page)).every((seen) => seen.frames > 5)))));
    const before = await Promise.all(pages.map(received));
    for (const page of pages) await restartFrameWatch(page);

    const death = await server.killOne(victim, signal);
    assert.ok(death, `no ${victim} was there`);
    if (victim !== 'supervisor') {
      await eventually('another process is in its place', () => {
        const pid = server.pidOf(`sluice-${victim}`);
        return pid !== undefined && pid !== death.pid;
      }, 15_000, 20);
    }
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
        if (victim !== 'worker') assert.equal(row.lost, was.lost, `${row.kind} packets were lost by the death of the ${victim}`);
      }
    }
    t.diagnostic(`longest time between two frames anywhere: ${longest} ms`);
    assert.ok(longest < GAP_LIMIT_MS, `a picture stood for ${longest} ms`);
    assert.deepEqual(await Promise.all(pages.map(peerIdOf)), ids, 'the same peers');
    assert.equal((await roomOf(server, ROOM)).peers.length, 3);
  });
}
