// WHIP and WHEP: pages of another origin that speak them by fetch, werift as an independent client, and participants of the
// native protocol in the same room.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import test, { after, before } from 'node:test';
import { MediaStreamTrack } from 'werift';
import { isHealthy, kick, roomOf } from './support/admin.mjs';
import { eventually, joinPage, receivedFrom, startBrowser } from './support/browser.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { readVp8, Vp8Source } from './support/made_up_media.mjs';
import { NativeClient } from './support/native_client.mjs';
import { startServer } from './support/server.mjs';
import { connected, weriftConnection } from './support/werift_peer.mjs';
import { closeSession, openSession, patchSession } from './support/whip_client.mjs';

let server;
let browser;
let site; // an origin of its own, as every player's page has
let siteUrl;

before(async () => {
  const client = readFileSync(new URL('./support/whip_client.mjs', import.meta.url));
  site = createServer((request, response) => {
    const isScript = request.url === '/whip_client.mjs';
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
    response.end(isScript ? client : '<!doctype html><title>player</title><video autoplay muted playsinline></video>');
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  siteUrl = `http://127.0.0.1:${site.address().port}/`;
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  site?.close();
  if (server) await stopCleanly(server);
  setTimeout(() => process.exit(), 100).unref(); // closed werift connections keep timers
});

const endpoint = (kind, room) => `${server.url}${kind}/${encodeURIComponent(room)}`;

async function openSite() {
  const page = await (await browser.newContext()).newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  await page.goto(siteUrl);
  return page;
}

/** A page that sends camera (three layers) and microphone by WHIP. */
async function publishingPage(room) {
  const page = await openSite();
  const answer = await page.evaluate(async (url) => {
    const whip = window.whip = await import('/whip_client.mjs');
    const pc = window.pc = new RTCPeerConnection();
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360 }, audio: true });
    const [video] = stream.getVideoTracks();
    video.contentHint = 'motion';
    pc.addTransceiver(stream.getAudioTracks()[0], { direction: 'sendonly', streams: [stream] });
    pc.addTransceiver(video, {
      direction: 'sendonly', streams: [stream],
      sendEncodings: [{ rid: 'l', scaleResolutionDownBy: 4 }, { rid: 'm', scaleResolutionDownBy: 2 }, { rid: 'h' }],
    });
    window.session = await whip.openSession(url, pc);
    return window.session.answer;
  }, endpoint('whip', room));
  return { page, answer };
}

/** A page that plays the room by WHEP. */
async function playingPage(room, query = '') {
  const page = await openSite();
  await page.evaluate(async (url) => {
    const whip = window.whip = await import('/whip_client.mjs');
    const pc = window.pc = new RTCPeerConnection();
    const stream = new MediaStream();
    pc.ontrack = (event) => stream.addTrack(event.track);
    document.querySelector('video').srcObject = stream;
    pc.addTransceiver('audio', { direction: 'recvonly' });
    pc.addTransceiver('video', { direction: 'recvonly' });
    window.session = await whip.openSession(url, pc);
  }, `${endpoint('whep', room)}${query}`);
  return page;
}

const framesOf = (page) => page.evaluate(async () => {
  for (const stat of (await window.pc.getStats()).values()) if (stat.type === 'inbound-rtp' && stat.kind === 'video') return stat.framesDecoded ?? 0;
  return 0;
});
async function goesOn(page, what, more = 15) {
  const from = await framesOf(page);
  await eventually(what, async () => (await framesOf(page)) >= from + more, 45_000);
}
const dialectsIn = async (room) => (await roomOf(server, room))?.peers.length ?? 0;

test('a page publishes three layers, one plays them, a native participant is in the same room, and control dies meanwhile', { timeout: 200_000 }, async () => {
  const ROOM = 'stage one';
  const { page: publisher, answer } = await publishingPage(ROOM);
  assert.match(answer, /a=simulcast:recv l;m;h/, 'the answer takes all layers');
  assert.doesNotMatch(answer, /a=(sendonly|sendrecv)/);
  const [whipId] = (await roomOf(server, ROOM)).peers.map((peer) => peer.id);
  await eventually('all three layers are sent', async () => publisher.evaluate(async () => {
    const rids = new Set();
    for (const stat of (await window.pc.getStats()).values()) if (stat.type === 'outbound-rtp' && stat.kind === 'video' && stat.packetsSent > 0) rids.add(stat.rid);
    return rids.size === 3;
  }), 45_000);

  const viewer = await playingPage(ROOM);
  await goesOn(viewer, 'the player decodes');
  const native = await joinPage(browser, server, { name: 'Native', room: ROOM });
  const sees = async (what, more = 15) => {
    const from = (await receivedFrom(native, whipId, 'video')).frames;
    await eventually(what, async () => (await receivedFrom(native, whipId, 'video')).frames >= from + more, 45_000);
  };
  await sees('the native participant sees the WHIP publisher');
  assert.equal(await dialectsIn(ROOM), 3);

  assert.equal(await publisher.evaluate(() => window.whip.trickle(window.session, window.pc).then((reply) => reply.status)), 204);
  await publisher.evaluate(() => window.whip.restartIce(window.session, window.pc));
  await goesOn(viewer, 'the player decodes after an ICE restart of the publisher');

  await server.killOne('control');
  await goesOn(viewer, 'the player decodes while control is dead or just back');
  await eventually('control serves again', () => isHealthy(server));
  await eventually('the sessions are still there', async () => {
    const url = await viewer.evaluate(() => window.session.url);
    return (await fetch(url).catch(() => null))?.status === 204;
  });
  await sees('the native participant sees it still');
  assert.equal(await publisher.evaluate(() => window.whip.trickle(window.session, window.pc).then((reply) => reply.status)), 204);
  await new Promise((resolve) => { setTimeout(resolve, 16_000); }); // longer than any hold time: nobody has to come back
  await goesOn(viewer, 'the player decodes on');

  assert.equal(await publisher.evaluate(() => window.whip.closeSession(window.session)), 200);
  assert.equal(await publisher.evaluate(() => window.whip.closeSession(window.session)), 404);
  await eventually('the publisher is out of the room', async () => !(await roomOf(server, ROOM)).peers.some((peer) => peer.id === whipId));
  // The player goes on with the only picture that is left.
  await goesOn(viewer, 'the player decodes the native participant');
  assert.deepEqual([...publisher.problems, ...viewer.problems], []);
  await Promise.all([publisher, viewer, native].map((page) => page.context().close()));
});

/** werift that publishes made-up pictures by WHIP; `stop` ends the pictures. */
async function weriftPublisher(room, options) {
  const pc = weriftConnection();
  const video = new MediaStreamTrack({ kind: 'video' });
  const transceiver = pc.addTransceiver(video, { direction: 'sendonly' });
  const session = await openSession(endpoint('whip', room), pc, options);
  const pictures = new Vp8Source();
  transceiver.sender.onPictureLossIndication.subscribe(() => pictures.requestKeyFrame());
  await connected(pc);
  const timer = setInterval(() => { for (const rtp of pictures.nextFrame()) video.writeRtp(rtp); }, 33);
  return { pc, session, stop: () => clearInterval(timer) };
}

async function weriftPlayer(room, query = '') {
  const pc = weriftConnection();
  const packets = [];
  pc.onTrack.subscribe((track) => track.onReceiveRtp.subscribe((rtp) => packets.push(rtp.clone())));
  pc.addTransceiver('video', { direction: 'recvonly' });
  const session = await openSession(`${endpoint('whep', room)}${query}`, pc);
  await connected(pc);
  return { pc, session, packets };
}

test('an independent client publishes and plays; the player gets the next publisher when one ends', { timeout: 120_000 }, async () => {
  const ROOM = 'made/up';
  const first = await weriftPublisher(ROOM);
  const player = await weriftPlayer(ROOM);
  const frames = () => player.packets.filter((rtp) => readVp8(rtp.payload).start).length;
  await eventually('pictures arrive', () => frames() > 30);
  const begin = readVp8(player.packets[0].payload);
  assert.ok(begin.start && begin.isKey);

  const second = await weriftPublisher(ROOM);
  const watcher = await NativeClient.join(server, ROOM, 'watcher');
  assert.equal(watcher.existing.length, 2, 'native participants see both');
  assert.equal(await closeSession(first.session), 200);
  const before = frames();
  await eventually('pictures of the second publisher arrive', () => frames() > before + 30);
  assert.equal(new Set(player.packets.map((rtp) => rtp.header.ssrc)).size, 1, 'one SSRC for life');

  await kick(server, (await roomOf(server, ROOM)).peers[0].id, 'enough');
  const ended = [];
  for (const { session } of [second, player]) ended.push((await fetch(session.url)).status);
  assert.equal(ended.filter((status) => status === 404).length, 1, 'who is put out has no session');
  first.stop();
  second.stop();
  await Promise.all([first, second, player].map(({ pc }) => pc.close()));
  watcher.close();
});

test('a session ends with its media', { timeout: 150_000 }, async () => {
  const ROOM = 'lost';
  const { page } = await publishingPage(ROOM);
  await eventually('its media is up', () => page.evaluate(() => window.pc.connectionState === 'connected'));
  const url = await page.evaluate(() => window.session.url);
  await page.context().close(); // says nothing by HTTP
  await eventually('the room is gone', async () => (await roomOf(server, ROOM)) === null, 100_000);
  assert.equal((await fetch(url)).status, 404);
});

test('what is refused says why, to pages as well', { timeout: 60_000 }, async () => {
  const page = await openSite();
  const reply = await page.evaluate(async (url) => {
    const response = await fetch(url, { method: 'POST', body: 'v=0\r\n', headers: { 'content-type': 'application/sdp' } });
    return { status: response.status, problem: await response.json() };
  }, endpoint('whip', 'r'));
  assert.equal(reply.status, 400);
  assert.match(reply.problem.detail, /./);
  const empty = await fetch(endpoint('whep', 'nobody there'), { method: 'POST', body: 'v=0', headers: { 'content-type': 'application/sdp' } });
  assert.equal(empty.status, 400);
  assert.equal((await patchSession({ url: `${server.url}whip/sessions/unknown` }, '', '*')).status, 404);
  assert.equal((await fetch(endpoint('whep', 'r'), { method: 'HEAD' })).headers.get('content-type'), 'application/sdp');
  await page.context().close();
});
