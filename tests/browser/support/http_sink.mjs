// An HTTP server that keeps what it is sent, and answers as it is told.
import { createServer } from 'node:http';

const WAIT_LIMIT_MS = 20_000;

/** `answer(request, n)`: the status for the n-th request (from 0), or a promise of one; 204 by default. */
export async function startSink(answer = () => 204) {
  const requests = [];
  let wake = () => {};
  const server = createServer((incoming, outgoing) => {
    const chunks = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', async () => {
      const request = { method: incoming.method, path: incoming.url, headers: incoming.headers, body: Buffer.concat(chunks).toString(), at: Date.now() };
      const number = requests.push(request) - 1;
      wake();
      outgoing.writeHead(await answer(request, number));
      outgoing.end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    /** The requests, as soon as there are `count` of them that `matches` takes. */
    async until(count, matches = () => true) {
      const end = Date.now() + WAIT_LIMIT_MS;
      for (;;) {
        const found = requests.filter(matches);
        if (found.length >= count) return found;
        if (Date.now() > end) throw new Error(`${found.length} of ${count} requests came; all: ${JSON.stringify(requests.map((r) => r.body))}`);
        await new Promise((resolve) => { wake = resolve; setTimeout(resolve, 100); });
      }
    },
    async close() { server.closeAllConnections(); await new Promise((resolve) => server.close(resolve)); },
  };
}
