// Calls of other clients in real Chromium: signaling over protoo and over PartyKit rooms, media between the pages, directly and
// through a real coturn with the server's own credentials.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, startBrowser } from './support/browser.mjs';
import { bundleForBrowser, openPageWith } from './support/bundle.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';
import { startTurnServer } from './support/turn_server.mjs';

const secret = 'a secret of the tests';
let turn;
let server;
let browser;
before(async () => {
  turn = await startTurnServer(secret);
  server = await startServer({ 'dialects.partyRooms.turnUrls': turn.url, 'dialects.partyRooms.turnSecret': secret });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  if (server) await stopCleanly(server);
  await turn?.stop();
});

const script = (name, global) => bundleForBrowser(fileURLToPath(new URL(`pages/${name}.js`, import.meta.url)), global);
/** Waits until both pages show moving pictures and have heard something. */
async function mediaFlows(pages, call) {
  for (const page of pages) {
    // Asked from here: a predicate that answers by a promise would count as true at once.
    await eventually('pictures move and something is heard', async () => {
      const { state, frames, sound } = await page.evaluate((name) => window[name].figures(), call);
      return state === 'connected' && frames > 30 && sound > 0;
    }, 60_000, 200);
  }
}

test('two pages call each other over protoo-client', { timeout: 120_000 }, async () => {
  const code = await script('protoo_page', 'Protoo');
  const pages = [];
  for (const name of ['ada', 'bo']) {
    const page = await openPageWith(browser, server, code);
    const peers = await page.evaluate(([serverUrl, who]) => {
      window.call = new window.Protoo.Call();
      return window.call.join({ server: serverUrl, room: 'call', name: who });
    }, [server.socketUrl.slice(0, -1), name]);
    assert.deepEqual(peers, pages.length === 0 ? [] : ['ada']);
    pages.push(page);
  }
  await pages[1].evaluate(() => window.call.call('ada'));
  await mediaFlows(pages, 'call');
  assert.deepEqual(pages.flatMap((page) => page.problems), []);
});

async function substrateCall(room, relayOnly) {
  const code = await script('substrate_page', 'Page');
  const pages = [];
  for (let i = 0; i < 2; ++i) {
    const page = await openPageWith(browser, server, code);
    await page.evaluate(([host, name, relay]) => {
      window.call = new window.Page.Substrate({ host, room: name, relayOnly: relay });
    }, [new URL(server.url).host, room, relayOnly]);
    await page.waitForFunction(() => window.call.lists.length >= 1 && window.call.stream);
    pages.push(page);
  }
  const [first, second] = pages;
  await first.waitForFunction(() => window.call.lists.length === 2);
  const ids = await Promise.all(pages.map((page) => page.evaluate(() => window.call.socket.id)));
  assert.deepEqual(await first.evaluate(() => window.call.lists), [[], [ids[1]]]);
  assert.deepEqual(await second.evaluate(() => window.call.lists), [[ids[0]]]);
  // Both have made their connection for the present list before one calls.
  await Promise.all(pages.map((page) => page.evaluate(() => window.call.work)));
  await second.evaluate(() => window.call.connectToPeer());
  await mediaFlows(pages, 'call');
  assert.deepEqual(pages.flatMap((page) => page.problems), []);
  return { pages, ids };
}

test('two substrate-style pages see and hear each other directly', { timeout: 120_000 }, async () => {
  const { pages, ids } = await substrateCall('direct', false);
  const [first, second] = pages;
  await Promise.all(pages.map((page) => page.waitForFunction(() => window.call.names.length > 0, null, { timeout: 60_000 })));
  assert.deepEqual(await Promise.all(pages.map((page) => page.evaluate(() => window.call.names))), [[ids[1]], [ids[0]]]);
  await second.evaluate(() => window.call.socket.close());
  await first.waitForFunction(() => window.call.lists.length === 3);
  assert.deepEqual(await first.evaluate(() => window.call.lists[2]), []);
});

test('and through coturn, with credentials of the server, when nothing else is allowed', { timeout: 120_000 }, async () => {
  const { pages } = await substrateCall('relayed', true);
  for (const page of pages) {
    const { local, remote } = await page.evaluate(() => window.call.figures());
    assert.deepEqual([local, remote], ['relay', 'relay']);
  }
  assert.match(turn.log(), /ALLOCATE processed, success/);
});
