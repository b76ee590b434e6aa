// Every template of `sluice init` starts as its README says, and does what it is for.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { createHmac } from 'node:crypto';
import { ProtocolClient } from './support/protocol_client.mjs';
import { binariesOfTests } from './support/server.mjs';

const sluice = `${binariesOfTests}/sluice`;
let folder;
before(() => { folder = mkdtempSync(join(tmpdir(), 'sluice-init-')); });
after(() => rmSync(folder, { recursive: true, force: true }));

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** As the README says, on ports of the test's own. */
async function start(template) {
  const project = join(folder, template);
  execFileSync(sluice, ['init', project, '--template', template]);
  const environment = { ...process.env };
  for (const line of readFileSync(join(project, '.env'), 'utf8').split('\n')) {
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
    if (name) environment[name] = value;
  }
  const [signaling, admin, governance] = [await freePort(), await freePort(), await freePort()];
  Object.assign(environment, {
    SLUICE_SIGNALING_PORT: String(signaling), SLUICE_ADMINAPI_PORT: String(admin), SLUICE_GOVERNANCE_PORT: String(governance),
    SLUICE_SIGNALING_HOST: '127.0.0.1', SLUICE_MEDIA_LISTEN: '127.0.0.1', SLUICE_MEDIA_ANNOUNCED_IP: '127.0.0.1', SLUICE_MEDIA_PORT: String(44000 + (process.pid % 100) * 8),
    SLUICE_WORKERS_COUNT: '1', SLUICE_CONTROL_SOCKET: join(project, 'control.sock'), SLUICE_STORE_PATH: join(project, 'store'),
  });
  const child = spawn(sluice, ['serve', '--config', 'sluice.yaml'], { cwd: project, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk) => { log += chunk; });
  const exited = new Promise((resolve) => { child.once('exit', resolve); });
  await new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => { output += chunk; if (/^sluice ready/m.test(output)) resolve(); });
    exited.then((code) => reject(new Error(`the server ended with ${code}:\n${log}`)));
  });
  const headers = environment.SLUICE_ADMINAPI_ADMINSECRET ? { authorization: `Bearer ${environment.SLUICE_ADMINAPI_ADMINSECRET}` } : {};
  return {
    project, environment, log: () => log,
    url: `ws://127.0.0.1:${signaling}/`,
    admin: (path) => fetch(`http://127.0.0.1:${admin}${path}`, { headers }),
    governance: (path) => fetch(`http://127.0.0.1:${governance}${path}`, { headers }),
    async stop() { child.kill('SIGTERM'); assert.equal(await exited, 0, log); },
  };
}

function policyToken(secret, policy) {
  const body = Buffer.from(JSON.stringify({ iss: 'webrtc-rooms', roomId: '*', role: 'host', caps: ['publish', 'subscribe', 'data'], expiresAt: Date.now() + 60_000, ...policy })).toString('base64url');
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

async function joined(url, metadata) {
  const client = new ProtocolClient(url);
  await client.opened;
  await client.next('connected');
  client.send({ type: 'join', roomId: 'smoke', metadata });
  return client;
}

test('basic: rooms and media', { timeout: 60_000 }, async () => {
  const server = await start('basic');
  const client = await joined(server.url);
  assert.ok((await client.next('room:joined')).reconnectToken, 'a hold time is set');
  await client.await('sfu:ready');
  await server.stop();
});

test('advanced: tokens, sessions, audit', { timeout: 60_000 }, async () => {
  const server = await start('advanced');
  assert.equal((await server.admin('/admin/health')).status, 200);
  const client = await joined(server.url, { policyToken: policyToken(server.environment.SLUICE_POLICYENGINE_SECRET, { sub: 'alice' }) });
  await client.await('session:token');
  const { peers } = await (await server.admin('/admin/peers')).json();
  assert.equal(peers[0].metadata.__role, 'host');
  assert.equal((await fetch((await server.admin('/admin/health')).url)).status, 401, 'the admin API asks for its secret');
  await client.close();
  await server.stop();
  assert.match(readFileSync(join(server.project, 'logs/audit.ndjson'), 'utf8'), /"event":"peer:joined"/);
});

test('sfu: media with adaptive layers', { timeout: 60_000 }, async () => {
  const server = await start('sfu');
  const client = await joined(server.url);
  assert.equal((await client.await('sfu:ready')).simulcastEnabled, true);
  assert.match(await (await server.admin('/metrics')).text(), /^webrtc_rooms_joins_total 1$/m);
  await server.stop();
});

test('enterprise: nobody without a token, consent asked for, governance', { timeout: 60_000 }, async () => {
  const server = await start('enterprise');
  const stranger = await joined(server.url);
  assert.equal((await stranger.await('error')).code, 'JOIN_REJECTED');
  const client = await joined(server.url, { policyToken: policyToken(server.environment.SLUICE_POLICYENGINE_SECRET, { sub: 'alice' }) });
  assert.deepEqual((await client.await('consent:required')).types, ['recording']);
  for (const path of ['/audit', '/sessions', '/threats', '/compliance/consents', '/residency', '/traces']) assert.equal((await server.governance(path)).status, 200, path);
  assert.ok((await (await server.governance('/sessions')).json()).active >= 1);
  assert.ok(existsSync(join(server.project, '.env.example')));
  await client.close();
  await server.stop();
});
