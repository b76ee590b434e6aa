// A client that says exactly what a test tells it to, and keeps what comes back byte for byte.
import assert from 'node:assert/strict';
import WebSocket from 'ws';

const WAIT_LIMIT_MS = 5_000;
let fences = 0;

export class ProtocolClient {
  id = null;
  room = null;
  token = null;
  raw = []; // texts not read yet
  closed; // resolves to {code, reason}
  #socket;
  #waiting = null;

  constructor(url, { protocols = [], ...options } = {}) {
    this.#socket = new WebSocket(url, protocols, { perMessageDeflate: true, ...options });
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once('open', resolve);
      this.#socket.once('error', reject);
    });
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => this.#socket.once('close', (code, reason) => {
      resolve({ code, reason: reason.toString() });
      this.#waiting?.();
    }));
    this.#socket.on('error', () => {});
    this.#socket.on('message', (data, isBinary) => {
      assert.equal(isBinary, false, 'the server sends text frames only');
      this.raw.push(data.toString());
      this.#waiting?.();
    });
  }

  get protocol() { return this.#socket.protocol; }
  get extensions() { return this.#socket.extensions; }
  get isOpen() { return this.#socket.readyState === WebSocket.OPEN; }

  /** An object is sent as JSON, a text or bytes as they are. */
  send(message, options) {
    const asIs = typeof message === 'string' || Buffer.isBuffer(message);
    this.#socket.send(asIs ? message : JSON.stringify(message), options);
  }
  data(payload, target) { this.send(target ? { type: 'data', target, payload } : { type: 'data', payload }); }
  close() { this.#socket.close(1000); return this.closed; }
  /** As a lost network: no close frame. */
  cut() { this.#socket.terminate(); return this.closed; }

  /** The text of the next message. */
  async nextRaw(what = 'a message') {
    const end = Date.now() + WAIT_LIMIT_MS;
    while (this.raw.length === 0) {
      if (this.#socket.readyState === WebSocket.CLOSED) {
        assert.fail(`the socket closed while waiting for ${what}: ${JSON.stringify(await this.closed)}`);
      }
      if (Date.now() >= end) assert.fail(`${what} did not come`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, end - Date.now());
        this.#waiting = () => { clearTimeout(timer); resolve(); };
      });
    }
    return this.raw.shift();
  }
  async next(type) {
    const message = JSON.parse(await this.nextRaw(type));
    if (type) assert.equal(message.type, type, JSON.stringify(message));
    return message;
  }
  /** Reads on until a message of that type, whatever comes before. */
  async await(type) {
    for (;;) {
      const message = await this.next();
      if (message.type === type) return message;
    }
  }
  async error(code) {
    const message = await this.next('error');
    assert.equal(message.code, code, JSON.stringify(message));
    return message;
  }

  /** Everything that came before what `from` (itself, or another member of its room) says to it now. */
  async drain(from = this) {
    const fence = `fence ${++fences}`;
    from.data(fence, this.id);
    const before = [];
    for (;;) {
      const message = await this.next();
      if (message.type === 'data' && message.payload === fence) return before;
      before.push(message);
    }
  }
  async expectQuiet(from = this) { assert.deepEqual(await this.drain(from), []); }

  async join(roomId, metadata) {
    this.send({ type: 'join', roomId, metadata });
    const joined = await this.next('room:joined');
    this.room = roomId;
    this.id = joined.peerId;
    this.token = joined.reconnectToken ?? null;
    return joined;
  }
}

export async function connect(server, options = {}) {
  const client = new ProtocolClient(server.socketUrl + (options.path ?? ''), options);
  await client.opened;
  client.id = (await client.next('connected')).peerId;
  return client;
}

/** A member of `room` that has read everything about its joining. */
export async function member(server, room, metadata) {
  const client = await connect(server);
  await client.join(room, metadata);
  await client.drain();
  return client;
}

/** Members of one room; nobody has anything left to read. */
export async function members(server, room, count) {
  const clients = [];
  for (let i = 0; i < count; ++i) clients.push(await member(server, room));
  for (const client of clients) await client.drain();
  return clients;
}
