// The live connection: JSON-RPC 2.0 over a WebSocket. The secret is shown once, by POST, for a ticket that opens one socket.
export class Live extends EventTarget {
  #socket = null; #calls = new Map(); #next = 1; #wait = 500; #secret = sessionStorage.getItem('secret') ?? '';

  get isLive() { return this.#socket?.readyState === WebSocket.OPEN; }
  useSecret(secret) { this.#secret = secret; sessionStorage.setItem('secret', secret); }
  forgetSecret() { this.#secret = ''; sessionStorage.removeItem('secret'); }

  #tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  async connect() {
    this.#tell('state', 'connecting');
    let answer;
    try {
      const headers = this.#secret ? { authorization: `Bearer ${this.#secret}` } : {};
      answer = await fetch('/dashboard/ticket', { method: 'POST', headers });
    } catch { return this.#retry(); }
    if (answer.status === 401) return this.#tell('secret', this.#secret !== '');
    if (!answer.ok) return this.#tell('refused', (await answer.json().catch(() => ({}))).error ?? `status ${answer.status}`);
    const { ticket } = await answer.json();
    const url = new URL('/dashboard/live', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = this.#socket = new WebSocket(url, ['sluice.dashboard', `ticket.${ticket}`]);
    socket.onopen = () => { this.#wait = 500; this.#tell('state', 'live'); this.#tell('open'); };
    socket.onmessage = ({ data }) => { for (const message of [JSON.parse(data)].flat()) this.#take(message); };
    socket.onclose = () => {
      for (const { reject } of this.#calls.values()) reject(new Error('The connection was lost.'));
      this.#calls.clear();
      this.#retry();
    };
  }

  #retry() {
    this.#tell('state', 'lost');
    setTimeout(() => this.connect(), this.#wait);
    this.#wait = Math.min(this.#wait * 1.7, 8000);
  }

  #take(message) {
    if (message.method) return this.#tell(message.method, message.params);
    const call = this.#calls.get(message.id);
    if (!call) return;
    this.#calls.delete(message.id);
    if ('result' in message) call.resolve(message.result);
    else call.reject(new Error(message.error.message));
  }

  #request(method, params) {
    const id = this.#next++;
    const promise = new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }));
    return { promise, message: { jsonrpc: '2.0', id, method, ...(params ? { params } : {}) } };
  }

  call(method, params) {
    if (!this.isLive) return Promise.reject(new Error('There is no connection to the server.'));
    const { promise, message } = this.#request(method, params);
    this.#socket.send(JSON.stringify(message));
    return promise;
  }

  /** Several calls in one message; one that fails gives null. */
  batch(calls) {
    if (!this.isLive || calls.length === 0) return Promise.resolve(calls.map(() => null));
    const made = calls.map(([method, params]) => this.#request(method, params));
    this.#socket.send(JSON.stringify(made.map(({ message }) => message)));
    return Promise.all(made.map(({ promise }) => promise.catch(() => null)));
  }
}
