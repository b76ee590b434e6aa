// Three participants with three-layer simulcast on the real page: what a user does in a call, against the real server.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { roomOf } from './support/admin.mjs';
import {
  enterCall, everyoneSeesEveryone, eventually, joinPage, peerIdOf, received, receivedFrom, sentLayers, startBrowser,
} from './support/browser.mjs';
import { framesSeen, restartFrameWatch, watchFrames } from './support/frame_probe.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

const ROOM = 'three of us';
const HEIGHTS = { low: 135, mid: 270, high: 540 };
const GAP_LIMIT_MS = 3000; // a switch waits for a key frame; a slow machine needs its time to encode one

let server;
let browser;
let alice;
let bob;
let carol;

const tile = (page, peer) => page.locator(`.tile[data-peer="${peer}"]`);
const heightOf = async (page, peer) => (await receivedFrom(page, peer, 'video')).height;
const dropped = (reason) => server.metric('sluice_drops_total', `reason="${reason}"`);

before(async () => {
  server = await startServer();
  browser = await startBrowser();
  [alice, bob, carol] = [
    await joinPage(browser, server, { name: 'Alice', room: ROOM }),
    await joinPage(browser, server, { name: 'Bob', room: ROOM, source: 'synthetic' }),
    await joinPage(browser, server, { name: 'Carol', room: ROOM }),
  ];
});
after(async () => {
  await browser?.close();
  if (server) await stopCleanly(server);
});

test('everyone sees and hears everyone, in the highest of three layers', { timeout: 90_000 }, async () => {
  const pages = [alice, bob, carol];
  await everyoneSeesEveryone(pages);
  for (const page of pages) {
    await eventually('all three layers are sent', async () => {
      const layers = Object.entries(await sentLayers(page));
      return layers.length === 3 && layers.every(([rid, layer]) => layer.frames > 0 && layer.height === HEIGHTS[rid]);
    });
    for (const other of pages.filter((p) => p !== page)) {
      const id = await peerIdOf(other);
      await eventually('the highest layer arrives', async () => (await heightOf(page, id)) === HEIGHTS.high);
    }
    assert.equal(await page.locator('.tile').count(), 3);
    assert.equal(await page.textContent('#status'), 'Connected');
  }
  const room = await roomOf(server, ROOM);
  assert.deepEqual(room.peers.map((peer) => peer.metadata.displayName), ['Alice', 'Bob', 'Carol']);
  assert.equal(await dropped('not_published'), 0, 'the first packets were expected');
});

test('a tile switches layers down and up for its own viewer only, without a freeze', { timeout: 90_000 }, async () => {
  const id = await peerIdOf(bob);
  await watchFrames(alice);
  await watchFrames(carol);
  await tile(alice, id).hover();
  for (const layer of ['low', 'mid', 'high', 'low', 'high']) {
    await restartFrameWatch(alice);
    const button = tile(alice, id).locator(`button[data-layer=${layer}]`);
    await button.click();
    await eventually(`the ${layer} layer is shown`, async () => (await heightOf(alice, id)) === HEIGHTS[layer]);
    const atSwitch = (await framesSeen(alice))[id].frames;
    await eventually('frames go on after the switch', async () => (await framesSeen(alice))[id].frames >= atSwitch + 10);
    const seen = (await framesSeen(alice))[id];
    assert.ok(seen.longestGapMs < GAP_LIMIT_MS, `the picture stood for ${seen.longestGapMs} ms on the way to ${layer}`);
    // From layer to layer in one step: nothing in between is ever shown.
    assert.deepEqual(seen.heights.slice(1), [HEIGHTS[layer]]);
    assert.equal(await button.getAttribute('aria-pressed'), 'true');
  }
  assert.deepEqual((await framesSeen(carol))[id].heights, [HEIGHTS.high], 'another viewer of the same picture keeps its layer');
});

test('mute shows on the tiles of the others and ends at the forwarding table', { timeout: 60_000 }, async () => {
  const id = await peerIdOf(bob);
  const mark = (page) => tile(page, id).locator('.muted-mark');
  const packets = () => Promise.all([alice, carol].map(async (page) => (await receivedFrom(page, id, 'audio')).packets));
  assert.equal(await mark(alice).isVisible(), false);

  const droppedBefore = await dropped('policy_denied');
  await bob.click('#toggle-audio');
  await mark(alice).waitFor({ state: 'visible' });
  await mark(carol).waitFor({ state: 'visible' });
  // Bob's browser goes on sending silence: the server is who stops it.
  await eventually('the server drops muted audio', async () => (await dropped('policy_denied')) >= droppedBefore + 10);
  const atMute = await packets();
  const video = (await receivedFrom(alice, id, 'video')).frames;
  await eventually('the server drops more of it', async () => (await dropped('policy_denied')) >= droppedBefore + 60);
  assert.deepEqual(await packets(), atMute, 'no packet of a muted microphone is forwarded');
  await eventually('the picture goes on', async () => (await receivedFrom(alice, id, 'video')).frames > video);

  await bob.click('#toggle-audio');
  await mark(alice).waitFor({ state: 'hidden' });
  await mark(carol).waitFor({ state: 'hidden' });
  await eventually('sound comes back', async () => (await packets()).every((count, i) => count > atMute[i] + 10));
  assert.equal((await receivedFrom(alice, id, 'audio')).lost, 0, 'a pause is no loss');
});

test('a click while the connection is away takes effect when it is back', { timeout: 60_000 }, async () => {
  const id = await peerIdOf(bob);
  await bob.evaluate(() => {
    window.sluiceRoom.signaling.drop();
    document.getElementById('toggle-audio').click();
  });
  await tile(alice, id).locator('.muted-mark').waitFor({ state: 'visible' });
  assert.equal(await peerIdOf(bob), id, 'the same participant came back');
  await bob.click('#toggle-audio');
  await tile(alice, id).locator('.muted-mark').waitFor({ state: 'hidden' });
});

test('leaving removes the tile, coming back takes the same lines again', { timeout: 90_000 }, async () => {
  const gone = await peerIdOf(carol);
  const lines = () => alice.evaluate(() => window.sluiceRoom.media.pc.getTransceivers().length);
  const linesBefore = await lines();
  await restartFrameWatch(alice);
  await carol.click('#leave');
  await carol.waitForSelector('#lobby:not([hidden])');
  await tile(alice, gone).waitFor({ state: 'detached' });
  await tile(bob, gone).waitFor({ state: 'detached' });
  const roster = (await roomOf(server, ROOM)).peers.map((peer) => peer.id);
  assert.deepEqual(roster, [await peerIdOf(alice), await peerIdOf(bob)]);

  await enterCall(carol);
  assert.notEqual(await peerIdOf(carol), gone);
  await everyoneSeesEveryone([alice, bob, carol]);
  assert.equal(await lines(), linesBefore, 'm-lines of the one who left serve the one who came');
  const seen = (await framesSeen(alice))[await peerIdOf(bob)];
  assert.ok(seen.longestGapMs < GAP_LIMIT_MS, `the picture of the third stood for ${seen.longestGapMs} ms`);
});

test('nothing was lost and nobody complained', async () => {
  for (const page of [alice, bob, carol]) {
    assert.deepEqual(page.problems, []);
    const lost = (await received(page)).map((row) => row.lost);
    assert.deepEqual(lost, lost.map(() => 0));
  }
  for (const reason of ['seal_failed', 'srtp_bad_tag', 'ssrc_conflict', 'send_queue_full', 'pool_exhausted']) {
    assert.equal(await dropped(reason), 0, reason);
  }
});

test('a browser left to its own estimate climbs to all three layers on our feedback', { timeout: 150_000 }, async () => {
  // Last and alone: the estimate takes a busy machine for a bad network.
  for (const page of [bob, carol]) {
    await page.click('#leave');
    await page.waitForSelector('#lobby:not([hidden])');
  }
  const viewer = await joinPage(browser, server, { name: 'Viewer', room: 'climb', source: 'none' });
  const speaker = await joinPage(browser, server, { name: 'Speaker', room: 'climb', steady: false });
  const id = await peerIdOf(speaker);
  await eventually('the highest layer arrives', async () => (await heightOf(viewer, id)) === HEIGHTS.high, 120_000);
  assert.deepEqual([...viewer.problems, ...speaker.problems], []);
});
