// SFU signalling (contract section 15) on the wire, against the real server; no media.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { stopCleanly } from './support/log_check.mjs';
import { connect, member, members } from './support/protocol_client.mjs';
import { startServer } from './support/server.mjs';

let server;
before(async () => { server = await startServer({ 'signaling.reconnectTtl': 0, 'workers.count': 2 }); });
after(async () => { if (server) await stopCleanly(server); });

const closeAll = (clients) => Promise.all(clients.map((client) => client.close()));

async function publish(client, fields) {
  client.data({ __sfu: 'publish', ...fields });
  return client.next('sfu:published');
}
async function subscribe(client, producerId) {
  client.data({ __sfu: 'subscribe', producerId });
  return client.next('sfu:subscribed');
}

test('sfu:ready follows room:joined and names what is there', async () => {
  const alice = await connect(server);
  await alice.join('ready');
  assert.deepEqual(await alice.next(), {
    type: 'sfu:ready', roomId: 'ready', region: 'default', simulcastEnabled: true, existingProducers: [],
    iceConfig: { listenIp: '127.0.0.1', announcedIp: '127.0.0.1', minPort: server.mediaPort, maxPort: server.mediaPort + 1 },
    media: { peerId: '__sfu__', iceLite: true },
  });
  const { producerId } = await publish(alice, { kind: 'video', trackId: 'cam' });
  const bob = await connect(server);
  await bob.join('ready');
  const [existing] = (await bob.next('sfu:ready')).existingProducers;
  assert.deepEqual(existing, { peerId: alice.id, producerId, kind: 'video', trackId: 'cam', layers: ['low', 'mid', 'high'], paused: false });
  await closeAll([alice, bob]);
});

test('publishing is answered and told', async () => {
  const [alice, bob] = await members(server, 'publish', 2);
  const wanted = [
    [{ kind: 'video' }, ['low', 'mid', 'high']], [{ kind: 'video', layers: ['s', 'l'] }, ['s', 'l']], [{ kind: 'video', layers: [] }, ['low', 'mid', 'high']],
    [{ kind: 'audio', trackId: 'mic' }, []], [{ kind: 'data' }, []],
  ];
  for (const [fields, layers] of wanted) {
    const published = await publish(alice, fields);
    assert.deepEqual(published, { type: 'sfu:published', producerId: published.producerId, kind: fields.kind, trackId: fields.trackId ?? published.producerId });
    assert.deepEqual(await bob.next(),
      { type: 'sfu:peer:published', peerId: alice.id, producerId: published.producerId, kind: fields.kind, trackId: published.trackId, layers });
  }
  for (const kind of ['screen', 5, null, '']) {
    alice.data({ __sfu: 'publish', kind });
    assert.deepEqual(await alice.next(), { type: 'error', code: 'SFU_INVALID_KIND', kind });
  }
  for (const action of ['dance', 7, ['publish'], { a: 1 }]) {
    alice.data({ __sfu: action }, bob.id);
    assert.deepEqual(await alice.next(), { type: 'error', code: 'SFU_UNKNOWN_ACTION', action });
  }
  await bob.expectQuiet(alice);
  await closeAll([alice, bob]);
});

test('subscribing, its layer, and both ends of it', async () => {
  const [alice, bob, carol] = await members(server, 'subscribe', 3);
  const { producerId } = await publish(alice, { kind: 'video', trackId: 'cam', layers: ['s', 'm', 'l'] });
  for (const other of [bob, carol]) await other.next('sfu:peer:published');
  const consumer = await subscribe(bob, producerId);
  assert.deepEqual(consumer, { type: 'sfu:subscribed', consumerId: consumer.consumerId, producerId, publisherId: alice.id, kind: 'video', trackId: 'cam', activeLayer: 'l' });
  const { consumerId } = consumer;
  const other = await subscribe(carol, producerId);
  bob.data({ __sfu: 'layers', consumerId, layer: 'm' });
  assert.deepEqual(await bob.next(), { type: 'sfu:layer:changed', consumerId, layer: 'm' });
  bob.data({ __sfu: 'layers', consumerId, layer: 'huge' });
  assert.deepEqual(await bob.next(), { type: 'error', code: 'SFU_INVALID_LAYER', layer: 'huge', available: ['s', 'm', 'l'] });
  bob.data({ __sfu: 'layers', consumerId: other.consumerId, layer: 's' });
  bob.data({ __sfu: 'layers', consumerId: 'cons-x', layer: 's' });
  await bob.expectQuiet();
  alice.data({ __sfu: 'subscribe', producerId });
  await alice.error('SFU_CANNOT_SUBSCRIBE_OWN');
  bob.data({ __sfu: 'subscribe', producerId: 'prod-x' });
  assert.deepEqual(await bob.next(), { type: 'error', code: 'SFU_PRODUCER_NOT_FOUND', producerId: 'prod-x' });

  for (const [action, reply] of [['pause', 'sfu:paused'], ['resume', 'sfu:resumed']]) {
    bob.data({ __sfu: action, producerId });
    alice.data({ __sfu: action, producerId });
    for (const client of [alice, bob, carol]) assert.deepEqual(await client.next(), { type: reply, producerId });
    alice.data({ __sfu: action, producerId: 'prod-x' });
  }
  for (const client of [alice, bob, carol]) await client.expectQuiet(alice);

  bob.data({ __sfu: 'unpublish', producerId });
  assert.deepEqual(await bob.next(), { type: 'error', code: 'SFU_NOT_OWNER', producerId });
  bob.data({ __sfu: 'unsubscribe', consumerId });
  assert.deepEqual(await bob.next(), { type: 'sfu:unsubscribed', consumerId });
  alice.data({ __sfu: 'unpublish', producerId });
  assert.deepEqual(await alice.drain(), [{ type: 'sfu:unpublished', producerId }, { type: 'sfu:peer:unpublished', peerId: alice.id, producerId, kind: 'video' }]);
  assert.deepEqual(await carol.drain(), [{ type: 'sfu:consumer:closed', consumerId: other.consumerId, producerId },
    { type: 'sfu:peer:unpublished', peerId: alice.id, producerId, kind: 'video' }]);
  assert.deepEqual((await bob.drain()).map((m) => m.type), ['sfu:peer:unpublished']);
  alice.data({ __sfu: 'unpublish', producerId });
  assert.deepEqual(await alice.next(), { type: 'sfu:unpublished', producerId });
  await closeAll([alice, bob, carol]);
});

test('a publisher that goes takes its producers along, a subscriber its consumers', async () => {
  const [alice, bob, carol] = await members(server, 'going', 3);
  const { producerId } = await publish(alice, { kind: 'audio' });
  await bob.next('sfu:peer:published');
  const { consumerId, activeLayer } = await subscribe(bob, producerId);
  assert.equal(activeLayer, '');
  for (const client of [bob, carol]) await client.drain();
  alice.send({ type: 'leave' });
  const about = async (client, count) => {
    const seen = [];
    while (seen.length < count) seen.push((await client.next()).type);
    await client.expectQuiet();
    return seen.sort();
  };
  assert.deepEqual(await about(bob, 3), ['peer:left', 'sfu:consumer:closed', 'sfu:peer:unpublished']);
  assert.deepEqual(await about(carol, 2), ['peer:left', 'sfu:peer:unpublished']);
  bob.data({ __sfu: 'layers', consumerId, layer: 'low' });
  await bob.expectQuiet();
  await alice.join('going');
  assert.deepEqual((await alice.next('sfu:ready')).existingProducers, []);
  await closeAll([alice, bob, carol]);
});

test('a producer of another room is unknown', async () => {
  const alice = await member(server, 'one');
  const bob = await member(server, 'two');
  const { producerId } = await publish(alice, { kind: 'audio' });
  bob.data({ __sfu: 'subscribe', producerId });
  await bob.error('SFU_PRODUCER_NOT_FOUND');
  bob.data({ __sfu: 'unpublish', producerId });
  assert.deepEqual(await bob.next(), { type: 'sfu:unpublished', producerId });
  bob.data({ __sfu: 'pause', producerId });
  await bob.expectQuiet();
  await alice.expectQuiet();
  await subscribeAndCheckAlive(alice, producerId);
  await closeAll([alice, bob]);
});
async function subscribeAndCheckAlive(owner, producerId) {
  const other = await member(server, owner.room);
  await owner.next('peer:joined');
  await subscribe(other, producerId);
  await other.close();
}

test('offers to __sfu__ that are none are refused, candidates are taken silently', async () => {
  const [alice, bob] = await members(server, 'offers', 2);
  for (const sdp of ['nonsense', 5, { type: 'offer', sdp: 'v=0\r\n' }, {}]) {
    alice.send({ type: 'offer', target: '__sfu__', sdp });
    assert.equal(typeof (await alice.error('SFU_OFFER_INVALID')).message, 'string');
  }
  alice.send({ type: 'ice-candidate', target: '__sfu__', candidate: { candidate: 'x' } });
  alice.send({ type: 'answer', target: '__sfu__', sdp: 'v=0' });
  await alice.expectQuiet();
  for (let i = 0; i < 115; ++i) alice.send({ type: 'offer', target: '__sfu__', sdp: 'nonsense' });
  for (let i = 0; i < 115; ++i) await alice.error('SFU_OFFER_INVALID');
  alice.send({ type: 'offer', target: '__sfu__', sdp: 'nonsense' });
  await alice.error('RATE_LIMITED');
  await bob.expectQuiet(alice);
  await closeAll([alice, bob]);
});

test('without nativeSfu its payloads are application data', { timeout: 30_000 }, async () => {
  const plain = await startServer({ nativeSfu: false });
  const alice = await connect(plain);
  await alice.join('plain');
  const bob = await connect(plain);
  await bob.join('plain');
  await alice.next('peer:joined');
  alice.send('{"type":"data","payload":{"__sfu":"publish","kind":"video","n":1.0}}');
  assert.equal(await bob.nextRaw(), `{"type":"data","from":"${alice.id}","payload":{"__sfu":"publish","kind":"video","n":1.0}}`);
  alice.send({ type: 'offer', target: '__sfu__', sdp: 'v=0' });
  await alice.expectQuiet();
  await bob.expectQuiet();
  await stopCleanly(plain);
});

test('relayControlPayloads sends the raw copy after the module', { timeout: 30_000 }, async () => {
  const relaying = await startServer({ 'signaling.relayControlPayloads': true });
  const [alice, bob] = await members(relaying, 'relay', 2);
  alice.data({ __sfu: 'publish', kind: 'audio' });
  assert.deepEqual((await bob.drain(alice)).map((m) => m.type), ['sfu:peer:published', 'data']);
  await stopCleanly(relaying);
});
