// Webhooks against a real receiver that fails and is slow, while control is killed and the server is stopped and started (contract
// section 35): what happened is told at least once, under one id, in order.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { eventually } from './support/browser.mjs';
import { startSink } from './support/http_sink.mjs';
import { ProtocolClient, member } from './support/protocol_client.mjs';
import { startServer } from './support/server.mjs';

const KILLS = 5;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const signature = ({ headers, body }) => `sha256=${createHmac('sha256', 's3cret').update(`${headers['x-webrtc-rooms-timestamp']}.${body}`).digest('hex')}`;

/** First sight of each event, in order of arrival; the same id must always be the same bytes, rightly signed. */
function eventsOf(requests) {
  const bodies = new Map();
  for (const request of requests) {
    const { id } = JSON.parse(request.body);
    if (bodies.has(id)) assert.equal(request.body, bodies.get(id), 'one id, one event');
    else bodies.set(id, request.body);
    assert.equal(request.headers['x-webrtc-rooms-signature'], signature(request));
  }
  return [...bodies.values()].map((body) => JSON.parse(body));
}

test('every event is delivered though control is killed and the receiver is away', { timeout: 150_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-webhooks-'));
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  // Away for a second of every three; slow enough that something is always under way when control dies.
  const sink = await startSink(async () => { await pause(5); return Date.now() % 3000 < 600 ? 503 : 204; });
  t.after(() => sink.close());
  const options = {
    'signaling.reconnectTtl': 0, 'store.path': join(folder, 'store'),
    'webhooks.endpoints': JSON.stringify([{ url: `${sink.url}/hook`, secret: 's3cret' }]), 'webhooks.dlq.maxSize': 1000,
  };
  let server = await startServer(options);
  t.after(() => server.stop().catch(() => {}));
  const joined = new Set();
  const left = new Set();
  let acting = true;
  const visit = async (number) => {
    while (acting) {
      try {
        const client = new ProtocolClient(server.socketUrl);
        await client.opened;
        await client.next('connected');
        const { peerId } = await client.join(`room-${number}`);
        joined.add(peerId);
        client.send({ type: 'leave' });
        await client.close();
      } catch { await pause(30); }
      await pause(50 + Math.random() * 100);
    }
  };
  const acts = [visit(0), visit(1)];
  for (let kill = 0; kill < KILLS; ++kill) {
    await pause(400 + Math.random() * 800);
    const pid = server.pidOf('sluice-control');
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await eventually('control runs again', () => ![pid, undefined].includes(server.pidOf('sluice-control')));
  }
  await pause(500);
  acting = false;
  await Promise.all(acts);
  assert.ok(joined.size > 20, `${joined.size} joins`);

  // An orderly end with much to tell, and the next start of the server.
  const last = await member(server, 'the-end');
  joined.add(last.id);
  left.add(last.id);
  await last.close();
  assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.log());
  server = await startServer(options);
  await eventually('all is told', async () => (await server.metric('sluice_webhooks_waiting')) === 0, 60_000);
  const events = eventsOf(sink.requests);
  const letters = await server.metric('sluice_webhooks_failed_total');
  assert.equal(letters, 0, 'nothing became a dead letter');
  const places = (type, id) => events.flatMap((event, place) => (event.type === type && event.data.peer?.id === id ? [place] : []));
  for (const id of joined) {
    assert.equal(places('peer.joined', id).length, 1, `the joining of ${id} is told under one id`);
    const [leaving] = places('peer.left', id);
    if (leaving !== undefined) assert.ok(leaving > places('peer.joined', id)[0], `${id} left after it had joined`);
  }
  for (const id of left) assert.equal(places('peer.left', id).length, 1, `the leaving of ${id} is told`);
  const times = events.map((event) => event.timestamp);
  assert.deepEqual(times, [...times].sort((a, b) => a - b), 'in the order in which it happened');
  t.diagnostic(`${joined.size} joins, ${events.length} events in ${sink.requests.length} requests over ${KILLS} kills and one restart`);
  assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.log());
});
