// What nobody honest sends, to the real ports of the real server: no answer, no harm, and counted.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import test, { after, before } from 'node:test';
import { isHealthy, roomOf } from './support/admin.mjs';
import { eventually } from './support/browser.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { NativeClient } from './support/native_client.mjs';
import { frame, rawWebSocket } from './support/raw_socket.mjs';
import { startServer } from './support/server.mjs';
import { connected, negotiate, weriftConnection } from './support/werift_peer.mjs';

const TEXT = 0x81;
const BINARY = 0x82;
const MESSAGE_BYTES_MAX = 1024 * 1024;

let server;
let processes;

before(async () => {
  server = await startServer();
  processes = ['sluice-control', 'sluice-worker', 'sluice-handshaker'].map((program) => server.pidOf(program));
});
after(async () => {
  if (server) await stopCleanly(server);
  setTimeout(() => process.exit(), 100).unref(); // timers of werift
});

// --- datagrams

/** Random bytes that are the same in every run. */
function noise(seed, length) {
  let bytes = Buffer.alloc(0);
  for (let block = 0; bytes.length < length; ++block) bytes = Buffer.concat([bytes, createHash('sha256').update(`${seed}/${block}`).digest()]);
  return bytes.subarray(0, length);
}

function bindingRequest(username) {
  const name = Buffer.from(username);
  const padded = Buffer.concat([name, Buffer.alloc((4 - (name.length % 4)) % 4)]);
  const attribute = Buffer.concat([Buffer.from([0, 6, 0, name.length]), padded]);
  const header = Buffer.alloc(20);
  header.writeUInt16BE(0x0001, 0);
  header.writeUInt16BE(attribute.length + 24, 2);
  header.writeUInt32BE(0x2112a442, 4);
  noise(username, 12).copy(header, 8);
  return Buffer.concat([header, attribute, Buffer.from([0, 8, 0, 20]), noise('integrity', 20)]);
}

function clientHello() {
  const body = Buffer.concat([Buffer.from([0xfe, 0xfd]), noise('hello', 32), Buffer.from([0, 0, 0, 2, 0xc0, 0x2b, 1, 0])]);
  const handshake = Buffer.concat([Buffer.from([1, 0, 0, body.length, 0, 0, 0, 0, 0, 0, 0, body.length]), body]);
  return Buffer.concat([Buffer.from([22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, handshake.length]), handshake]);
}

const rtp = (i) => Buffer.concat([Buffer.from([0x80, 111, i >> 8, i & 0xff]), noise(`rtp${i}`, 100)]);
const rtcp = Buffer.concat([Buffer.from([0x80, 201, 0, 1]), noise('rtcp', 4)]);
const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));

const FLOODS = {
  'random bytes': times(300, (i) => noise(i, 1 + ((i * 37) % 1400))),
  'one byte': times(40, (i) => Buffer.alloc(1, i * 6)),
  'STUN cut at every byte': times(64, (i) => bindingRequest('nobody:knows').subarray(0, i + 1)),
  'STUN with unknown ufrag': times(50, (i) => bindingRequest(`nobody${i}:knows`)),
  'STUN lying about its length': times(50, (i) => { const b = bindingRequest('a:b'); b.writeUInt16BE((i * 1311) & 0xffff, 2); return b; }),
  'DTLS without ICE': times(50, clientHello),
  'plaintext RTP': times(100, rtp),
  'plaintext RTCP': times(50, () => rtcp),
};

test('datagrams from strangers get no answer, and every one is counted as a drop', { timeout: 60_000 }, async (t) => {
  const datagrams = () => server.metric('sluice_datagrams_received_total');
  const drops = (reason = '') => server.metric('sluice_drops_total', reason && `reason="${reason}"`);
  const socket = createSocket('udp4');
  const replies = [];
  socket.on('message', (message) => replies.push(message));
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  // Empty datagrams vanish, overlong ones are counted by the engine; what comes after must still be seen.
  for (let i = 0; i < 10; ++i) {
    socket.send(Buffer.alloc(0), server.mediaPort, '127.0.0.1');
    socket.send(noise(`long${i}`, 9000), server.mediaPort, '127.0.0.1');
  }
  await eventually('overlong datagrams are counted', async () => (await drops('bad_length')) >= 10);
  for (const [what, flood] of Object.entries(FLOODS)) {
    const [receivedBefore, droppedBefore] = [await datagrams(), await drops()];
    // Small batches: a datagram lost in a full socket buffer would never be counted.
    for (let i = 0; i < flood.length; i += 50) {
      const batch = flood.slice(i, i + 50);
      await Promise.all(batch.map((bytes) => new Promise((resolve, reject) => (
        socket.send(bytes, server.mediaPort, '127.0.0.1', (error) => (error ? reject(error) : resolve()))))));
      await eventually(`${what}: taken in`, async () => (await datagrams()) >= receivedBefore + i + batch.length, 10_000, 5);
    }
    await eventually(`${what}: counted`, async () => (await drops()) >= droppedBefore + flood.length, 5000, 20)
      .catch(async (error) => { throw new Error(`${error.message}; ${(await drops()) - droppedBefore} of ${flood.length} dropped`); });
  }
  for (const reason of ['bad_length', 'unknown_class', 'unknown_tuple', 'stun_bad_integrity', 'stun_parse']) {
    t.diagnostic(`dropped as ${reason}: ${await drops(reason)}`);
  }
  assert.deepEqual(replies, [], 'nothing can be reflected off the server');
  assert.equal(await server.metric('sluice_datagrams_sent_total'), 0);
  assert.equal(await server.metric('sluice_dtls_handshakes_started_total'), 0);
  socket.close();
});

// --- WebSocket

test('messages that are no JSON objects are ignored and the connection lives', { timeout: 30_000 }, async () => {
  const client = await NativeClient.join(server, 'odd words', 'odd');
  const deep = (open, close) => open.repeat(100_000) + close.repeat(100_000);
  for (const text of [
    'null', 'true', '0', '""', '[]', '[{"type":"leave"}]', '{', '}', '{"type":', 'nonsense', '', '\u0000', '{"type":null}', '{"type":{}}',
    '{"type":"data"}', '{"type":"data","payload":null,"target":7}', '{"type":"leave","type":"leave"}', deep('[', ']'), deep('{"a":', '}'),
    `{"type":"metadata","patch":${deep('[', ']')}}`, '{"type":"offer","target":"__sfu__"}', '{"type":"data","payload":{"__sfu":{}}}',
    '{"type":"data","payload":{"__sfu":"layers","consumerId":{"$ne":1},"layer":[]}}', '{"type":"join","roomId":"elsewhere"}',
  ]) client.sendText(text);
  client.send({ type: 'metadata', patch: { still: 'here' } });
  assert.deepEqual((await client.nextOf('metadata:updated')).metadata, { displayName: 'odd', still: 'here' });
  assert.equal(client.closed, null);
  client.close();
});

const BROKEN = [
  [1007, 'text that is not UTF-8', frame(TEXT, Buffer.from([0x7b, 0xc3, 0x28, 0x7d]))],
  [1007, 'an overlong UTF-8 sequence', frame(TEXT, Buffer.from([0xc0, 0xaf]))],
  [1002, 'a reserved bit', frame(TEXT | 0x40, Buffer.from('{}'))],
  [1002, 'an unknown opcode', frame(0x83, Buffer.from('{}'))],
  [1002, 'a continuation of nothing', frame(0x80, Buffer.from('{}'))],
  [1002, 'a ping in fragments', frame(0x09, Buffer.from('x'))],
  [1009, 'a message over the limit', frame(BINARY, Buffer.alloc(MESSAGE_BYTES_MAX + 1, 0x20))],
  [1009, 'a message over the limit in fragments', Buffer.concat([
    frame(0x01, Buffer.alloc(MESSAGE_BYTES_MAX, 0x20)), frame(0x80, Buffer.alloc(1, 0x20))])],
];
for (const [code, what, bytes] of BROKEN) {
  test(`${what} closes the connection with ${code}`, { timeout: 30_000 }, async () => {
    const socket = await rawWebSocket(server);
    socket.send(bytes);
    assert.equal(await socket.ended(), code);
  });
}

test('a frame that announces an exabyte ends at the limit, too', { timeout: 30_000 }, async () => {
  const socket = await rawWebSocket(server);
  socket.send(frame(BINARY, Buffer.alloc(MESSAGE_BYTES_MAX + 1, 0x20), { length: 2 ** 60 }));
  assert.equal(await socket.ended(), 1009);
});

test('a ping longer than 125 bytes ends the connection', { timeout: 30_000 }, async () => {
  const socket = await rawWebSocket(server);
  socket.send(frame(0x89, Buffer.alloc(126)));
  // libwebsockets hangs up without a close frame here, which RFC 6455 section 7.1.7 allows.
  assert.ok([null, 1002].includes(await socket.ended()));
});

test('the longest message allowed is taken', { timeout: 30_000 }, async () => {
  const client = await NativeClient.join(server, 'long words', 'long');
  const listener = await NativeClient.join(server, 'long words', 'listener');
  const shell = JSON.stringify({ type: 'data', payload: '' });
  client.sendText(JSON.stringify({ type: 'data', payload: 'x'.repeat(MESSAGE_BYTES_MAX - shell.length) }));
  const heard = await listener.nextOf('data');
  assert.equal(heard.payload.length, MESSAGE_BYTES_MAX - shell.length);
  client.close();
  listener.close();
});

// --- session descriptions

const REPLY_LIMIT_MS = 3000; // parsing is bounded: milliseconds, and room for a busy machine

test('session descriptions made to hurt are refused quickly, with a reason', { timeout: 60_000 }, async (t) => {
  const client = await NativeClient.join(server, 'bombs', 'bomber');
  const head = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n';
  const line = 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\n';
  const bombs = {
    'no SDP at all': 'hello',
    'only line ends': '\r\n'.repeat(100_000),
    'too many lines m=': head + line.repeat(20_000),
    'too many attributes': head + line + 'a=rtpmap:96 VP8/90000\r\n'.repeat(25_000),
    'one endless line': `${head}a=${'x'.repeat(600_000)}`,
    'too many formats': `${head}m=video 9 UDP/TLS/RTP/SAVPF ${'96 '.repeat(100_000)}\r\n`,
    'too many layers': `${head}${line}a=simulcast:send ${'a;'.repeat(100_000)}\r\n`,
    'too many groups': `${head}${`a=group:BUNDLE ${'0 '.repeat(50)}\r\n`.repeat(4000)}`,
    'numbers beyond every type': head + 'm=video 99999999999999999999 UDP/TLS/RTP/SAVPF -1 4294967296\r\n',
    'NUL and control characters': `${head}${line}a=mid:\u0000\u0001\u0002\r\n`,
    'no fingerprint, no ufrag': `${head}${line}a=mid:0\r\na=rtpmap:96 VP8/90000\r\n`,
    'an object': { type: 'offer', sdp: 'v=0' },
    'a description of another kind': { type: 'rollback', sdp: '' },
  };
  let slowest = 0;
  for (const [what, sdp] of Object.entries(bombs)) {
    const start = performance.now();
    client.send({ type: 'offer', target: '__sfu__', sdp });
    const reply = await client.next((message) => ['error', 'answer'].includes(message.type));
    const took = performance.now() - start;
    slowest = Math.max(slowest, took);
    assert.equal(reply.type, 'error', `${what} was answered`);
    assert.equal(reply.code, 'SFU_OFFER_INVALID', what);
    assert.ok(reply.message.length > 0, `${what}: a reason is given`);
    assert.ok(took < REPLY_LIMIT_MS, `${what} took ${Math.round(took)} ms`);
  }
  t.diagnostic(`slowest answer: ${slowest.toFixed(1)} ms`);
  // The same client may still do it right.
  const pc = weriftConnection();
  pc.addTransceiver('audio', { direction: 'recvonly' });
  await negotiate(pc, client);
  await connected(pc);
  await pc.close();
  client.close();
});

test('after all that the same processes serve a normal call', { timeout: 30_000 }, async () => {
  assert.equal(await isHealthy(server), true);
  assert.deepEqual(['sluice-control', 'sluice-worker', 'sluice-handshaker'].map((program) => server.pidOf(program)), processes);
  const [one, two] = [await NativeClient.join(server, 'normal', 'one'), await NativeClient.join(server, 'normal', 'two')];
  one.send({ type: 'data', payload: { hello: randomBytes(4).toString('hex') } });
  assert.equal((await two.nextOf('data')).from, one.peerId);
  assert.equal((await roomOf(server, 'normal')).peers.length, 2);
  one.close();
  two.close();
});
