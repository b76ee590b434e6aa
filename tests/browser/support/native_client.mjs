// A participant who speaks the native protocol over `ws`: no page, no browser.
import { WebSocket } from 'ws';

const REPLY_LIMIT_MS = 15_000;

export class NativeClient {
  messages = []; // everything that came, in order
  closed = null; // {code, reason} once the server or the network ended it
  #socket;
  #waiting = new Set();

  /** Connects to the server's signaling port. */
  static async connect(server) {
    const client = new NativeClient();
    client.#socket = new WebSocket(server.socketUrl, { perMessageDeflate: false });
    client.#socket.on('message', (text) => { client.messages.push(JSON.parse(text)); client.#look(); });
    client.#socket.on('close', (code, reason) => { client.closed = { code, reason: String(reason) }; client.#look(); });
    await new Promise((resolve, reject) => client.#socket.once('open', resolve).once('error', reject));
    client.#socket.on('error', () => {}); // a broken connection is told by `closed`
    return client;
  }

  /** Connects and joins; gives the client with `peerId` and `existing` (what others publish) set. */
  static async join(server, roomId, name) {
    const client = await NativeClient.connect(server);
    client.send({ type: 'join', roomId, metadata: { displayName: name } });
    client.peerId = (await client.next((message) => message.type === 'room:joined')).peerId;
    client.existing = (await client.next((message) => message.type === 'sfu:ready')).existingProducers;
    return client;
  }

  send(message) { this.sendText(JSON.stringify(message)); }
  sendText(text) { this.#socket.send(text); }
  sfu(action, fields = {}) { this.send({ type: 'data', payload: { __sfu: action, ...fields } }); }

  /** The first message, also of those that came already, that `matches`; taken out of `messages`. */
  next(matches, limitMs = REPLY_LIMIT_MS) {
    return this.#wait(limitMs, () => {
      const at = this.messages.findIndex(matches);
      return at < 0 ? undefined : this.messages.splice(at, 1)[0];
    });
  }
  nextOf(type, limitMs) { return this.next((message) => message.type === type, limitMs); }

  /** Waits for the end of the connection: {code, reason}. */
  ended(limitMs = REPLY_LIMIT_MS) { return this.#wait(limitMs, () => this.closed ?? undefined); }

  /** Sends an offer to the media server; resolves with the answer's SDP or rejects with the server's error message. */
  async exchange(sdp) {
    this.send({ type: 'offer', target: '__sfu__', sdp });
    const reply = await this.next((message) => (message.type === 'answer' && message.from === '__sfu__') || message.type === 'error');
    if (reply.type === 'error') throw Object.assign(new Error(reply.message), reply);
    return reply.sdp;
  }

  close() { this.#socket.close(); }

  #wait(limitMs, look) {
    return new Promise((resolve, reject) => {
      const entry = () => {
        const found = look();
        if (found === undefined) return;
        this.#waiting.delete(entry);
        clearTimeout(timer);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(entry);
        reject(new Error(`not within ${limitMs} ms; here is: ${JSON.stringify(this.messages).slice(0, 2000)} closed: ${JSON.stringify(this.closed)}`));
      }, limitMs);
      this.#waiting.add(entry);
      entry();
    });
  }
  #look() { for (const entry of [...this.#waiting]) entry(); }
}
