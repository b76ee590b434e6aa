// docs/api.md lists exactly the methods, events and hooks of the server, and its examples work.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test, { after, before } from 'node:test';
import { discover, mark, page, render, startWithEverything, writtenHalf } from './support/api_reference.mjs';
import { binariesOfTests } from './support/server.mjs';

let running;
before(async () => { running = await startWithEverything(); });
after(async () => { await running?.stop(); });

test('the reference lists exactly what the server can', { timeout: 60_000 }, async () => {
  const text = readFileSync(page, 'utf8');
  assert.equal(text.slice(text.indexOf(mark)), render(await discover(running.socket)), 'run: node tests/browser/support/api_reference.mjs --write');
});

const example = (language) => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(writtenHalf())[1];
const run = (program, words) => new Promise((resolve) => {
  const environment = { ...process.env, SLUICE_CONTROL_SOCKET: running.socket, PATH: `${binariesOfTests}:${process.env.PATH}` };
  execFile(program, words, { env: environment, timeout: 30_000 }, (error, stdout, stderr) => resolve({ status: error ? error.code ?? 1 : 0, stdout, stderr }));
});

test('the shell example works', { timeout: 60_000 }, async () => {
  const done = await run('bash', ['-e', '-c', example('sh')]);
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /"maxPeers":8[\s\S]*standup[\s\S]*"destroyed":"standup"/);
});

test('the Python example works', { timeout: 60_000 }, async () => {
  const done = await run('python3', ['-c', example('python')]);
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /^from python\n[\s\S]*from python 0\n/);
});

test('the Node example works', { timeout: 60_000 }, async () => {
  const done = await run('node', ['-e', example('js')]);
  assert.equal(done.status, 0, done.stderr);
  assert.equal(done.stdout, 'room:created from node\nroom:destroyed from node\n');
});
