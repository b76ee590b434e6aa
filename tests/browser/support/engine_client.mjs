// Engine.IO by hand: polling by fetch, WebSocket by npm ws. For what a real client would never send.
import WebSocket from 'ws';

/** Requests to one endpoint, e.g. engineClient(server.url, '/socket.io/'). */
export function engineClient(url, path) {
  const at = (query) => new URL(`${path}?${query}`, url);
  const polling = {
    get: async (sid, extra = '') => {
      const reply = await fetch(at(`EIO=4&transport=polling${sid ? `&sid=${sid}` : ''}${extra}`));
      return { status: reply.status, body: await reply.text(), headers: reply.headers };
    },
    post: async (sid, body, type = 'text/plain;charset=UTF-8') => {
      const reply = await fetch(at(`EIO=4&transport=polling&sid=${sid}`), { method: 'POST', body, headers: { 'content-type': type } });
      return { status: reply.status, body: await reply.text(), headers: reply.headers };
    },
    async open() {
      return JSON.parse((await this.get()).body.slice(1)).sid;
    },
  };
  return { at, polling, websocket: (query = 'EIO=4&transport=websocket') => socketTo(at(query).href.replace(/^http/, 'ws')) };
}

/** A WebSocket whose messages are taken one by one: next(), closed(), send(). Answers no pings by itself. */
export function socketTo(url) {
  const ws = new WebSocket(url, { perMessageDeflate: false });
  const messages = [];
  let wake = () => {};
  let ended;
  ws.on('message', (data, binary) => { messages.push(binary ? data : data.toString()); wake(); });
  ws.on('close', (code) => { ended = code; wake(); });
  ws.on('error', () => {});
  const until = (done, what, limitMs) => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} did not come within ${limitMs} ms`)), limitMs);
    wake = () => { if (done()) { clearTimeout(timer); resolve(); } };
    wake();
  });
  return {
    ws,
    opened: () => new Promise((resolve, reject) => { ws.once('open', resolve); ws.once('error', reject); }),
    send: (data) => ws.send(data),
    /** The next message, passing over pings unless they are wanted. */
    async next({ pings = false, limitMs = 10_000 } = {}) {
      for (;;) {
        await until(() => messages.length > 0 || ended !== undefined, 'a message', limitMs);
        if (messages.length === 0) throw new Error(`closed with ${ended}`);
        const message = messages.shift();
        if (pings || message !== '2') return message;
      }
    },
    async closed(limitMs = 10_000) {
      await until(() => ended !== undefined, 'the end', limitMs);
      return ended;
    },
    get waiting() { return messages.length; },
    get isClosed() { return ended !== undefined; },
  };
}
