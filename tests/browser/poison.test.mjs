// A packet that kills the worker: the first time its session gets the benefit of the doubt, the second time it is shut out,
// with an alert, and everybody else goes on. The server is the real one; only its worker (poison_worker_program) aborts at a
// certain payload.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { after, before } from 'node:test';
import { MediaStreamTrack } from 'werift';
import { eventually } from './support/browser.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { OpusSource } from './support/made_up_media.mjs';
import { NativeClient } from './support/native_client.mjs';
import { binariesOfTests, startServer } from './support/server.mjs';
import { connected, negotiate, weriftConnection } from './support/werift_peer.mjs';

const ROOM = 'poisoned';
const POISON = Buffer.from('sluice-poison-packet');

let folder;
let server;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-poison-'));
  // `sluice` starts the programs that lie beside it, wherever a link to it leads: so it is copied.
  copyFileSync(join(binariesOfTests, 'sluice'), join(folder, 'sluice'));
  for (const name of ['sluice-control', 'sluice-handshaker', 'sluice-keeper']) symlinkSync(resolve(binariesOfTests, name), join(folder, name));
  symlinkSync(resolve(binariesOfTests, 'poison_worker_program'), join(folder, 'sluice-worker'));
  server = await startServer({}, { binaries: folder });
});
after(async () => {
  if (server) await stopCleanly(server, { allow: [/ALERT/, /predecessor died/] });
  rmSync(folder, { recursive: true, force: true });
  setTimeout(() => process.exit(), 100).unref();
});

async function publisher(name) {
  const client = await NativeClient.join(server, ROOM, name);
  const pc = weriftConnection();
  const audio = new MediaStreamTrack({ kind: 'audio' });
  const transceiver = pc.addTransceiver(audio, { direction: 'sendonly' });
  await negotiate(pc, client);
  client.sfu('publish', { kind: 'audio', trackId: name, mid: transceiver.mid });
  const producer = await client.nextOf('sfu:published');
  const sounds = new OpusSource();
  const timer = setInterval(() => audio.writeRtp(sounds.nextPacket()), 20);
  const sendPoison = () => {
    const rtp = sounds.nextPacket();
    rtp.payload = Buffer.concat([rtp.payload.subarray(0, 1), POISON]);
    audio.writeRtp(rtp);
  };
  return { client, pc, producer, sendPoison, stop: () => clearInterval(timer) };
}

async function subscriber(producers) {
  const client = await NativeClient.join(server, ROOM, 'listener');
  const pc = weriftConnection();
  const packets = new Map();
  pc.onTrack.subscribe((track) => track.onReceiveRtp.subscribe((rtp) => (
    packets.set(rtp.header.ssrc, [...(packets.get(rtp.header.ssrc) ?? []), performance.now()]))));
  for (const _ of producers) pc.addTransceiver('audio', { direction: 'recvonly' });
  await negotiate(pc, client);
  for (const { producerId } of producers) {
    client.sfu('subscribe', { producerId });
    await client.nextOf('sfu:subscribed');
  }
  const flowing = () => [...packets.values()].filter((times) => performance.now() - times.at(-1) < 200).length;
  return { client, pc, packets, flowing };
}

test('two deaths of the worker by one session quarantine it, and all others go on', { timeout: 90_000 }, async () => {
  const good = await publisher('good');
  const bad = await publisher('bad');
  const listener = await subscriber([good.producer, bad.producer]);
  await Promise.all([connected(good.pc), connected(bad.pc), connected(listener.pc)]);
  await eventually('both are heard', () => listener.flowing() === 2);

  const first = server.pidOf('sluice-worker');
  bad.sendPoison();
  await eventually('a successor is there', () => ![undefined, first].includes(server.pidOf('sluice-worker')));
  await eventually('both are heard again', () => listener.flowing() === 2);
  assert.equal(await server.metric('sluice_sessions_blamed_total'), 1);
  assert.equal(await server.metric('sluice_sessions_quarantined_total'), 0);

  const second = server.pidOf('sluice-worker');
  bad.sendPoison();
  const told = await bad.client.next((message) => message.type === 'error');
  assert.equal(told.code, 'SFU_TRANSPORT_CLOSED');
  assert.notEqual(server.pidOf('sluice-worker'), second);
  await eventually('only the good one is heard', () => listener.flowing() === 1);
  assert.equal(await server.metric('sluice_sessions_quarantined_total'), 1);
  assert.match(server.log(), /ALERT: a session was quarantined/);

  // It may say what it wants now: nobody dies of it.
  const third = server.pidOf('sluice-worker');
  for (let i = 0; i < 20; ++i) bad.sendPoison();
  await new Promise((done) => { setTimeout(done, 500); });
  assert.equal(server.pidOf('sluice-worker'), third);
  assert.equal(listener.flowing(), 1);
  assert.equal(await server.metric('sluice_worker_adoptions_total'), 2);
  good.stop();
  bad.stop();
  await Promise.all([good, bad, listener].map(({ pc }) => pc.close()));
  for (const { client } of [good, bad, listener]) client.close();
});
