// Every event that any part of the server emits by a literal name stands in control/api/event_catalog.cpp.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const known = new Set([...readFileSync(join(root, 'control/api/event_catalog.cpp'), 'utf8').matchAll(/CatalogEntry\{"([^"]+)"/g)].map((match) => match[1]));
const missing = [];
for (const entry of readdirSync(join(root, 'control'), { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.cpp')) continue;
  const path = join(entry.parentPath ?? entry.path, entry.name);
  for (const [, name] of readFileSync(path, 'utf8').matchAll(/\.emit\("([a-zA-Z:._-]+)"[,)]/g)) if (!known.has(name)) missing.push(`${path.slice(root.length)}: ${name}`);
}
if (missing.length > 0) {
  console.error(`events without an entry in control/api/event_catalog.cpp:\n  ${missing.join('\n  ')}`);
  process.exit(1);
}
console.log(`${known.size} events are described`);
