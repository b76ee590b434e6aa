// Metrics, webhooks, alerts, traces on the wire, against the real server and a real HTTP sink (contract sections 26 to 29, 35).
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startSink } from './support/http_sink.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { connect, member, members } from './support/protocol_client.mjs';
import { startServer } from './support/server.mjs';

const page = readFileSync(fileURLToPath(new URL('../../docs/metrics.md', import.meta.url)), 'utf8');
const bodies = (requests) => requests.map((request) => JSON.parse(request.body));

let webhookSink;
let failingSink;
let alertSink;
let traceSink;
let failures = 0;
let server;
before(async () => {
  webhookSink = await startSink();
  failingSink = await startSink(() => (failures++ < 2 ? 500 : 200));
  alertSink = await startSink();
  traceSink = await startSink((request, number) => (number === 0 ? 503 : 200));
  server = await startServer({
    'signaling.reconnectTtl': 0,
    'webhooks.endpoints': JSON.stringify([{ url: `${webhookSink.url}/hook`, secret: 's3cret' }, { url: `${failingSink.url}/bad`, events: ['room.created'] }]),
    'alertManager.channels': JSON.stringify([{ type: 'console' }, { type: 'webhook', url: `${alertSink.url}/alert`, events: ['slo:breach', 'slo:recovery', 'threat:signal_flood'] }]),
    'healthMonitor.slos': JSON.stringify([{ name: 'peers', target: 2, op: '<=', severity: 'critical' }]),
    'healthMonitor.checkIntervalMs': 1000,
    'tracer.otlpUrl': `${traceSink.url}/v1/traces`,
    'tracer.otlpHeaders': JSON.stringify({ authorization: 'Bearer x' }),
    'tracer.serviceName': 'test-service',
    adaptiveBitrate: true,
    threatDetector: true,
    'signaling.maxPeersPerRoom': 10,
  });
});
after(async () => {
  try {
    if (server) await stopCleanly(server, { allow: [/message="alert"/] });
  } finally {
    await Promise.all([webhookSink, failingSink, alertSink, traceSink].map((sink) => sink?.close()));
  }
});

test('webhooks come once, in order, signed over the very bytes', async () => {
  const alice = await member(server, 'hooked', { displayName: 'Alice' });
  await alice.close();
  const requests = (await webhookSink.until(4, (request) => request.body.includes('"hooked"')));
  assert.deepEqual(bodies(requests).map((event) => event.type), ['room.created', 'peer.joined', 'peer.left', 'room.destroyed']);
  assert.equal(new Set(bodies(requests).map((event) => event.id)).size, 4);
  for (const { method, path, headers, body } of requests) {
    const event = JSON.parse(body);
    assert.deepEqual([method, path, headers['content-type'], headers['user-agent']], ['POST', '/hook', 'application/json', 'webrtc-rooms-webhook/1.0']);
    assert.equal(headers['x-webrtc-rooms-timestamp'], String(event.timestamp));
    assert.equal(headers['x-webrtc-rooms-signature'], `sha256=${createHmac('sha256', 's3cret').update(`${event.timestamp}.${body}`).digest('hex')}`);
    assert.deepEqual(Object.keys(event).sort(), ['data', 'id', 'timestamp', 'type']);
  }
  const [, joined] = bodies(requests);
  assert.deepEqual(joined.data.peer, { id: alice.id, roomId: 'hooked', state: 'joined', metadata: { displayName: 'Alice' } });
  assert.deepEqual(Object.keys(joined.data.room).sort(), ['createdAt', 'id', 'metadata', 'peerCount']);
});

test('a failing endpoint is tried again after two and four seconds with the same bytes, and delays nobody', async () => {
  const first = (await failingSink.until(1))[0];
  const tries = await failingSink.until(3, (request) => request.body === first.body);
  const waits = [tries[1].at - tries[0].at, tries[2].at - tries[1].at];
  assert.ok(waits[0] >= 1900 && waits[0] < 4000, `first retry after ${waits[0]} ms`);
  assert.ok(waits[1] >= 3900 && waits[1] < 7000, `second retry after ${waits[1]} ms`);
  for (const header of ['x-webrtc-rooms-timestamp']) assert.equal(tries[2].headers[header], tries[0].headers[header]);
  assert.ok(webhookSink.requests.length >= 4, 'the other endpoint did not wait');
});

test('a broken objective alerts once, and once more when it is met again', async () => {
  const clients = await members(server, 'crowd', 3);
  const [breach] = bodies(await alertSink.until(1));
  assert.deepEqual(Object.keys(breach).sort(), ['context', 'event', 'id', 'message', 'recovered', 'severity', 'ts']);
  assert.deepEqual([breach.event, breach.severity, breach.recovered, breach.context.slo], ['slo:breach', 'critical', false, 'peers']);
  assert.match(breach.id, /^alert-\d+$/);
  assert.deepEqual([alertSink.requests[0].path, alertSink.requests[0].headers['user-agent']], ['/alert', 'webrtc-rooms-alert/2.0']);
  await Promise.all(clients.map((client) => client.close()));
  const [, recovery] = bodies(await alertSink.until(2));
  assert.deepEqual([recovery.event, recovery.severity, recovery.recovered], ['slo:recovery', 'info', true]);
  assert.equal(alertSink.requests.length, 2);
  assert.match(server.log(), /message="alert".* event=slo:breach /);
});

test('a threat becomes an alert', async () => {
  const client = await member(server, 'flooded');
  for (let i = 0; i < 120; ++i) client.data(i);
  await client.closed;
  const [alert] = bodies(await alertSink.until(1, (request) => request.body.includes('threat:signal_flood')));
  assert.deepEqual([alert.event, alert.severity, alert.context.threat, alert.context.ip], ['threat:signal_flood', 'critical', 'signal_flood', '127.0.0.1']);
});

test('spans are exported as OTLP/HTTP JSON, one trace for each peer, and again when the collector was away', async () => {
  const requests = await traceSink.until(2);
  assert.equal(requests[0].body, requests[1].body, 'the refused batch comes again as it was');
  assert.deepEqual([requests[1].path, requests[1].headers['content-type'], requests[1].headers.authorization], ['/v1/traces', 'application/json', 'Bearer x']);
  const [resource] = JSON.parse(requests[1].body).resourceSpans;
  assert.deepEqual(resource.resource.attributes, [{ key: 'service.name', value: { stringValue: 'test-service' } }]);
  const { spans } = resource.scopeSpans[0];
  const join = spans.find((span) => span.name === 'peer.join');
  const attribute = (span, key) => span.attributes.find((entry) => entry.key === key)?.value.stringValue;
  const ofPeer = spans.filter((span) => attribute(span, 'peerId') === attribute(join, 'peerId'));
  assert.ok(ofPeer.length >= 2);
  assert.equal(new Set(ofPeer.map((span) => span.traceId)).size, 1);
  for (const span of spans) {
    assert.match(span.traceId, /^[0-9a-f]{32}$/);
    assert.match(span.spanId, /^[0-9a-f]{16}$/);
    assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano));
    const now = BigInt(Date.now()) * 1_000_000n;
    assert.ok(now - BigInt(span.startTimeUnixNano) < 120_000_000_000n, 'times are Unix times');
  }
});

test('/metrics is strict Prometheus text whatever a room is called, and docs/metrics.md explains all of it', async () => {
  const hostile = 'a"} 1\nwebrtc_rooms_active 999\n\\{room="';
  const alice = await member(server, hostile);
  const response = await fetch(`${server.adminUrl}/metrics`);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4');
  const text = await response.text();
  assert.ok(text.endsWith('\n'));
  const families = new Map();
  let current = null;
  let help = null;
  const series = new Set();
  for (const line of text.slice(0, -1).split('\n')) {
    const head = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (head?.[1] === 'HELP') {
      assert.ok(!families.has(head[2]) && help === null, `second HELP: ${line}`);
      help = head[2];
    } else if (head) {
      assert.equal(help, head[2], line);
      assert.match(head[3], /^(counter|gauge)$/);
      families.set(head[2], head[3]);
      current = head[2];
      help = null;
    } else {
      const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"(?:,(?=[a-zA-Z_])|(?=\})))+\})? (-?[0-9.e+-]+|NaN|\+Inf|-Inf)$/.exec(line);
      assert.ok(sample, `no sample: ${line}`);
      assert.equal(sample[1], current, line);
      assert.ok(!series.has(sample[1] + (sample[2] ?? '')), `twice: ${line}`);
      series.add(sample[1] + (sample[2] ?? ''));
    }
  }
  assert.ok(series.has('webrtc_room_peers{room="a\\"} 1\\nwebrtc_rooms_active 999\\n\\\\{room=\\""}'));
  assert.ok(families.size > 90, `${families.size} families`);
  for (const family of families.keys()) assert.ok(page.includes(`\`${family}\``), `docs/metrics.md does not explain ${family}`);
  for (const [family, type] of families) {
    if (type === 'counter') assert.ok(family.endsWith('_total'), family);
  }
  await alice.close();
});

test('adaptive bitrate answers feedback of the owner only', async () => {
  const [alice, bob] = await members(server, 'adaptive', 2);
  alice.data({ __sfu: 'publish', kind: 'video' });
  const { producerId } = await alice.next('sfu:published');
  await bob.next('sfu:peer:published');
  bob.data({ __sfu: 'subscribe', producerId });
  const { consumerId } = await bob.next('sfu:subscribed');
  alice.data({ __sfu: 'feedback', type: 'pli', consumerId, count: 9 });
  bob.data({ __sfu: 'feedback', type: 'pli', consumerId, count: 'many' });
  bob.data({ __sfu: 'feedback', type: 'good', consumerId: 'cons-x' });
  await bob.expectQuiet();
  await alice.expectQuiet();
  bob.data({ __sfu: 'feedback', type: 'pli', consumerId, count: 2 });
  assert.deepEqual(await bob.next(), { type: 'sfu:layer:auto', consumerId, layer: 'low', reason: 'adaptive', score: 0.45 });
  alice.data({ __sfu: 'active-speaker', producerId, active: true });
  assert.deepEqual(await bob.next(), { type: 'sfu:layer:auto', consumerId, layer: 'high', reason: 'forced' });
  bob.data({ __sfu: 'feedback', type: 'pli', consumerId, count: 3 });
  assert.equal((await bob.next()).layer, 'mid', 'an active speaker never goes to the lowest layer');
  alice.data({ __sfu: 'active-speaker', producerId, active: false });
  bob.data({ __sfu: 'feedback', type: 'nack', consumerId });
  assert.equal((await bob.next()).layer, 'low');
  await Promise.all([alice.close(), bob.close()]);
});

test('without the module its actions are unknown', async () => {
  const plain = await startServer({ 'signaling.reconnectTtl': 0 });
  const alice = await connect(plain);
  await alice.join('plain');
  await alice.next('sfu:ready');
  alice.data({ __sfu: 'feedback', type: 'pli', consumerId: 'x' });
  assert.deepEqual(await alice.next(), { type: 'error', code: 'SFU_UNKNOWN_ACTION', action: 'feedback' });
  await alice.close();
  await stopCleanly(plain);
});
