// Who speaks, by the levels that real browsers put into their audio packets (contract section 17 [X], RFC 6464).
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { joinPage, peerIdOf, receivedFrom, eventually, startBrowser } from './support/browser.mjs';
import { ControlProgram } from './support/control_program.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

const ROOM = 'speakers';
let folder;
let server;
let browser;
let operator;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-speakers-'));
  server = await startServer({ 'control.socket': join(folder, 'control.sock'), 'governance.port': 0, adaptiveBitrate: true });
  browser = await startBrowser();
  operator = new ControlProgram(join(folder, 'control.sock'));
});
after(async () => {
  operator?.end();
  await browser?.close();
  if (server) await stopCleanly(server);
  rmSync(folder, { recursive: true, force: true });
});

/** Runs in the page: its microphone becomes a tone whose loudness the test sets. */
async function becomeTone() {
  const context = new AudioContext();
  await context.resume();
  const tone = context.createOscillator();
  const gain = context.createGain();
  const out = context.createMediaStreamDestination();
  gain.gain.value = 0;
  tone.connect(gain).connect(out);
  tone.start();
  window.setLoudness = (value) => { gain.gain.value = value; };
  const sender = window.sluiceRoom.media.pc.getSenders().find((one) => one.track?.kind === 'audio');
  await sender.replaceTrack(out.stream.getAudioTracks()[0]);
}

test('whoever makes a sound becomes the active speaker, and a muted one does not', { timeout: 150_000 }, async () => {
  await operator.ask('events.subscribe', { events: ['speaker:changed'] });
  const alice = await joinPage(browser, server, { name: 'Alice', room: ROOM, height: 135 });
  const bob = await joinPage(browser, server, { name: 'Bob', room: ROOM, height: 135 });
  const [aliceId, bobId] = [await peerIdOf(alice), await peerIdOf(bob)];
  await eventually('they hear each other', async () => (await receivedFrom(bob, aliceId, 'audio')).packets > 20 && (await receivedFrom(alice, bobId, 'audio')).packets > 20);
  for (const page of [alice, bob]) await page.evaluate(becomeTone);
  const speaker = (id) => operator.request('event', (params) => params.event === 'speaker:changed' && params.data.roomId === ROOM && params.data.peerId === id);
  const loud = (page, value) => page.evaluate((gain) => window.setLoudness(gain), value);

  await loud(alice, 0.4);
  const first = await speaker(aliceId);
  assert.equal(typeof first.params.data.producerId, 'string');
  await loud(alice, 0);
  await loud(bob, 0.4);
  assert.equal((await speaker(bobId)).params.data.previousPeerId, aliceId);
  const consumers = (await operator.ask('abr.stats')).consumers.filter((consumer) => consumer.isActiveSpeaker);
  assert.deepEqual([...new Set(consumers.map((consumer) => consumer.peerId))], [aliceId], "Bob's streams, which Alice receives, are protected");

  // Bob is muted by a moderator and goes on; Alice, who is less loud, is heard.
  await operator.ask('moderation.mute', { roomId: ROOM, targetId: bobId });
  await loud(alice, 0.1);
  assert.equal((await speaker(aliceId)).params.data.previousPeerId, bobId);
});
