import { Emitter } from './emitter.js';

const FIRST_RETRY_MS = 150;
const RETRY_MS_MAX = 4000;
const UNSENT_MAX = 64;

/**
 * The native signaling protocol on one WebSocket that comes back by itself: join, resume by token, requests by message.
 *
 * Events: 'message' (every message), 'joined' {peers, peerId, metadata, iceServers}, 'resumed' {peers, peerId}, 'state'
 * (connecting | joined | reconnecting | closed), 'closed' {code, reason, final}, 'refused' {code, message}.
 */
export class Signaling extends Emitter {
  peerId = null;
  state = 'idle';
  #url;
  #socket = null;
  #room = null;
  #metadata = {};
  #token = null;
  #lastSeenSeq = -1;
  #retryMs = FIRST_RETRY_MS;
  #retryTimer = 0;
  #left = false;
  #unsent = []; // while the connection is away; lost with it if the token no longer works

  constructor(url) {
    super();
    this.#url = url;
  }

  /** Connects and joins. Resolves with the room's state on admission; rejects with {code, message} when refused. */
  join(roomId, metadata) {
    this.#room = roomId;
    this.#metadata = metadata;
    this.#left = false;
    return new Promise((resolve, reject) => {
      const done = [
        this.on('joined', (state) => { finish(); resolve(state); }),
        this.on('refused', (error) => { finish(); reject(error); }),
        this.on('closed', ({ code, reason }) => {
          finish();
          reject({ code: 'CLOSED', message: reason || `connection closed (${code})` });
        }),
      ];
      const finish = () => done.forEach((off) => off());
      this.#connect();
    });
  }

  /** Sends now, or after the resume when the connection is away. (Offers to the media server repeat themselves then.) */
  send(message) {
    const away = this.state === 'reconnecting' || this.#socket?.readyState !== WebSocket.OPEN;
    if (!away) this.#write(message);
    else if (this.#token && !this.#left && message.target !== '__sfu__' && this.#unsent.length < UNSENT_MAX) this.#unsent.push(message);
  }
  #write(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
  data(payload, target) {
    this.send(target ? { type: 'data', target, payload } : { type: 'data', payload });
  }

  leave() {
    this.#left = true;
    clearTimeout(this.#retryTimer);
    this.#write({ type: 'leave' });
    this.#socket?.close(1000);
    this.#setState('closed');
  }

  /** For tests and for a network change: drops the socket as a lost connection would. */
  drop() {
    this.#socket?.close();
  }

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit('state', state);
  }

  #connect() {
    this.#setState(this.#token ? 'reconnecting' : 'connecting');
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    let refusal = null;
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === 'error') refusal = message;
      this.#receive(message);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket !== socket || this.#left) return;
      // 1008 is the server's final word (kicked, rejected); everything else is a lost connection.
      const final = code === 1008 || !this.#token;
      if (final) {
        this.#setState('closed');
        if (refusal && this.peerId === null) this.emit('refused', { code: refusal.code, message: refusal.message ?? reason });
        this.emit('closed', { code, reason, final });
        return;
      }
      this.#setState('reconnecting');
      this.#retryTimer = setTimeout(() => this.#connect(), this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
    };
  }

  #receive(message) {
    if (Number.isInteger(message.__seq)) this.#lastSeenSeq = Math.max(this.#lastSeenSeq, message.__seq);
    switch (message.type) {
      case 'connected':
        if (this.#token) {
          this.#write({ type: 'reconnect', token: this.#token, roomId: this.#room, lastSeenSeq: this.#lastSeenSeq, metadata: this.#metadata });
        } else {
          this.#write({ type: 'join', roomId: this.#room, metadata: this.#metadata });
        }
        break;
      case 'room:joined':
        this.#unsent = [];
        this.#admitted(message);
        this.emit('joined', message);
        break;
      case 'room:state':
        this.#admitted(message);
        for (const unsent of this.#unsent.splice(0)) this.#write(unsent);
        this.emit('resumed', message);
        break;
      case 'error':
        if (message.code === 'ROOM_FULL') this.emit('refused', message);
        break;
    }
    this.emit('message', message);
  }

  #admitted(message) {
    if (message.peerId) this.peerId = message.peerId;
    if (message.reconnectToken) this.#token = message.reconnectToken;
    this.#retryMs = FIRST_RETRY_MS;
    this.#setState('joined');
  }
}
