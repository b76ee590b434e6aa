// sluice simulate: several servers, and their end.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import test, { after } from 'node:test';
import { eventually } from './support/browser.mjs';
import { ProtocolClient } from './support/protocol_client.mjs';
import { binariesOfTests } from './support/server.mjs';

const childrenOf = (pid) => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((name) => {
  try { const stat = readFileSync(`/proc/${name}/stat`, 'utf8'); return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid; } catch { return false; }
}).map(Number);

test('servers side by side, with rooms, restarts and an end in time', { timeout: 120_000 }, async () => {
  const port = 23000 + (process.pid % 1000) * 2;
  const child = spawn(`${binariesOfTests}/sluice`, ['simulate', '--processes=2', `--port=${port}`, '--rooms=2'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => { text += chunk; });
  after(() => child.kill('SIGINT'));
  const exited = new Promise((resolve) => { child.once('exit', resolve); });
  await eventually('both are ready', () => /\[0\] ready/.test(text) && /\[1\] ready/.test(text));
  for (const number of [0, 1]) {
    const client = new ProtocolClient(`ws://127.0.0.1:${port + number}/`);
    await client.opened;
    await client.next('connected');
    client.send({ type: 'join', roomId: 'room-1' });
    const joined = await client.next('room:joined');
    assert.deepEqual(joined.metadata, { topic: 'Room 1' });
    assert.ok(joined.reconnectToken, 'reconnectTtl is 15000');
    await eventually('the join is told', () => text.includes(`[${number}] ${joined.peerId} joined "room-1"`));
    client.cut();
  }
  process.kill(childrenOf(child.pid)[0], 'SIGKILL');
  await eventually('one that ended is started again', () => (text.match(/\] ready/g) ?? []).length >= 3, 60_000);
  child.kill('SIGINT');
  assert.equal(await exited, 0);
  assert.match(text, /all servers have ended\n$/);
});
