// werift as publisher and subscriber: every byte of every packet is known, so nothing may change, go missing or come twice.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { MediaStreamTrack } from 'werift';
import { roomOf } from './support/admin.mjs';
import { eventually } from './support/browser.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { OpusSource, readVp8, Vp8Source } from './support/made_up_media.mjs';
import { NativeClient } from './support/native_client.mjs';
import { startServer } from './support/server.mjs';
import { AEAD_AES_128_GCM, connected, negotiate, weriftConnection } from './support/werift_peer.mjs';

const FRAMES = 240;
const FRAME_MS = 16;
const AUDIO_PACKETS = 300;
const AUDIO_MS = 12;

let server;

before(async () => { server = await startServer(); });
after(async () => {
  if (server) await stopCleanly(server);
  // Closed werift connections keep timers of up to 30 s; the results are in by the next turn.
  setTimeout(() => process.exit(), 100).unref();
});

const every = (ms, step) => new Promise((resolve) => {
  const timer = setInterval(() => { if (!step()) { clearInterval(timer); resolve(); } }, ms);
});

/** A werift participant who publishes one video and one audio track of made-up media. */
async function publisher(room, options) {
  const client = await NativeClient.join(server, room, 'publisher');
  const pc = weriftConnection();
  const video = new MediaStreamTrack({ kind: 'video' });
  const audio = new MediaStreamTrack({ kind: 'audio' });
  const transceivers = [pc.addTransceiver(audio, { direction: 'sendonly' }), pc.addTransceiver(video, { direction: 'sendonly' })];
  await negotiate(pc, client, options);
  for (const [i, kind] of ['audio', 'video'].entries()) {
    client.sfu('publish', { kind, trackId: `made-up-${kind}`, mid: transceivers[i].mid, ...(kind === 'video' ? { layers: ['only'] } : {}) });
  }
  const producers = [await client.nextOf('sfu:published'), await client.nextOf('sfu:published')];
  const pictures = new Vp8Source();
  transceivers[1].sender.onPictureLossIndication.subscribe(() => pictures.requestKeyFrame());
  return { client, pc, video, audio, producers, pictures };
}

/** A werift participant who receives `producers`; `packets` of each kind in the order of their arrival. */
async function subscriber(room, producers) {
  const client = await NativeClient.join(server, room, 'subscriber');
  const pc = weriftConnection();
  const packets = { audio: [], video: [] };
  pc.onTrack.subscribe((track) => track.onReceiveRtp.subscribe((rtp) => packets[track.kind].push(rtp.clone())));
  for (const { kind } of producers) pc.addTransceiver(kind, { direction: 'recvonly' });
  await negotiate(pc, client);
  for (const { producerId } of producers) {
    client.sfu('subscribe', { producerId });
    const reply = await client.nextOf('sfu:subscribed');
    assert.equal(typeof reply.mid, 'string', 'a free line is named at once');
  }
  return { client, pc, packets };
}

const profileOf = (pc) => pc.dtlsTransports[0].dtls.srtp.srtpProfile;
const assertContiguous = (packets) => packets.slice(1).forEach((rtp, i) => assert.equal(
  rtp.header.sequenceNumber, (packets[i].header.sequenceNumber + 1) & 0xffff, `after packet ${i} of ${packets.length}`));

test('every packet arrives once, in order and unchanged, through AES-GCM', { timeout: 90_000 }, async () => {
  const sender = await publisher('bytes');
  const receiver = await subscriber('bytes', sender.producers);
  await Promise.all([connected(sender.pc), connected(receiver.pc)]);
  assert.equal(profileOf(sender.pc), AEAD_AES_128_GCM);
  assert.equal(profileOf(receiver.pc), AEAD_AES_128_GCM);

  const sent = { audio: [], video: [] };
  const sounds = new OpusSource();
  let frame = 0;
  let sound = 0;
  await Promise.all([
    every(FRAME_MS, () => {
      for (const rtp of sender.pictures.nextFrame()) {
        sent.video.push({ payload: Buffer.from(rtp.payload), marker: rtp.header.marker, timestamp: rtp.header.timestamp });
        sender.video.writeRtp(rtp);
      }
      return ++frame < FRAMES;
    }),
    every(AUDIO_MS, () => {
      const rtp = sounds.nextPacket();
      sent.audio.push({ payload: Buffer.from(rtp.payload), marker: rtp.header.marker, timestamp: rtp.header.timestamp });
      sender.audio.writeRtp(rtp);
      return ++sound < AUDIO_PACKETS;
    }),
  ]);
  const last = (list) => list.at(-1).payload.subarray(-80).toString('hex');
  for (const kind of ['audio', 'video']) {
    await eventually(`the last ${kind} packet arrives`, () => (
      receiver.packets[kind].length > 0 && last(receiver.packets[kind]) === last(sent[kind])));
  }

  for (const kind of ['audio', 'video']) {
    const got = receiver.packets[kind];
    assertContiguous(got);
    assert.equal(new Set(got.map((rtp) => rtp.header.ssrc)).size, 1, 'one SSRC for life');
    // The receiver comes in where the stream is when it is ready; from there on nothing is missing.
    const from = sent[kind].length - got.length;
    assert.ok(got.length > sent[kind].length / 2, `${got.length} of ${sent[kind].length} ${kind} packets`);
    const shift = (got[0].header.timestamp - sent[kind][from].timestamp) >>> 0;
    for (const [i, rtp] of got.entries()) {
      const original = sent[kind][from + i];
      assert.equal(rtp.header.marker, original.marker, `marker of ${kind} packet ${i}`);
      assert.equal((rtp.header.timestamp - original.timestamp) >>> 0, shift, `timestamp of ${kind} packet ${i}`);
      if (kind === 'audio') {
        assert.ok(rtp.payload.equals(original.payload), `bytes of audio packet ${i}`);
      } else {
        assert.ok(readVp8(rtp.payload).data.equals(readVp8(original.payload).data), `bytes of video packet ${i}`);
      }
    }
  }
  const video = receiver.packets.video.map((rtp) => readVp8(rtp.payload));
  assert.ok(video[0].start && video[0].isKey, 'a picture begins with a key frame');
  assert.deepEqual([video[0].width, video[0].height], [320, 180]);
  const pictureIds = video.filter((packet) => packet.start).map((packet) => packet.pictureId);
  pictureIds.slice(1).forEach((id, i) => assert.equal(id, (pictureIds[i] + 1) & 0x7fff, 'picture ids have no hole'));

  await Promise.all([sender.pc.close(), receiver.pc.close()]);
  sender.client.close();
  receiver.client.close();
});

test('a certificate that is not the one of the offer gives no media, and the client is told', { timeout: 60_000 }, async () => {
  const refused = () => server.metric('sluice_dtls_handshakes_failed_total');
  const before = await refused();
  const forwarded = await server.metric('sluice_forwarded_packets_total');
  const sender = await publisher('impostor', {
    changeOffer: (sdp) => sdp.replace(/(a=fingerprint:sha-256 )(\S+)/g, (_, name, value) => name + value.split(':').reverse().join(':')),
  });
  const receiver = await subscriber('impostor', sender.producers);
  await connected(receiver.pc);
  const error = await sender.client.next((message) => message.type === 'error');
  assert.equal(error.code, 'SFU_TRANSPORT_CLOSED');
  assert.ok(error.message.length > 0);
  assert.ok((await refused()) > before);
  for (let i = 0; i < 30; ++i) for (const rtp of sender.pictures.nextFrame()) sender.video.writeRtp(rtp);
  assert.equal(await server.metric('sluice_forwarded_packets_total'), forwarded);
  assert.equal(receiver.packets.video.length, 0);
  // Signaling is untouched by the failure of the media connection.
  assert.equal((await roomOf(server, 'impostor')).peers.length, 2);

  await Promise.all([sender.pc.close(), receiver.pc.close()]);
  sender.client.close();
  receiver.client.close();
});

for (const [what, pattern] of [['ice-pwd', /a=ice-pwd:\S+/g], ['ice-ufrag', /a=ice-ufrag:\S+/g]]) {
  test(`a client with a wrong ${what} of the server never connects`, { timeout: 60_000 }, async () => {
    const room = `wrong ${what}`;
    const rejected = () => server.metric('sluice_drops_total', 'reason="stun_bad_integrity"');
    const before = await rejected();
    const sender = await publisher(room, { changeAnswer: (sdp) => sdp.replace(pattern, `a=${what}:wrongwrongwrongwrongwrong`) });
    await eventually('the server has dropped its checks', async () => (await rejected()) >= before + 5);
    assert.notEqual(sender.pc.connectionState, 'connected');
    assert.equal(sender.pc.states.includes('connected'), false);
    assert.equal((await roomOf(server, room)).peers.length, 1);
    await sender.pc.close();
    sender.client.close();
  });
}

test('after all that, an honest pair connects as before', { timeout: 60_000 }, async () => {
  const sender = await publisher('honest');
  const receiver = await subscriber('honest', sender.producers);
  await Promise.all([connected(sender.pc), connected(receiver.pc)]);
  let frame = 0;
  await every(FRAME_MS, () => {
    for (const rtp of sender.pictures.nextFrame()) sender.video.writeRtp(rtp);
    return ++frame < 300 && receiver.packets.video.length < 60;
  });
  await eventually('media flows', () => receiver.packets.video.length >= 60);
  assertContiguous(receiver.packets.video);
  await Promise.all([sender.pc.close(), receiver.pc.close()]);
  sender.client.close();
  receiver.client.close();
});
