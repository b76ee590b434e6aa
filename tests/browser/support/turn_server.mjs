// A real coturn on loopback, with the secret that the server signs credentials with.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function startTurnServer(secret) {
  const program = '/usr/bin/turnserver';
  if (!existsSync(program)) throw new Error('coturn is missing: run ./tools/test, which installs it');
  const probe = createServer();
  await new Promise((resolve) => { probe.listen(0, '127.0.0.1', resolve); });
  const { port } = probe.address();
  await new Promise((resolve) => { probe.close(resolve); });
  const folder = mkdtempSync(join(tmpdir(), 'sluice-turn-'));
  const child = spawn(program, ['-n', '--log-file=stdout', '--verbose', '--use-auth-secret', `--static-auth-secret=${secret}`, '--realm=sluice.test',
    '--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', `--listening-port=${port}`, '--min-port=42000', '--max-port=42999', '--no-tls', '--no-dtls',
    '--no-cli', '--allow-loopback-peers', '--fingerprint', `--userdb=${folder}/users`, `--pidfile=${folder}/pid`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stdout.on('data', (chunk) => { log += chunk; });
  child.stderr.on('data', (chunk) => { log += chunk; });
  const exited = new Promise((resolve) => { child.on('exit', resolve); });
  const ready = () => /listener opened on : 127\.0\.0\.1/.test(log);
  for (let waited = 0; !ready(); waited += 20) {
    if (waited > 20_000 || child.exitCode !== null) throw new Error(`coturn did not start:\n${log}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  return {
    url: `turn:127.0.0.1:${port}?transport=udp`,
    log: () => log,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(timer);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
