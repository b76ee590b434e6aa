// The generated half of docs/api.md. `node support/api_reference.mjs --write` writes it anew, from a server with every module.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from './server.mjs';

export const page = fileURLToPath(new URL('../../../docs/api.md', import.meta.url));
export const mark = '<!-- From here on written by tests/browser/support/api_reference.mjs --write -->';

/** A server with every module that has operations. */
export async function startWithEverything() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-api-'));
  const socket = join(folder, 'control.sock');
  const all = {
    'control.socket': socket, 'governance.port': 0, 'policyEngine.secret': 'of-the-reference-test-only-0123456789', sessionManager: true, rateLimiter: true,
    threatDetector: true, backpressure: true, 'auditLogger.filePath': join(folder, 'logs', 'audit.ndjson'), healthMonitor: true, tracer: true, alertManager: true,
    eventReplay: true, consentFlow: true, 'dataResidency.localRegion': 'default', retentionPolicy: true, e2eKeyExchange: true, adaptiveBitrate: true, 'webhooks.endpoints': '[http://127.0.0.1:9/]',
  };
  const server = await startServer(all);
  return { server, socket, async stop() { await server.stop(); rmSync(folder, { recursive: true, force: true }); } };
}

export function discover(socket) {
  return new Promise((resolve, reject) => {
    const connection = connect(socket, () => connection.write('{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}\n'));
    let text = '';
    connection.on('error', reject);
    connection.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) { connection.destroy(); resolve(JSON.parse(text).result); }
    });
  });
}

const cell = (text) => text.replaceAll('|', '\\|');

export function render({ methods, events, hooks }) {
  const lines = [mark, '', '## Methods', '', 'Optional parameters stand in brackets.', ''];
  const areas = [...new Set(methods.map((method) => method.name.split('.')[0]))].sort();
  for (const area of areas) {
    lines.push(`### ${area}`, '', '| method | parameters | what it does | answer |', '|---|---|---|---|');
    for (const method of methods.filter((m) => m.name.startsWith(`${area}.`)).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const parameters = method.params.map((p) => `${p.required ? '' : '['}\`${p.name}\` ${p.type}${p.summary ? `: ${p.summary}` : ''}${p.required ? '' : ']'}`);
      lines.push(`| \`${method.name}\` | ${cell(parameters.join('; ')) || '–'} | ${cell(method.summary)} | ${cell(method.result) || '–'} |`);
    }
    lines.push('');
  }
  lines.push('## Events', '', '| event | data | when |', '|---|---|---|', ...events.map((e) => `| \`${e.name}\` | ${cell(e.data)} | ${cell(e.summary)} |`), '');
  lines.push('## Hooks', '', '| hook | asked -> answered | when |', '|---|---|---|', ...hooks.map((e) => `| \`${e.name}\` | ${cell(e.data)} | ${cell(e.summary)} |`), '');
  return lines.join('\n');
}

export const writtenHalf = () => readFileSync(page, 'utf8').split(mark)[0];

if (process.argv.includes('--write')) {
  const { socket, stop } = await startWithEverything();
  writeFileSync(page, writtenHalf() + render(await discover(socket)));
  await stop();
}
