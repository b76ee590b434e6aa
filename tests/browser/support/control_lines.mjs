// A client of the control socket: JSON-RPC lines.
import { connect } from 'node:net';

export class ControlClient {
  #buffer = ''; #open = new Map(); #last = 0;
  events = [];
  /** Resolves when the socket is open. */
  static async to(path) {
    const client = new ControlClient(connect(path));
    await new Promise((resolve, reject) => { client.socket.once('connect', resolve); client.socket.once('error', reject); });
    return client;
  }
  constructor(socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      this.#buffer += chunk;
      const lines = this.#buffer.split('\n');
      this.#buffer = lines.pop();
      for (const line of lines) this.#take(JSON.parse(line));
    });
    socket.on('close', () => { for (const { reject } of this.#open.values()) reject(new Error('the control socket closed')); });
  }
  #take(message) {
    if (message.method === 'event') return this.events.push(message.params);
    const waiting = this.#open.get(message.id);
    this.#open.delete(message.id);
    if (message.error) return waiting?.reject(Object.assign(new Error(message.error.message), { code: message.error.code }));
    return waiting?.resolve(message.result);
  }
  /** The result of a method; an error's `code` is that of JSON-RPC. */
  ask(method, params = {}) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      this.socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  }
  end() { this.socket.destroy(); }
}

/** The governance API's address, as the log names it. */
export function governanceUrlOf(server) {
  const port = /governance API.*?port"?[=:]"?(\d+)/.exec(server.log())?.[1];
  if (!port) throw new Error(`no governance API; log:\n${server.log()}`);
  return `http://127.0.0.1:${port}`;
}
