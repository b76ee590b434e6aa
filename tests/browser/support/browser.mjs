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

/** A participant on the real page, in a context of its own. */
export async function joinPage(browser, server, { name, room, source = 'camera', query = '', viewport = { width: 1100, height: 700 } }) {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') page.problems.push(message.text()); });
  await page.goto(`${server.url}?room=${encodeURIComponent(room)}&name=${encodeURIComponent(name)}&source=${source}${query}`);
  await page.click('#join');
  await page.waitForSelector('#call:not([hidden])', { timeout: 30_000 });
  return page;
}

/** What every received track has decoded so far: [{mid, kind, peerId, frames, height, energy, packets}]. */
export async function received(page) {
  return page.evaluate(async () => {
    const client = window.sluiceRoom;
    const connections = client.media.connections ? [...client.media.connections.values()] : [client.media.pc];
    const rows = [];
    for (const pc of connections) {
      for (const stat of (await pc.getStats()).values()) {
        if (stat.type !== 'inbound-rtp') continue;
        rows.push({
          mid: stat.mid, kind: stat.kind, track: stat.trackIdentifier, frames: stat.framesDecoded ?? 0, height: stat.frameHeight ?? 0,
          energy: stat.totalAudioEnergy ?? 0, packets: stat.packetsReceived, lost: stat.packetsLost, freezes: stat.freezeCount ?? 0,
          frozen: stat.totalFreezesDuration ?? 0, nacks: stat.nackCount ?? 0, plis: stat.pliCount ?? 0,
        });
      }
    }
    return rows;
  });
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
