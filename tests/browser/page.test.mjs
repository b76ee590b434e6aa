// The demo page as a visitor meets it: lobby, refusals, invitation, phone size, removal.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { createRoom, kick, roomOf } from './support/admin.mjs';
import { enterCall, everyoneSeesEveryone, eventually, joinPage, openLobby, peerIdOf, startBrowser } from './support/browser.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

const PHONE = { width: 390, height: 844 };

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

const overflow = (page) => page.evaluate(() => document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth);

test('a full room is refused with a sentence, and the visitor may go elsewhere', { timeout: 60_000 }, async () => {
  await createRoom(server, { roomId: 'for one', maxPeers: 1 });
  const first = await joinPage(browser, server, { name: 'Alice', room: 'for one', source: 'none' });
  const second = await openLobby(browser, server, { name: 'Bob', room: 'for one', source: 'synthetic' });
  await second.click('#join');
  const notice = second.locator('#lobby-notice');
  await notice.waitFor({ state: 'visible' });
  assert.match(await notice.textContent(), /^This room is full\./);
  assert.equal(await second.isVisible('#call'), false);
  assert.equal(await second.isEnabled('#join'), true);
  assert.equal((await roomOf(server, 'for one')).peers.length, 1);

  await second.fill('#room', 'elsewhere');
  await enterCall(second);
  assert.equal(await second.textContent('#room-name'), 'elsewhere');
  assert.deepEqual([...first.problems, ...second.problems], []);
});

test('a blank room name is refused by the server with a sentence', { timeout: 30_000 }, async () => {
  const page = await openLobby(browser, server, { name: 'Alice', room: 'x', source: 'none' });
  await page.fill('#room', '   ');
  await page.click('#join');
  await page.locator('#lobby-notice').waitFor({ state: 'visible' });
  assert.match(await page.textContent('#lobby-notice'), /room name cannot be used/);
  assert.deepEqual(page.problems, []);
});

test('the invitation brings another visitor into the same room; names are text, not markup', { timeout: 90_000 }, async () => {
  const room = 'tea & <b>cake</b>?';
  const host = await openLobby(browser, server, { name: '<img src=x onerror=alert(1)>', room, source: 'synthetic' });
  assert.equal(await host.inputValue('#room'), room);
  await host.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await enterCall(host);
  assert.match(await host.textContent('#grid .empty'), /Nobody else is here yet/);
  await host.click('#invite');
  await host.locator('.toast').waitFor();
  const link = await host.evaluate(() => navigator.clipboard.readText());
  assert.equal(new URL(link).searchParams.get('room'), room);

  const guest = await (await browser.newContext({ viewport: PHONE })).newPage();
  guest.problems = [];
  guest.on('pageerror', (error) => guest.problems.push(String(error)));
  guest.on('console', (message) => { if (message.type() === 'error') guest.problems.push(message.text()); });
  await guest.goto(link);
  assert.equal(await guest.inputValue('#room'), room);
  await guest.fill('#name', 'Guest');
  await guest.locator('.source label', { hasText: 'Test picture' }).click();
  assert.ok((await overflow(guest)) <= 0, 'the lobby fits a phone');
  await enterCall(guest);
  await everyoneSeesEveryone([host, guest]);
  assert.ok((await overflow(guest)) <= 0, 'the call fits a phone');
  for (const selector of ['#toggle-audio', '#toggle-video', '#leave']) {
    const box = await guest.locator(selector).boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= PHONE.width && box.y + box.height <= PHONE.height, `${selector} is on the screen`);
  }
  const tile = guest.locator(`.tile[data-peer="${await peerIdOf(host)}"]`);
  assert.equal(await tile.locator('.name').textContent(), '<img src=x onerror=alert(1)>');
  assert.equal(await guest.locator('.tile img').count(), 0);
  await eventually('live figures are shown', async () => /960×540.*kbit\/s|960×540.*Mbit\/s/.test(await tile.locator('.figures').textContent()));

  const guestTile = host.locator(`.tile[data-peer="${await peerIdOf(guest)}"]`);
  await host.locator(`.tile.has-picture[data-peer="${await peerIdOf(guest)}"]`).waitFor();
  await guest.click('#toggle-video');
  await guestTile.locator('.avatar').waitFor({ state: 'visible' });
  assert.equal(await guestTile.locator('.avatar').textContent(), 'G');
  assert.deepEqual([...host.problems, ...guest.problems], []);
});

test('who only watches sees the others; who is removed reads why', { timeout: 60_000 }, async () => {
  const speaker = await joinPage(browser, server, { name: 'Speaker', room: 'hall', source: 'synthetic' });
  const viewer = await joinPage(browser, server, { name: 'Viewer', room: 'hall', source: 'none' });
  const frames = () => viewer.evaluate(() => document.querySelector('.tile:not(.self) video').getVideoPlaybackQuality().totalVideoFrames);
  await eventually('the viewer sees the speaker', async () => (await frames()) > 10);
  assert.equal(await viewer.isVisible('#toggle-audio'), false, 'nothing to mute');
  const id = await peerIdOf(viewer);
  await kick(server, id, 'the hall closes');
  await viewer.locator('#lobby-notice').waitFor({ state: 'visible' });
  assert.match(await viewer.textContent('#lobby-notice'), /You were removed: the hall closes/);
  await speaker.locator(`.tile[data-peer="${id}"]`).waitFor({ state: 'detached' });
  assert.deepEqual([...speaker.problems, ...viewer.problems], []);
});
