// What a service manager hears of a server (sd_notify): ready, the watchdog, stopping. The listener is Python's standard
// library, because Node has no datagrams on Unix sockets.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { eventually } from './support/browser.mjs';
import { startServer } from './support/server.mjs';

const LISTENER = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
print('listening', flush=True)
while True:
    print(s.recv(4096).decode().split('\\n')[0], flush=True)
`;

test('a service manager hears when it is ready, that it lives, and that it stops', { timeout: 90_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-notify-'));
  const path = join(folder, 'notify');
  (await import('node:fs')).chmodSync(folder, 0o755);
  const listener = spawn('python3', ['-c', LISTENER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const heard = [];
  listener.stdout.on('data', (chunk) => heard.push(...String(chunk).trim().split('\n')));
  try {
    await eventually('the listener listens', () => heard.includes('listening'));
    process.env.NOTIFY_SOCKET = path;
    process.env.WATCHDOG_USEC = '400000';
    const server = await startServer({ 'governance.port': 0 });
    delete process.env.NOTIFY_SOCKET;
    delete process.env.WATCHDOG_USEC;
    await eventually('ready', () => heard.includes('READY=1'));
    await eventually('the watchdog is fed', () => heard.filter((line) => line === 'WATCHDOG=1').length >= 5);
    await server.killOne('control');
    await eventually('ready again, with another control process', () => heard.filter((line) => line === 'READY=1').length >= 2);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    await eventually('stopping', () => heard.includes('STOPPING=1'));
    assert.doesNotMatch(server.log(), /ending="signal (?!9 )/, 'nobody crashed on the way out');
  } finally {
    listener.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});
