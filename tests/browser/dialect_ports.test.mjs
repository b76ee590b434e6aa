// dialects.NAME.port: a dialect's own rules for its root hold on a port of its own, and only there; the rooms are the same.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import WebSocket from 'ws';
import { appToken } from './support/wrtc_signal.mjs';
import { roomOf } from './support/admin.mjs';
import { dialectMembers } from './support/dialect_members.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { startServer } from './support/server.mjs';

const names = ['protoo', 'partyRooms', 'rtcio', 'wrtcSignal', 'whip'];
let server;
let app;
before(async () => {
  server = await startServer({ 'dialects.wrtcSignal.appSecret': 's3cr3t', 'dialects.wrtcSignal.appPass': 'pass', ...Object.fromEntries(names.map((name) => [`dialects.${name}.port`, 0])) });
  app = await appToken(server.url, 'demo', 'pass');
});
after(async () => { if (server) await stopCleanly(server); });

function own(name) {
  const port = Number(new RegExp(`dialect=${name} port=(\\d+)`).exec(server.log())[1]);
  return { url: `http://127.0.0.1:${port}/`, socketUrl: `ws://127.0.0.1:${port}/` };
}
/** The status of a refused upgrade and why, or `open` and the subprotocol. */
const upgrade = (url, protocol = []) => new Promise((resolve) => {
  const socket = new WebSocket(url, protocol);
  socket.once('open', () => { resolve(['open', socket.protocol]); socket.terminate(); });
  socket.once('unexpected-response', (request, response) => {
    resolve([response.statusCode, response.headers['x-websocket-reject-reason']]);
    response.resume();
    request.destroy();
  });
  socket.on('error', () => {});
});
const status = async (url, options) => (await fetch(url, options)).status;

test('the shared port: the page at the root, native sockets everywhere', async () => {
  assert.equal(await status(server.url), 200);
  assert.deepEqual(await upgrade(server.socketUrl), ['open', '']);
  assert.deepEqual(await upgrade(`${server.socketUrl}anything`), ['open', '']);
});

test('protoo: every path is its own, and its subprotocol is needed', async () => {
  const { url, socketUrl } = own('protoo');
  assert.equal(await status(url), 426);
  const missing = [403, 'invalid/missing Sec-WebSocket-Protocol'];
  assert.deepEqual(await upgrade(socketUrl), missing);
  assert.deepEqual(await upgrade(`${socketUrl}anything`), missing);
  assert.deepEqual(await upgrade(`${socketUrl}?roomId=r&peerId=p`, 'protoo'), ['open', 'protoo']);
});

test('PartyKit rooms: nothing but rooms', async () => {
  const { url, socketUrl } = own('partyRooms');
  assert.equal(await status(url), 404);
  assert.deepEqual(await upgrade(socketUrl), [404, undefined]);
  assert.deepEqual(await upgrade(`${socketUrl}parties/other/r`), [404, undefined]);
  assert.deepEqual(await upgrade(`${socketUrl}party/r`), ['open', '']);
});

test('rtc.io and wrtc-signal: 404, and 401 at the root of the one with a password', async () => {
  const [rtcio, wrtc] = [own('rtcio').url, own('wrtcSignal').url];
  assert.deepEqual([await status(rtcio), await status(`${rtcio}app`), await status(`${rtcio}demo`)], [404, 404, 404]);
  assert.deepEqual([await status(wrtc), await status(`${wrtc}nowhere`), await status(`${wrtc}demo`)], [401, 404, 200]);
  assert.deepEqual(await upgrade(own('wrtcSignal').socketUrl), [404, undefined]);
});

test('WHIP: nothing but endpoints and sessions', async () => {
  const { url, socketUrl } = own('whip');
  assert.deepEqual([await status(url), await status(`${url}style.css`), await status(`${url}whip/r`)], [404, 404, 204]);
  assert.equal(await status(`${url}whep/r`, { method: 'HEAD' }), 200);
  assert.deepEqual(await upgrade(socketUrl), [404, undefined]);
});

for (const name of names) {
  test(`${name}: who comes by its own port and who comes by the shared one meet`, { timeout: 30_000 }, async () => {
    const options = { room: 'meeting', from: '127.0.0.1', appToken: app };
    const members = [await dialectMembers[name](own(name), options), await dialectMembers[name](server, options)];
    for (const member of members) assert.equal(member.refused, undefined, JSON.stringify(member.refused));
    assert.equal((await roomOf(server, `${name === 'whip' ? '' : `${name}:`}meeting`)).peers.length, 2);
    for (const member of members) await member.leave();
  });
}
