// A C++ program of an operator's, built against an installed Sluice and talked to over its standard input and output.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { binariesOfTests } from './server.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const LIMIT_MS = 30_000;

/** The first C++ block of docs/embedding.md. */
export function firstProgram() {
  return /```cpp\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/embedding.md'), 'utf8'))[1];
}

/** Installs what was built into `folder` and builds the programs of tests/integration/embedding there; gives their paths. */
export function installAndBuild(folder) {
  const quiet = { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' };
  const prefix = join(folder, 'prefix');
  execFileSync('cmake', ['--install', join(binariesOfTests, '..'), '--prefix', prefix], quiet);
  const source = join(folder, 'source');
  cpSync(join(root, 'tests/integration/embedding'), source, { recursive: true });
  writeFileSync(join(source, 'first_program.cpp'), firstProgram());
  const build = join(folder, 'build');
  mkdirSync(build);
  try {
    execFileSync('cmake', ['-S', source, '-B', build, '-G', 'Ninja', `-DCMAKE_PREFIX_PATH=${prefix}`], quiet);
    execFileSync('ninja', ['-C', build, '-j', '2'], quiet);
  } catch (error) {
    throw new Error(`the operator's programs do not build:\n${error.stdout}\n${error.stderr}`);
  }
  return { prefix, first: join(build, 'first_program'), program: join(build, 'program'), modules: join(build, 'modules') };
}

/** A running program: ask() it, and wait for what its handlers say. */
export class OperatorProgram {
  said = [];
  log = '';
  #waiting = new Set();
  #number = 0;

  constructor(path, words = [], environment = {}) {
    this.child = spawn(path, words, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
    this.child.stderr.on('data', (chunk) => { this.log += chunk; });
    this.child.stdin.on('error', () => {}); // it has ended; `exited` tells
    this.exited = new Promise((resolve) => { this.child.once('exit', (code, signal) => resolve({ code, signal })); });
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.said.push(line.startsWith('{') ? JSON.parse(line) : { text: line });
      for (const look of this.#waiting) look();
    });
  }

  /** The first line, also of those that came already, that `matches`; taken out of `said`. */
  next(matches, limitMs = LIMIT_MS) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`not said within ${limitMs} ms: ${matches}\nsaid: ${JSON.stringify(this.said)}\nlog:\n${this.log}`));
      }, limitMs);
      const look = () => {
        const at = this.said.findIndex(matches);
        if (at < 0) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(this.said.splice(at, 1)[0]);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** A handler of the server (`room` and `peer` handlers say so themselves). */
  on(name, fields = {}) {
    return this.next((line) => line.on === name && Object.entries(fields).every(([key, value]) => line[key] === value));
  }

  /** Has it do something; resolves with the result, rejects with the error's code and sentence. */
  async ask(what, fields = {}) {
    const n = ++this.#number;
    this.child.stdin.write(`${JSON.stringify({ do: what, n, ...fields })}\n`);
    const answer = await this.next((line) => line.did === n);
    if ('error' in answer) throw Object.assign(new Error(answer.message), { code: answer.error });
    return answer.result;
  }

  /** Ends it by the end of its input. */
  async stop() {
    this.child.stdin.end();
    return this.exited;
  }
}
