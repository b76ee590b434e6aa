// "Other clients" on the demo page: every snippet is there as the tests run it, on a desk and on a phone.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { eventually, openLobby, startBrowser } from './support/browser.mjs';
import { importWithPackages, openPageWith } from './support/bundle.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

const folder = fileURLToPath(new URL('../../control/page/clients/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.js'));

let server;
let browser;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  if (server) await stopCleanly(server);
});

for (const [what, viewport] of [['a desk', { width: 1280, height: 900 }], ['a phone', { width: 390, height: 844 }]]) {
  test(`the section shows every snippet as it is, on ${what}`, { timeout: 60_000 }, async () => {
    const page = await openLobby(browser, server, { name: 'Alice', room: 'my room', source: 'none', viewport });
    await page.click('#other-clients summary');
    const tabs = page.locator('#other-clients [role=tab]');
    await tabs.first().waitFor();
    const shown = [];
    for (let i = 0; i < await tabs.count(); ++i) {
      await tabs.nth(i).click();
      assert.equal(await tabs.nth(i).getAttribute('aria-selected'), 'true');
      shown.push(await page.textContent('#other-clients .code'));
      assert.ok((await page.textContent('#other-clients .where')).includes(new URL(server.url).host));
      assert.equal(await page.evaluate(() => document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth), 0, 'no sideways scrolling');
    }
    assert.deepEqual(shown.sort(), files.map((file) => readFileSync(folder + file, 'utf8').trim()).sort());
    await tabs.nth(0).click();
    await tabs.nth(0).press('ArrowRight');
    assert.equal(await tabs.nth(1).getAttribute('aria-selected'), 'true');
    assert.ok(await tabs.nth(1).evaluate((tab) => tab === document.activeElement));
    await page.locator('#other-clients [data-client=partykit]').click();
    assert.match(await page.textContent('#other-clients .where'), /\/parties\/main\/my%20room$/);
    if (process.env.SLUICE_SCREENSHOTS) await page.screenshot({ path: `${process.env.SLUICE_SCREENSHOTS}/clients-${viewport.width}.png`, fullPage: true });
    assert.deepEqual(page.problems, []);
  });
}

test('the native snippet joins and talks', async () => {
  globalThis.WebSocket ??= WebSocket; // Node 18 has none of its own
  const { joinNatively } = await importWithPackages(`${folder}native.js`);
  const got = [];
  const join = (name, onMessage = () => {}) => joinNatively({ server: server.socketUrl, room: 'native', name, onMessage });
  const ada = await join('ada', (message) => got.push(message));
  const bo = await join('bo');
  assert.deepEqual(bo.peers.map((peer) => peer.metadata.displayName), ['ada']);
  bo.data({ hello: 1 }, ada.peerId);
  const told = () => got.find((message) => message.type === 'data');
  for (let waited = 0; !told(); waited += 10) {
    if (waited > 20_000) throw new Error('no message within 20 s');
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
  assert.deepEqual(told(), { type: 'data', from: bo.peerId, payload: { hello: 1 } });
  ada.leave();
  bo.leave();
});

test('the WHIP snippet publishes and the WHEP snippet watches, in the room of native clients', { timeout: 90_000 }, async () => {
  const publisher = await openPageWith(browser, server, '');
  await publisher.evaluate(async (url) => {
    const { publishByWhip } = await import('/clients/whip.js');
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
    window.published = await publishByWhip({ url, stream });
  }, `${server.url}whip/snippets`);
  const viewer = await openPageWith(browser, server, '');
  await viewer.evaluate(async (url) => {
    const { watchByWhep } = await import('/clients/whep.js');
    window.watched = await watchByWhep({ url });
    const video = document.createElement('video');
    Object.assign(video, { autoplay: true, muted: true, srcObject: window.watched.stream });
    document.body.append(video);
  }, `${server.url}whep/snippets`);
  // Asked from here: a predicate that answers by a promise would count as true at once.
  await eventually('pictures move', () => viewer.evaluate(async () => {
    const stats = [...(await window.watched.pc.getStats()).values()];
    return (stats.find((stat) => stat.type === 'inbound-rtp' && stat.kind === 'video')?.framesDecoded ?? 0) > 30;
  }), 60_000, 200);
  await viewer.evaluate(() => window.watched.stop());
  await publisher.evaluate(() => window.published.stop());
  assert.deepEqual([...publisher.problems, ...viewer.problems], []);
});
