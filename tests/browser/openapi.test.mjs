// What the APIs answer is what their OpenAPI documents say.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { member } from './support/protocol_client.mjs';
import { startWithEverything } from './support/api_reference.mjs';

let running;
let server;
before(async () => { running = await startWithEverything(); ({ server } = running); });
after(async () => { await running?.stop(); });

/** As much of JSON Schema as the documents use. Gives what is wrong, or nothing. */
function complaint(schema, value, schemas, path = '') {
  if (schema.$ref) return complaint(schemas[schema.$ref.split('/').at(-1)], value, schemas, path);
  if (schema.anyOf) return schema.anyOf.some((one) => !complaint(one, value, schemas, path)) ? null : `${path}: fits none`;
  if (schema.enum && !schema.enum.includes(value)) return `${path}: ${value} is none of ${schema.enum}`;
  const kind = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'number' ? (Number.isInteger(value) ? 'integer' : 'number') : typeof value;
  const wanted = schema.type === undefined ? null : [schema.type].flat();
  if (wanted && !wanted.includes(kind) && !(kind === 'integer' && wanted.includes('number'))) return `${path}: ${kind} instead of ${wanted}`;
  for (const name of schema.required ?? []) if (!(name in value)) return `${path}.${name} is missing`;
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const wrong = value && name in value ? complaint(inner, value[name], schemas, `${path}.${name}`) : null;
    if (wrong) return wrong;
  }
  if (schema.additionalProperties === false) for (const name of Object.keys(value)) if (!(name in schema.properties)) return `${path}.${name} is not described`;
  if (schema.items && Array.isArray(value)) for (const [i, item] of value.entries()) { const wrong = complaint(schema.items, item, schemas, `${path}[${i}]`); if (wrong) return wrong; }
  return null;
}

async function checked(base, document, method, template, { path = template, body } = {}) {
  const response = await fetch(`${base}${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) });
  const operation = document.paths[template]?.[method.toLowerCase()];
  assert.ok(operation, `${method} ${template} is not described`);
  const described = operation.responses[response.status];
  assert.ok(described, `${method} ${path}: status ${response.status} is not described: ${await response.clone().text()}`);
  const [type, { schema }] = Object.entries(described.content)[0];
  assert.ok(response.headers.get('content-type').startsWith(type), `${path}: ${response.headers.get('content-type')}`);
  if (type === 'application/json') assert.equal(complaint(schema, await response.json(), document.components.schemas), null, `${method} ${path}`);
  return `${method.toLowerCase()} ${template}`;
}

function everyRow(document, seen) {
  const rows = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
  assert.deepEqual(rows.filter((row) => !seen.includes(row)), [], 'every row was asked');
}

test('the admin API answers as its document says, every row', { timeout: 60_000 }, async () => {
  const base = `${server.adminUrl}/admin`;
  const document = await (await fetch(`${base}/openapi.json`)).json();
  const alice = await member(server, 'a/b', { displayName: 'Alice' });
  const ask = (...words) => checked(base, document, ...words);
  const room = encodeURIComponent('a/b');
  const seen = [ // drained while somebody is there: else it would end
    await ask('POST', '/drain', { body: {} }), await ask('POST', '/drain', { body: { undo: true } }),
    await ask('GET', '/health'), await ask('GET', '/stats'), await ask('GET', '/rooms'), await ask('GET', '/peers'), await ask('GET', '/workers'), await ask('GET', '/drain'),
    await ask('GET', '/recordings'), await ask('GET', '/metrics'), await ask('POST', '/rooms', { body: { roomId: 'made', maxPeers: 4 } }), await ask('POST', '/rooms', { body: { roomId: 7 } }),
    await ask('GET', '/rooms/{roomId}', { path: `/rooms/${room}` }), await ask('GET', '/rooms/{roomId}', { path: '/rooms/none' }),
    await ask('PATCH', '/rooms/{roomId}', { path: `/rooms/${room}`, body: { metadata: { topic: 'x' }, maxPeers: 9 } }),
    await ask('POST', '/rooms/{roomId}/broadcast', { path: `/rooms/${room}/broadcast`, body: { payload: 1 } }), await ask('POST', '/rooms/{roomId}/mute-all', { path: `/rooms/${room}/mute-all` }),
    await ask('POST', '/rooms/{roomId}/migrate', { path: `/rooms/${room}/migrate`, body: { worker: 77 } }),
    await ask('POST', '/workers/{worker}/drain', { path: '/workers/77/drain' }), await ask('DELETE', '/peers/{peerId}', { path: `/peers/${alice.id}?reason=x` }), await ask('DELETE', '/peers/{peerId}', { path: '/peers/none' }),
    await ask('DELETE', '/rooms/{roomId}', { path: '/rooms/made' }),
  ];
  everyRow(document, seen);
  assert.equal((await fetch(`${base}/rooms`, { method: 'POST', body: 'x'.repeat(1_100_000) })).status, 413);
});

test('the governance API answers as its document says, every row', { timeout: 60_000 }, async () => {
  const [, port] = /governance API.*?port"?[=:]"?(\d+)/.exec(server.log());
  const base = `http://127.0.0.1:${port}`;
  const document = await (await fetch(`${base}/openapi.json`)).json();
  const alice = await member(server, 'consent');
  const ask = (...words) => checked(base, document, ...words);
  const consent = `/compliance/consents/consent/${alice.id}`;
  const seen = [
    await ask('GET', '/audit'), await ask('GET', '/audit/export'), await ask('GET', '/compliance/consents'), await ask('GET', '/compliance/consents/{roomId}', { path: '/compliance/consents/consent' }),
    await ask('POST', '/compliance/consents/{roomId}/{peerId}', { path: consent, body: { types: ['recording'] } }), await ask('GET', '/compliance/consents/{roomId}/{peerId}', { path: consent }),
    await ask('DELETE', '/compliance/consents/{roomId}/{peerId}', { path: consent }), await ask('GET', '/residency'), await ask('GET', '/sessions'),
    await ask('DELETE', '/sessions/{peerId}', { path: `/sessions/${alice.id}` }), await ask('DELETE', '/sessions/{peerId}', { path: '/sessions/none' }), await ask('GET', '/metrics/prometheus'), await ask('GET', '/traces'),
    await ask('GET', '/sfu'), await ask('POST', '/sfu/failover', { body: {} }), await ask('POST', '/sfu/failover', { body: { fromRegion: 'nowhere' } }), await ask('GET', '/threats'),
    await ask('DELETE', '/threats/bans/{ip}', { path: '/threats/bans/203.0.113.9' }), await ask('GET', '/health/slo'),
  ];
  everyRow(document, seen);
  assert.equal((await fetch(`${base}/admin/audit/`)).status, 200, 'with prefix and trailing slash');
});
