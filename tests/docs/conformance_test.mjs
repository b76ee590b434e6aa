// node conformance_test.mjs ROOT CTEST_FOLDER: every row of docs/conformance/*.md names tests that exist, are not disabled, and
// belong to an entry of ctest.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { join, relative } from 'node:path';

const [root, ctestFolder] = process.argv.slice(2);
const entries = new Set(JSON.parse(execFileSync('ctest', ['--test-dir', ctestFolder, '--show-only=json-v1'], { encoding: 'utf8', maxBuffer: 1 << 26 }))
  .tests.map((test) => test.name));
if (entries.size < 10) throw new Error('ctest lists next to nothing: is CTEST_FOLDER a build folder?');

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'corpus') return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

// C++ tests by name, with the entry of ctest that runs them.
const cppTests = new Map();
for (const file of filesBelow(join(root, 'tests')).filter((path) => path.endsWith('_test.cpp'))) {
  const folder = relative(join(root, 'tests'), file).split('/').slice(0, -1).join('_');
  for (const [, suite, name] of readFileSync(file, 'utf8').matchAll(/^TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)/gm)) cppTests.set(`${suite}.${name}`, folder);
}

function fault(reference) {
  const whole = reference.match(/^ctest (.+)$/);
  if (whole) return entries.has(whole[1]) ? null : 'is no entry of ctest';
  const script = reference.match(/^([\w/-]+(?:\.test)?\.m?js): (.+)$/);
  if (script) {
    const [, file, title] = script;
    const path = [join(root, 'tests/browser', file), join(root, 'tests', file)].find(existsSync);
    if (!path) return 'is in no file of that name';
    if (!readFileSync(path, 'utf8').includes(title)) return 'is no title in that file';
    if (/\b(?:test|it)\.(?:skip|todo)\(/.test(readFileSync(path, 'utf8'))) return 'is in a file that skips tests';
    if (file.endsWith('.test.mjs') && !file.includes('/') && !entries.has(`browser_${file.replace('.test.mjs', '')}`)) return 'is in a file that ctest does not run';
    return null;
  }
  const folder = cppTests.get(reference);
  if (folder === undefined) return 'does not exist';
  if (reference.includes('DISABLED_')) return 'is disabled';
  return entries.has(folder) ? null : `belongs to ${folder}, which ctest does not run`;
}

let rows = 0;
const faults = [];
const open = [];
for (const page of readdirSync(join(root, 'docs/conformance')).filter((name) => name.endsWith('.md'))) {
  let section = '';
  for (const line of readFileSync(join(root, 'docs/conformance', page), 'utf8').split('\n')) {
    if (line.startsWith('#')) section = line.replace(/^#+ /, '');
    if (!line.startsWith('|') || /^\|[\s|:-]+$/.test(line) || /\| tests? \|\s*$/.test(line)) continue;
    const cells = line.replace(/^\||\|\s*$/g, '').split(/(?<!\\)\|/).map((cell) => cell.trim());
    const where = `${page}, ${section}, "${cells[0]}"`;
    const cell = cells.at(-1);
    rows += 1;
    if (cell.startsWith('open')) { open.push(`${where}: ${cell}`); continue; }
    const references = [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
    if (references.length === 0) faults.push(`${where}: names no test`);
    for (const reference of references) {
      const why = fault(reference);
      if (why) faults.push(`${where}: ${reference} ${why}`);
    }
  }
}
if (rows === 0) faults.push('docs/conformance holds no row');
for (const row of open) console.log(`open: ${row}`);
for (const line of faults) console.error(line);
console.log(`${rows} rows, ${open.length} open, ${faults.length} wrong`);
process.exit(faults.length === 0 ? 0 : 1);
