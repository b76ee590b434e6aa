// The control socket as programs use it: calls, and requests that come the other way.
import assert from 'node:assert/strict';
import { connect } from 'node:net';

const WAIT_LIMIT_MS = 20_000;

export class ControlProgram {
  #socket;
  #buffer = '';
  #messages = [];
  #wake = () => {};
  #id = 0;

  constructor(path) {
    this.#socket = connect(path);
    this.#socket.on('error', () => {});
    this.#socket.on('data', (chunk) => {
      this.#buffer += chunk;
      const lines = this.#buffer.split('\n');
      this.#buffer = lines.pop();
      this.#messages.push(...lines.map((line) => JSON.parse(line)));
      this.#wake();
    });
  }

  #send(message) { this.#socket.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`); }
  /** The first message that fits, taken out of those that came. */
  async #take(what, fits) {
    const end = Date.now() + WAIT_LIMIT_MS;
    for (;;) {
      const place = this.#messages.findIndex(fits);
      if (place >= 0) return this.#messages.splice(place, 1)[0];
      assert.ok(Date.now() < end, `${what} did not come; there was ${JSON.stringify(this.#messages)}`);
      await new Promise((resolve) => { this.#wake = resolve; setTimeout(resolve, 100); });
    }
  }

  /** The result of a call; an error fails. */
  async ask(method, params = {}) {
    const id = ++this.#id;
    this.#send({ id, method, params });
    const { result, error } = await this.#take(`the answer to ${method}`, (message) => message.method === undefined && message.id === id);
    assert.equal(error, undefined, JSON.stringify(error));
    return result;
  }
  /** A request of the server's. */
  request(method, matches = () => true) { return this.#take(method, (message) => message.method === method && matches(message.params)); }
  answer({ id }, result) { this.#send({ id, result }); }
  end() { this.#socket.destroy(); }
}
