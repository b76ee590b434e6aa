import { Emitter } from './emitter.js';
import { P2pMedia } from './p2p_media.js';
import { SfuMedia } from './sfu_media.js';
import { Signaling } from './signaling.js';

const SFU_READY_TIMEOUT_MS = 3000;

/**
 * One participant of one room: signaling and media behind a single object.
 *
 * Events: 'peer' (snapshot; new or changed), 'peer-left' {peerId}, 'track', 'ended', 'layer', 'problem', 'state',
 * 'connection', 'paused' {producerId, paused}, 'kicked' {reason}, 'closed' {code, reason}.
 */
export class RoomClient extends Emitter {
  peers = new Map();
  media = null;
  signaling;
  mode;

  constructor(url, { mode = 'sfu' } = {}) {
    super();
    this.mode = mode;
    this.signaling = new Signaling(url);
    this.signaling.on('message', (message) => this.#receive(message));
    this.signaling.on('state', (state) => this.emit('state', state));
    this.signaling.on('closed', (closed) => this.emit('closed', closed));
    this.signaling.on('resumed', (state) => {
      this.#roster(state.peers);
      this.media?.resumed();
    });
  }

  get peerId() {
    return this.signaling.peerId;
  }

  /** Joins `roomId` and starts media with `stream` (null to only watch). Rejects with {code, message} when refused. */
  async join(roomId, metadata, stream) {
    const ready = this.mode === 'p2p' ? null : this.#next('sfu:ready');
    const state = await this.signaling.join(roomId, metadata);
    this.#roster(state.peers);
    if (this.mode === 'p2p') {
      this.#attachMedia(new P2pMedia(this.signaling, state.iceServers));
      await this.media.start(stream, state.peers);
      return;
    }
    const { existingProducers } = await ready;
    this.#attachMedia(new SfuMedia(this.signaling));
    await this.media.start(stream, existingProducers);
  }

  leave() {
    this.media?.close();
    this.signaling.leave();
  }

  #next(type) {
    return new Promise((resolve, reject) => {
      const off = this.signaling.on('message', (message) => {
        if (message.type === type) { clearTimeout(timer); off(); resolve(message); }
      });
      const timer = setTimeout(() => {
        off();
        reject({ code: 'NO_MEDIA_SERVER', message: 'This server has its media side turned off; open the page with ?mode=p2p.' });
      }, SFU_READY_TIMEOUT_MS + 10_000);
      // Nobody may be waiting yet when the join is refused.
      this.signaling.on('closed', () => clearTimeout(timer));
    });
  }

  #attachMedia(media) {
    this.media = media;
    for (const name of ['track', 'ended', 'layer', 'problem', 'connection']) media.on(name, (detail) => this.emit(name, detail));
  }

  #roster(peers) {
    const present = new Set(peers.map((peer) => peer.id));
    for (const id of [...this.peers.keys()]) if (!present.has(id)) this.#gone(id);
    for (const peer of peers) this.#known(peer);
  }
  #known(peer) {
    this.peers.set(peer.id, peer);
    this.emit('peer', peer);
  }
  #gone(peerId) {
    if (this.peers.delete(peerId)) this.emit('peer-left', { peerId });
  }

  #receive(message) {
    switch (message.type) {
      case 'peer:joined':
      case 'peer:reconnected':
        this.#known(message.peer);
        break;
      case 'peer:left':
        this.#gone(message.peerId);
        break;
      case 'peer:updated': {
        const peer = this.peers.get(message.peerId);
        if (peer) this.#known({ ...peer, metadata: { ...peer.metadata, ...message.patch } });
        break;
      }
      case 'sfu:paused':
      case 'sfu:resumed':
        this.emit('paused', { producerId: message.producerId, paused: message.type === 'sfu:paused' });
        break;
      case 'kicked':
        this.emit('kicked', message);
        break;
    }
  }
}
