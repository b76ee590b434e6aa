// A client that goes on sending after it was muted, withdrew its consent or was put out: nobody receives a packet of it,
// whichever process dies meanwhile. (The same for capabilities and at worker level: tests/sim/enforcement_test.cpp.)
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { MediaStreamTrack } from 'werift';
import { eventually } from './support/browser.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { OpusSource, Vp8Source } from './support/made_up_media.mjs';
import { NativeClient } from './support/native_client.mjs';
import { startServer } from './support/server.mjs';
import { connected, negotiate, weriftConnection } from './support/werift_peer.mjs';

let server;
before(async () => { server = await startServer({ 'consentFlow.required': 'recording', 'consentFlow.consentTimeoutMs': 0 }); });
after(async () => {
  if (server) await stopCleanly(server);
  setTimeout(() => process.exit(), 100).unref(); // werift's timers
});

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function join(name) {
  const client = await NativeClient.connect(server);
  client.send({ type: 'join', roomId: 'r', metadata: { displayName: name } });
  const joined = await client.nextOf('room:joined');
  await client.nextOf('consent:required');
  return Object.assign(client, { peerId: joined.peerId, token: joined.reconnectToken });
}
async function resume(old) {
  await old.ended();
  const client = await eventually('the server takes connections', async () => NativeClient.connect(server).catch(() => null));
  client.send({ type: 'reconnect', roomId: 'r', token: old.token });
  const state = await client.nextOf('room:state');
  assert.equal(state.peerId, old.peerId);
  return Object.assign(client, { peerId: state.peerId, token: state.reconnectToken });
}
const say = (client, payload) => client.send({ type: 'data', payload });

test('nobody receives a packet of who is muted, has not consented, withdrew, or was kicked', { timeout: 240_000 }, async () => {
  let cheat = await join('cheat');
  let viewer = await join('viewer');
  say(viewer, { __consent: 'grant', types: ['recording'] });
  await viewer.nextOf('consent:confirmed');

  // The cheat sends from the first moment on and never stops.
  const pc = weriftConnection();
  const tracks = { audio: new MediaStreamTrack({ kind: 'audio' }), video: new MediaStreamTrack({ kind: 'video' }) };
  const transceivers = { audio: pc.addTransceiver(tracks.audio, { direction: 'sendonly' }), video: pc.addTransceiver(tracks.video, { direction: 'sendonly' }) };
  await negotiate(pc, cheat);
  const producers = [];
  for (const kind of ['audio', 'video']) {
    cheat.sfu('publish', { kind, trackId: kind, mid: transceivers[kind].mid, ...(kind === 'video' ? { layers: ['only'] } : {}) });
    producers.push(await cheat.nextOf('sfu:published'));
  }
  const pictures = new Vp8Source();
  transceivers.video.sender.onPictureLossIndication.subscribe(() => pictures.requestKeyFrame());
  const receiving = weriftConnection();
  const got = { audio: 0, video: 0 };
  receiving.onTrack.subscribe((track) => track.onReceiveRtp.subscribe(() => { ++got[track.kind]; }));
  for (const { kind } of producers) receiving.addTransceiver(kind, { direction: 'recvonly' });
  await negotiate(receiving, viewer);
  for (const { producerId } of producers) { viewer.sfu('subscribe', { producerId }); await viewer.nextOf('sfu:subscribed'); }
  await Promise.all([connected(pc), connected(receiving)]);
  const sounds = new OpusSource();
  let sent = 0;
  const timer = setInterval(() => {
    for (const rtp of pictures.nextFrame()) tracks.video.writeRtp(rtp);
    tracks.audio.writeRtp(sounds.nextPacket());
    ++sent;
  }, 20);

  const flows = async (why) => {
    const before = { ...got };
    await eventually(`media flows ${why}`, () => got.audio > before.audio + 10 && got.video > before.video + 10);
  };
  const silence = async (why, frames = 40) => {
    await pause(300); // what was on its way
    const before = { ...got };
    const sentBefore = sent;
    await eventually('it goes on sending', () => sent > sentBefore + frames);
    await pause(200); // the last of it would have come
    assert.deepEqual(got, before, why);
  };

  try {
    await silence('before consent');
    say(cheat, { __consent: 'grant', types: ['recording'] });
    await flows('after consent');

    say(viewer, { __mod: 'mute', targetId: cheat.peerId });
    await cheat.nextOf('mod:muted');
    await silence('muted');
    assert.notEqual(await server.killOne('worker'), undefined);
    await silence('muted, and the worker was killed', 100);
    assert.notEqual(await server.killOne('control'), undefined);
    await silence('muted, and control was killed', 100);
    viewer = await resume(viewer);
    cheat = await resume(cheat);
    await silence('muted, and both came back');
    say(viewer, { __mod: 'unmute', targetId: cheat.peerId });
    await flows('after the mute');

    say(cheat, { __consent: 'withdraw', types: ['recording'] });
    await cheat.nextOf('consent:withdrawn');
    await silence('consent withdrawn');
    say(cheat, { __consent: 'grant', types: ['recording'] });
    await flows('after consent was given again');

    say(viewer, { __mod: 'kick', targetId: cheat.peerId, reason: 'cheat' });
    assert.deepEqual(await cheat.ended(), { code: 1008, reason: 'cheat' });
    await silence('put out');
  } finally {
    clearInterval(timer);
    await Promise.all([pc.close(), receiving.close()]);
    viewer.close();
  }
});
