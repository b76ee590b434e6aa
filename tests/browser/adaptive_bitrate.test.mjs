// Adaptive bitrate (contract section 17) with real media: the picture that arrives is that of the layer which was said.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { enterCall, eventually, openLobby, peerIdOf, receivedFrom, startBrowser } from './support/browser.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

const ROOM = 'adaptive';
const HEIGHTS = { low: 135, mid: 270, high: 540 };

let server;
let browser;
let alice;
let bob;

/** Runs in the page: its signaling socket and what came over it stay within the test's reach. */
function keepSocket() {
  const Original = window.WebSocket;
  window.heard = [];
  window.WebSocket = class extends Original {
    constructor(...words) {
      super(...words);
      window.testSocket = this;
      this.addEventListener('message', (event) => window.heard.push(JSON.parse(event.data)));
    }
  };
}
async function join(name) {
  const page = await openLobby(browser, server, { name, room: ROOM });
  await page.evaluate(keepSocket);
  await enterCall(page);
  // Chromium's test microphone beeps; whoever is heard is an active speaker, and who that is shall be what the test says.
  await page.evaluate(() => {
    for (const sender of window.sluiceRoom.media.pc.getSenders()) if (sender.track?.kind === 'audio') sender.track.enabled = false;
  });
  return page;
}
const say = (page, payload) => page.evaluate((body) => window.testSocket.send(JSON.stringify({ type: 'data', payload: body })), payload);
const heard = (page, type) => page.evaluate((wanted) => window.heard.filter((message) => message.type === wanted), type);

before(async () => {
  // No recovery by itself: what happens is what the test says.
  server = await startServer({ 'adaptiveBitrate.decayIntervalMs': 3600000, 'adaptiveBitrate.upgradeHoldMs': 200 });
  browser = await startBrowser();
  alice = await join('Alice');
  bob = await join('Bob');
});
after(async () => {
  await browser?.close();
  if (server) await stopCleanly(server);
});

test('the layer that is really forwarded follows score, speaker and manual ceiling', { timeout: 180_000 }, async () => {
  const aliceId = await peerIdOf(alice);
  const height = async () => (await receivedFrom(bob, aliceId, 'video')).height;
  const framesOf = async () => (await receivedFrom(bob, aliceId, 'video')).frames;
  const arrives = (layer) => eventually(`${layer} arrives`, async () => (await height()) === HEIGHTS[layer], 60_000);
  /** Nothing but this layer for thirty frames. */
  const stays = async (layer) => {
    const begin = await framesOf();
    await eventually('thirty more frames', async () => {
      assert.equal(await height(), HEIGHTS[layer]);
      return (await framesOf()) >= begin + 30;
    }, 60_000);
  };
  await arrives('mid'); // an unknown device begins at 0.75
  await stays('mid');
  const video = (await heard(bob, 'sfu:subscribed')).find((message) => message.kind === 'video');
  const { consumerId, producerId } = video;

  await say(bob, { __sfu: 'feedback', type: 'pli', consumerId, count: 2 });
  await arrives('low');
  await say(alice, { __sfu: 'active-speaker', producerId, active: true });
  await arrives('high');
  await say(bob, { __sfu: 'feedback', type: 'pli', consumerId });
  await arrives('mid'); // 0.30, but an active speaker never goes to the lowest layer
  await stays('mid');
  await say(bob, { __sfu: 'layers', consumerId, layer: 'low' });
  await arrives('low');
  await say(bob, { __sfu: 'layers', consumerId, layer: 'high' });
  await arrives('mid'); // the lower of the two
  await stays('mid');

  assert.deepEqual((await heard(bob, 'sfu:layer:auto')).map(({ layer, reason, score }) => [layer, reason, score]),
    [['low', 'adaptive', 0.45], ['high', 'forced', undefined], ['mid', 'adaptive', 0.3]]);
});
