// Configuration of a running server: SIGHUP, mistakes, what needs a restart (contract section 38, DESIGN.md).
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { roomOf } from './support/admin.mjs';
import { stopCleanly } from './support/log_check.mjs';
import { member } from './support/protocol_client.mjs';
import { startServer } from './support/server.mjs';

const WAIT_LIMIT_MS = 15_000;
const folder = mkdtempSync(join(tmpdir(), 'sluice-reload-'));
const file = join(folder, 'sluice.yaml');
let server;

async function eventually(what, holds) {
  const end = Date.now() + WAIT_LIMIT_MS;
  while (!(await holds())) {
    if (Date.now() > end) assert.fail(`${what}; log:\n${server.log()}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
const logged = (pattern) => eventually(`no log line ${pattern}`, () => pattern.test(server.log()));

/** Writes the file and has it read; resolves when the server has dealt with it. */
async function reload(yaml, answer = /configuration taken over/) {
  const seen = () => server.log().split('\n').filter((line) => answer.test(line)).length;
  const before = seen();
  writeFileSync(file, yaml);
  process.kill(server.pid, 'SIGHUP');
  await eventually(`no answer ${answer}`, () => seen() > before);
}
async function capacityOfNewRoom(name) {
  const client = await member(server, name);
  const { maxPeers } = await roomOf(server, name);
  await client.close();
  return maxPeers;
}

before(async () => {
  writeFileSync(file, 'signaling: { maxPeersPerRoom: 7 }\n');
  server = await startServer({ config: file, 'signaling.reconnectTtl': 0 });
});
after(async () => {
  if (server) await stopCleanly(server, { allow: [/the configuration stays as it is/] });
  rmSync(folder, { recursive: true });
});

test('limits and the log level change at once', async () => {
  assert.equal(await capacityOfNewRoom('before'), 7);
  await reload('signaling: { maxPeersPerRoom: 3 }\nlog: { level: debug }\n');
  assert.equal(await capacityOfNewRoom('after'), 3);
});

test('what needs a restart is named in one warning, the rest is taken over', async () => {
  await reload('signaling: { maxPeersPerRoom: 4, pingInterval: 9000, trustProxy: true }\nhealthMonitor: {}\n');
  await logged(/take effect with the next restart.*signaling\.pingInterval, signaling\.trustProxy, healthMonitor/);
  assert.equal(await capacityOfNewRoom('some'), 4);
});

test('a file with mistakes changes nothing, and all of them are said', async () => {
  await reload('signaling: { maxPeersPerRoom: none }\nnonsense: 1\n', /the configuration stays as it is/);
  await logged(/2 mistakes/);
  await logged(/signaling\.maxPeersPerRoom/);
  await logged(/nonsense/);
  assert.equal(await capacityOfNewRoom('same'), 4);
});

test('a control process that is started again has the new configuration', async () => {
  await reload('signaling: { maxPeersPerRoom: 5 }\n');
  await server.killOne('control');
  await eventually('control is not back', async () => {
    try { return (await fetch(`${server.adminUrl}/admin/health`)).ok; } catch { return false; }
  });
  assert.equal(await capacityOfNewRoom('successor'), 5);
});

test('a start with mistakes says all of them and ends with status 2', async () => {
  writeFileSync(file, 'signaling: { port: 99999, prot: 1 }\nwebhooks: { endpoints: [{ url: "ftp://x" }] }\n');
  await assert.rejects(startServer({ config: file }), (error) => {
    assert.match(error.message, /"code":2/);
    for (const path of ['signaling.port', 'signaling.prot']) assert.ok(error.message.includes(path), error.message);
    return true;
  });
  writeFileSync(file, '{}\n');
});
