// The operator's dashboard in a real browser, beside a real call.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import test, { after, before } from 'node:test';
import WebSocket from 'ws';
import { eventually, everyoneSeesEveryone, joinPage, peerIdOf, startBrowser } from './support/browser.mjs';
import { connect, member } from './support/protocol_client.mjs';
import { startServer } from './support/server.mjs';

const SECRET = 'operators only';
const shots = process.env.SLUICE_SHOTS; // a folder: pictures of every view

let server;
let browser;
before(async () => {
  server = await startServer({ 'adminApi.adminSecret': SECRET, 'governance.port': 0 });
  browser = await startBrowser();
  if (shots) mkdirSync(shots, { recursive: true });
});
after(async () => {
  await browser?.close();
  if (server) await server.stop();
});

async function openDashboard({ viewport = { width: 1280, height: 860 }, hash = '', colorScheme = 'dark', secret = SECRET } = {}) {
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error' && !message.text().includes('401')) page.problems.push(message.text()); });
  await page.goto(`${server.adminUrl}/${hash}`);
  if (secret) {
    await page.fill('input[type=password]', secret);
    await page.click('text=Sign in');
    await page.locator('#link[data-state=live]').waitFor();
  }
  return page;
}
const shot = async (page, name) => { if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true }); };
const overflow = (page) => page.evaluate(() => document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth);

test('it asks for the secret, and a ticket opens one socket once', { timeout: 60_000 }, async () => {
  const page = await openDashboard({ secret: null });
  await page.fill('input[type=password]', 'a guess');
  await page.click('text=Sign in');
  await page.getByText('That is not the secret.').waitFor();
  assert.equal((await fetch(`${server.adminUrl}/dashboard/ticket`, { method: 'POST' })).status, 401);
  const answer = await fetch(`${server.adminUrl}/dashboard/ticket`, { method: 'POST', headers: { authorization: `Bearer ${SECRET}` } });
  const { ticket } = await answer.json();
  const open = (protocols) => new Promise((resolve) => {
    const socket = new WebSocket(`${server.adminUrl.replace('http', 'ws')}/dashboard/live`, protocols);
    socket.once('open', () => { socket.close(); resolve('open'); });
    socket.once('error', (error) => resolve(error.message));
  });
  assert.match(await open(['sluice.dashboard', 'ticket.wrong']), /401/);
  assert.equal(await open(['sluice.dashboard', `ticket.${ticket}`]), 'open');
  assert.match(await open(['sluice.dashboard', `ticket.${ticket}`]), /401/, 'used up');
});

test('a live call is shown with its layers and bit rates, and can be acted on', { timeout: 180_000 }, async () => {
  const pages = [];
  for (const name of ['Alice', 'Bob']) pages.push(await joinPage(browser, server, { name, room: 'team call', source: 'synthetic' }));
  await everyoneSeesEveryone(pages);
  const page = await openDashboard();
  await eventually('traffic is shown', async () => /Mbit|kbit/.test(await page.textContent('main')));
  await shot(page, 'overview');
  await page.click('tr[data-key="team call"]');
  const alice = await peerIdOf(pages[0]);
  await page.locator(`[data-peer="${alice}"] .layer.on`).first().waitFor();
  await eventually('layers have bit rates and sizes', async () => /\d+×\d+ · \d+ fps · [\d.]+ [km]?bit\/s/i.test(await page.textContent(`[data-peer="${alice}"]`)));
  assert.match(await page.textContent('main'), /of Bob/);
  await shot(page, 'room');
  for (const view of ['rooms', 'peers', 'workers', 'security', 'audit', 'events']) {
    await page.click(`nav a[href="#${view}"]`);
    await page.waitForTimeout(1500);
    assert.equal(await overflow(page), 0, `${view} fits`);
    await shot(page, view);
  }
  await page.goto(`${server.adminUrl}/#room/${encodeURIComponent('team call')}`);
  const bob = page.locator('section.panel', { has: page.locator('strong', { hasText: /^Bob$/ }) });
  await bob.getByRole('button', { name: 'Kick' }).click();
  await page.fill('dialog input[name=reason]', 'the meeting is over');
  await page.click('dialog button[value=go]');
  await bob.waitFor({ state: 'detached' });
  await eventually('Bob is told why', async () => /the meeting is over/.test(await pages[1].textContent('body')));

  const phone = await openDashboard({ viewport: { width: 390, height: 844 }, hash: `#room/${encodeURIComponent('team call')}`, colorScheme: 'light' });
  await phone.locator(`[data-peer="${alice}"]`).waitFor();
  assert.equal(await overflow(phone), 0, 'the phone has nothing to scroll sideways');
  await shot(phone, 'phone-room');
  await phone.click('nav a[href="#overview"]');
  await phone.waitForTimeout(1500);
  await shot(phone, 'phone-overview');
  assert.deepEqual([...page.problems, ...phone.problems], []);
});

test('names of strangers are text, rooms come and go as they do', { timeout: 90_000 }, async () => {
  const page = await openDashboard({ hash: '#rooms' });
  const guest = await member(server, '<img src=x onerror=alert(1)>', { displayName: '<b>bold</b>' });
  await page.getByText('<img src=x onerror=alert(1)>').waitFor();
  await page.click('text=New room');
  await page.fill('dialog input[name=roomId]', 'by hand');
  await page.click('dialog button[value=go]');
  await page.getByText('by hand', { exact: true }).waitFor();
  await page.click('nav a[href="#peers"]');
  await page.getByText('<b>bold</b>').waitFor();
  await guest.close();
  await (await connect(server)).close();
  assert.deepEqual(page.problems, []);
});

test('the connection comes back by itself after control died', { timeout: 90_000 }, async () => {
  const page = await openDashboard();
  await server.killOne('control');
  await page.locator('#link:not([data-state=live])').waitFor();
  await page.locator('#link[data-state=live]').waitFor({ timeout: 30_000 });
});
