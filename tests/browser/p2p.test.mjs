// Two pages that talk to each other directly: the server relays signaling and never sees media.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { everyoneSeesEveryone, joinPage, peerIdOf, startBrowser } from './support/browser.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

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

test('two pages with ?mode=p2p see and hear each other without the SFU', { timeout: 90_000 }, async () => {
  const alice = await joinPage(browser, server, { name: 'Alice', room: 'direct', query: '&mode=p2p' });
  const bob = await joinPage(browser, server, { name: 'Bob', room: 'direct', source: 'synthetic', query: '&mode=p2p' });
  await everyoneSeesEveryone([alice, bob]);
  assert.equal(await alice.textContent('#status'), 'Connected, peer to peer');

  for (const metric of ['sluice_transports', 'sluice_forwarded_packets_total', 'sluice_datagrams_received_total']) {
    assert.equal(await server.metric(metric), 0, metric);
  }

  const gone = await peerIdOf(bob);
  await bob.click('#leave');
  await alice.locator(`.tile[data-peer="${gone}"]`).waitFor({ state: 'detached' });
  assert.deepEqual([...alice.problems, ...bob.problems], []);
});
