// Chromium with the real socket.io-client: both transports, and an rtc.io page with media from page to page.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after, before } from 'node:test';
import { appToken } from './support/wrtc_signal.mjs';
import { eventually, startBrowser } from './support/browser.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

const client = readFileSync(new URL('./node_modules/socket.io-client/dist/socket.io.min.js', import.meta.url), 'utf8');
const snippet = readFileSync(new URL('../../control/page/clients/rtcio.js', import.meta.url), 'utf8').replaceAll('export function', 'function');

let server;
let browser;
before(async () => {
  server = await startServer({ 'dialects.wrtcSignal.appSecret': 's3cr3t-key', 'dialects.wrtcSignal.appPass': 'pass word' });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  if (server) await stopCleanly(server);
});

/** A page with the client and the snippet, from the server's own origin (so that it may use the camera). */
async function openPage() {
  const page = await (await browser.newContext()).newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  await page.goto(`${server.url}icon.svg`).catch(() => page.goto(server.url));
  await page.goto(server.url);
  await page.evaluate(client);
  await page.evaluate(`${snippet}; window.joinRtcioRoom = joinRtcioRoom;`);
  return page;
}

for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
  test(`socket.io-client in Chromium by ${transports.join(' and ')}`, { timeout: 60_000 }, async () => {
    const page = await openPage();
    const result = await page.evaluate(async (names) => {
      const socket = window.io('/', { transports: names, forceNew: true });
      await new Promise((resolve, reject) => { socket.once('connect', resolve); socket.once('connect_error', reject); });
      const answer = new Promise((resolve) => { socket.once('room-check-ok', resolve); });
      socket.emit('check-room', { roomId: 'r' });
      const room = await answer;
      const upgraded = names.length === 1 || socket.io.engine.transport.name === 'websocket'
        || await new Promise((resolve) => { socket.io.engine.once('upgrade', () => resolve(true)); });
      socket.disconnect();
      return { room, upgraded };
    }, transports);
    assert.deepEqual(result, { room: { roomId: 'r', passwordRequired: false }, upgraded: true });
    assert.deepEqual(page.problems, []);
    await page.close();
  });
}

test('two rtc.io pages see each other, and the newcomer’s renegotiation does not dead-lock', { timeout: 90_000 }, async () => {
  const [a, b] = [await openPage(), await openPage()];
  const begin = (page) => page.evaluate(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 180 }, audio: true });
    window.seen = {};
    window.rtcio = window.joinRtcioRoom(window.io, '/', {
      roomId: 'call', name: 'page', stream,
      onStream: (id, remote) => {
        const video = document.createElement('video');
        video.autoplay = true;
        video.srcObject = remote;
        document.body.append(video);
        window.seen[id] = video;
      },
    });
    await new Promise((resolve) => { window.rtcio.socket.once('join-ok', resolve); });
  });
  await begin(a);
  await begin(b);
  const frames = (page) => page.evaluate(() => Math.max(0, ...Object.values(window.seen).map((v) => v.getVideoPlaybackQuality().totalVideoFrames)));
  const playing = async (page, more) => {
    const before = await frames(page);
    for (let i = 0; i < 300; i += 1) {
      if (await frames(page) >= before + more) return;
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
    assert.fail(`no ${more} further frames within 30 s`);
  };
  await playing(a, 10);
  await playing(b, 10);
  assert.deepEqual(await a.evaluate(() => [...window.rtcio.peers.values()].map(({ polite }) => polite)), [true]);
  assert.deepEqual(await b.evaluate(() => [...window.rtcio.peers.values()].map(({ polite }) => polite)), [false]);
  // Both add a data channel in the same moment: offers collide, the polite one gives way.
  await Promise.all([a, b].map((page) => page.evaluate(() => {
    for (const { pc } of window.rtcio.peers.values()) pc.createDataChannel('more');
  })));
  // Not the state of SCTP: Chromium now and then leaves the one that offered at `connecting`, though all is agreed.
  for (const page of [a, b]) {
    await page.waitForFunction(() => [...window.rtcio.peers.values()].every(({ pc }) => pc.signalingState === 'stable'
      && [pc.currentLocalDescription, pc.currentRemoteDescription].every(({ sdp }) => sdp.includes('m=application'))), null, { timeout: 20_000 });
  }
  await playing(a, 10);
  assert.equal(await server.metric('sluice_transports'), 0, 'media goes from page to page');
  assert.deepEqual([...a.problems, ...b.problems], []);
});

test('the demo page of wrtc-signal: the owner turns down, lets in, and both see each other', { timeout: 90_000 }, async () => {
  const token = await appToken(server.url, 'demo', 'pass word');
  const open = async (given) => {
    const page = await (await browser.newContext()).newPage();
    page.problems = [];
    page.on('pageerror', (error) => page.problems.push(String(error)));
    page.on('console', (message) => { if (message.type() === 'error') page.problems.push(message.text()); });
    await page.goto(`${server.url}demo`);
    await page.fill('#token', given);
    await page.click('#tokenForm button');
    return page;
  };
  const says = (page, text) => page.waitForFunction((wanted) => document.getElementById('status').textContent.includes(wanted), text);
  const stranger = await open('no.good.token');
  await says(stranger, 'Token is not valid');
  assert.ok(await stranger.isVisible('#tokenForm') && await stranger.isDisabled('#createRoom'));

  const [owner, guest] = [await open(token), await open(token)];
  await Promise.all([owner, guest].map((page) => says(page, 'Ready')));
  assert.ok(await owner.locator('#videoSource option').count() > 0 && await owner.locator('#audioSource option').count() > 0);
  const asked = [];
  owner.on('dialog', (dialog) => { asked.push(dialog.message()); return asked.length === 1 ? dialog.dismiss() : dialog.accept(); });
  await owner.click('#createRoom');
  await says(owner, '“test-room” is yours');
  await guest.click('#joinRoom');
  await says(guest, 'Room owner was rejected your request');
  await guest.click('#joinRoom');
  await says(guest, 'In “test-room”');
  assert.equal(asked.length, 2);
  for (const page of [owner, guest]) {
    await eventually('the other one moves', async () => await page.evaluate(() => (
      document.querySelector('[data-peer] video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0)) > 20, 60_000, 200);
  }
  await guest.context().close();
  await owner.waitForFunction(() => !document.querySelector('[data-peer]'));
  assert.deepEqual(owner.problems, []);
});
