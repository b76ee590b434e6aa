// Rooms that dialects share by `dialects.bridge`: real clients of three protocols see each other come and go, and hear each other.
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { roomOf } from './support/admin.mjs';
import { importWithPackages } from './support/bundle.mjs';
import { dialectMembers } from './support/dialect_members.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

// Node 18 has neither of its own.
globalThis.WebSocket ??= WebSocket;
globalThis.crypto ??= webcrypto;
let server;
let clients;
before(async () => {
  server = await startServer({ 'dialects.bridge': '[[native, protoo, partyRooms]]' });
  const snippet = (name) => importWithPackages(fileURLToPath(new URL(`../../control/page/clients/${name}.js`, import.meta.url)));
  clients = { ...await snippet('native'), ...await snippet('protoo'), ...await snippet('partykit') };
});
after(async () => { if (server) await stopCleanly(server); });

/** What somebody was told, of which the next is awaited. */
function inbox() {
  const got = [];
  let wake = () => {};
  return {
    put: (item) => { got.push(item); wake(); },
    async next(what) {
      const end = Date.now() + 10_000;
      while (got.length === 0) {
        if (Date.now() > end) throw new Error(`not told: ${what}`);
        await new Promise((resolve) => { wake = resolve; setTimeout(resolve, 100); });
      }
      return got.shift();
    },
    get rest() { return got; },
  };
}

async function native(room, name) {
  const told = inbox();
  const client = await clients.joinNatively({ server: server.socketUrl, room, name, onMessage: (message) => { if (/^(peer:|data)/.test(message.type)) told.put(message); } });
  return { ...client, told };
}
async function protoo(room, name) {
  const told = inbox();
  const client = await clients.joinByProtoo({ server: server.socketUrl.slice(0, -1), room, name, onMessage: (from, data) => told.put([from, data]) });
  client.peer.on('notification', ({ method, data }) => { if (/Peer|peerClosed/.test(method)) told.put([method, data.id ?? data.peerId]); });
  return { ...client, told };
}
async function party(room) {
  const told = inbox();
  const client = clients.joinByPartySocket({ host: new URL(server.url).host, room, onPeers: (ids) => told.put(ids), onMessage: (message) => told.put(message) });
  return { ...client, told };
}

test('members of three protocols are peers of one room', { timeout: 60_000 }, async () => {
  const ada = await native('meet', 'ada');
  const bo = await protoo('meet', 'bo');
  assert.deepEqual(bo.peers.map(({ id, displayName }) => [id, displayName]), [[ada.peerId, 'ada']], 'who comes is told of all');
  const boAtAdas = (await ada.told.next('bo came')).peer;
  assert.deepEqual([boAtAdas.metadata.peerId, boAtAdas.metadata.displayName], ['bo', 'bo']);
  const cy = await party('meet');
  assert.deepEqual(await cy.told.next('the list'), [ada.peerId, boAtAdas.id]);
  const cyAtAdas = (await ada.told.next('cy came')).peer;
  assert.equal(cyAtAdas.metadata.peerId, cy.id);
  assert.deepEqual(await bo.told.next('cy came'), ['newPeer', cyAtAdas.id]);
  assert.equal((await roomOf(server, 'meet')).peers.length, 3);

  // To everybody, each in its own form.
  ada.data({ hello: 'all' });
  assert.deepEqual(await bo.told.next('ada'), [ada.peerId, { hello: 'all' }]);
  assert.deepEqual(await cy.told.next('ada'), { hello: 'all' });
  bo.broadcast({ text: 'hi' });
  const said = await ada.told.next('bo');
  assert.deepEqual([said.from, said.payload], [boAtAdas.id, { text: 'hi' }]);
  assert.deepEqual(await cy.told.next('bo'), { text: 'hi' });
  cy.send({ description: { type: 'offer' } });
  const offered = await ada.told.next('cy');
  assert.deepEqual([offered.from, offered.payload], [cyAtAdas.id, { description: { type: 'offer' } }]);
  assert.deepEqual(await bo.told.next('cy'), [cyAtAdas.id, { description: { type: 'offer' } }]);

  // To one.
  ada.data('for bo', boAtAdas.id);
  assert.deepEqual(await bo.told.next('ada alone'), [ada.peerId, 'for bo']);
  await bo.send(ada.peerId, 'for ada');
  assert.equal((await ada.told.next('bo alone')).payload, 'for ada');
  await bo.send(cyAtAdas.id, { for: 'cy' });
  assert.deepEqual(await cy.told.next('bo alone'), { for: 'cy' });

  // Who goes is missed by all.
  cy.leave();
  assert.equal((await ada.told.next('cy left')).peerId, cyAtAdas.id);
  assert.deepEqual(await bo.told.next('cy left'), ['peerClosed', cyAtAdas.id]);
  bo.leave();
  assert.equal((await ada.told.next('bo left')).peerId, boAtAdas.id);
  assert.deepEqual([ada.told.rest, bo.told.rest, cy.told.rest], [[], [], []], 'nobody heard anything twice, or of itself');
  ada.leave();
});

test('a protocol that is in no group keeps its rooms to itself', { timeout: 30_000 }, async () => {
  const ada = await native('apart', 'ada');
  const publisher = await dialectMembers.whip(server, { room: 'apart', from: '127.0.0.1' });
  assert.equal(publisher.refused, undefined);
  assert.deepEqual((await roomOf(server, 'apart')).peers.map(({ id }) => id), [ada.peerId]);
  assert.equal((await roomOf(server, 'whip:apart')).peers.length, 1);
  await publisher.leave();
  assert.deepEqual(ada.told.rest, []);
  ada.leave();
});
