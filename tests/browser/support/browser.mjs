// Real Chromium, headless, with Chromium's own test camera and microphone.
import { chromium } from 'playwright-core';
import { existsSync } from 'node:fs';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

export async function startBrowser(extra = []) {
  if (!executablePath) throw new Error('Chromium is missing: run ./tools/test, which installs it');
  return chromium.launch({
    executablePath, headless: true, chromiumSandbox: false,
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--disable-dev-shm-usage', '--mute-audio', '--autoplay-policy=no-user-gesture-required',
      '--disable-renderer-backgrounding', '--disable-background-timer-throttling', '--disable-backgrounding-occluded-windows',
      '--use-fake-device-for-media-stream=fps=30', '--use-fake-ui-for-media-stream', '--allow-loopback-in-peer-connection', ...extra],
  });
}

/**
 * A participant on the real page, in a context of its own; `page.problems` collects what the console calls an error.
 * The picture is small and never scaled down by the browser's own judgement of the machine: heights mean layers. With
 * `steady` the sender's bandwidth estimate has a floor too: on loopback it measures how busy the machine is, and a browser
 * stops sending its highest layer when it falls.
 */
export async function joinPage(browser, server, options) {
  const page = await openLobby(browser, server, options);
  await enterCall(page);
  return page;
}

/** Alice and Carol by camera, Bob by test picture: their pages, when all see and hear each other. */
export async function joinThree(browser, server, room) {
  const pages = [];
  for (const [name, source] of [['Alice', 'camera'], ['Bob', 'synthetic'], ['Carol', 'camera']]) {
    pages.push(await joinPage(browser, server, { name, room, source }));
  }
  await everyoneSeesEveryone(pages);
  return pages;
}

/** The page before "Join room" is pressed. */
export async function openLobby(browser, server, { name, room, source = 'camera', height = 540, steady = true, query = '', viewport = { width: 1100, height: 700 } }) {
  const context = await browser.newContext({ viewport });
  if (steady) await context.addInitScript(keepEstimateUp);
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') page.problems.push(message.text()); });
  await page.goto(`${server.url}?room=${encodeURIComponent(room)}&name=${encodeURIComponent(name)}&source=${source}&height=${height}${query}`);
  return page;
}

/** Runs in the page: answers of the media server tell libwebrtc between which bit rates (kbit/s) its estimate may move. */
function keepEstimateUp() {
  const original = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function setRemoteDescription(description) {
    const sdp = description.sdp.replace(/a=rtpmap:(\d+) VP8\/90000\r\n/g, (line, type) => (
      `${line}a=fmtp:${type} x-google-start-bitrate=2000;x-google-min-bitrate=2000;x-google-max-bitrate=4000\r\n`));
    return original.call(this, { type: description.type, sdp });
  };
}

/** Presses "Join room" and waits for the call. */
export async function enterCall(page) {
  await page.click('#join');
  await page.waitForSelector('#call:not([hidden])', { timeout: 30_000 });
  await page.evaluate(async () => {
    for (const pc of [window.sluiceRoom.media.pc ?? []].flat()) {
      for (const sender of pc.getSenders().filter((s) => s.track?.kind === 'video')) {
        await sender.setParameters({ ...sender.getParameters(), degradationPreference: 'maintain-resolution' });
      }
    }
  });
}

/** The id under which the server knows the participant of `page`. */
export const peerIdOf = (page) => page.evaluate(() => window.sluiceRoom.peerId);

/** What every received track has decoded so far: [{peer, kind, frames, height, energy, packets, lost, ...}]. */
export async function received(page) {
  return page.evaluate(async () => {
    const { media } = window.sluiceRoom;
    const connections = media.connections ? [...media.connections] : [[null, media.pc]];
    const peerOfTrack = new Map([...(media.consumers?.values() ?? [])].map((c) => [c.track?.id, c.peerId]));
    const rows = [];
    for (const [remote, pc] of connections) {
      for (const stat of (await pc.getStats()).values()) {
        if (stat.type !== 'inbound-rtp') continue;
        rows.push({
          peer: remote ?? peerOfTrack.get(stat.trackIdentifier) ?? null, mid: stat.mid, kind: stat.kind,
          frames: stat.framesDecoded ?? 0, height: stat.frameHeight ?? 0, energy: stat.totalAudioEnergy ?? 0,
          packets: stat.packetsReceived, lost: stat.packetsLost, freezes: stat.freezeCount ?? 0,
          frozen: stat.totalFreezesDuration ?? 0, nacks: stat.nackCount ?? 0, plis: stat.pliCount ?? 0,
        });
      }
    }
    return rows;
  });
}

/** The row of one remote participant's audio or video on `page`, or one of zeroes while there is none. */
export async function receivedFrom(page, peer, kind) {
  const rows = (await received(page)).filter((row) => row.peer === peer && row.kind === kind);
  return rows.at(-1) ?? { peer, kind, frames: 0, height: 0, energy: 0, packets: 0, lost: 0, freezes: 0, nacks: 0, plis: 0 };
}

/** What every simulcast layer of our video has sent so far: {rid: {frames, height, packets}}. */
export async function sentLayers(page) {
  return page.evaluate(async () => {
    const layers = {};
    for (const stat of (await window.sluiceRoom.media.pc.getStats()).values()) {
      if (stat.type !== 'outbound-rtp' || stat.kind !== 'video') continue;
      layers[stat.rid ?? 'single'] = { frames: stat.framesEncoded ?? 0, height: stat.frameHeight ?? 0, packets: stat.packetsSent };
    }
    return layers;
  });
}

/** Waits until every page decodes `more` further frames of, and hears, every other page. */
export async function everyoneSeesEveryone(pages, { more = 15, limitMs = 45_000 } = {}) {
  const ids = await Promise.all(pages.map(peerIdOf));
  await Promise.all(pages.flatMap((page, i) => ids.filter((_, j) => j !== i).map(async (id) => {
    const video = await receivedFrom(page, id, 'video');
    const audio = await receivedFrom(page, id, 'audio');
    await eventually(`participant ${i + 1} sees and hears ${id}`, async () => (
      (await receivedFrom(page, id, 'video')).frames >= video.frames + more && (await receivedFrom(page, id, 'audio')).energy > audio.energy
    ), limitMs);
  })));
}

/** Polls until `check` gives something truthy, or fails with what it gave last. */
export async function eventually(what, check, limitMs = 30_000, stepMs = 100) {
  const end = Date.now() + limitMs;
  let last;
  for (;;) {
    last = await check();
    if (last) return last;
    if (Date.now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, stepMs));
  }
}
