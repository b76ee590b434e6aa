import { Emitter } from './emitter.js';
import { LAYERS, encodingsFor } from './media_settings.js';

const SFU = '__sfu__';
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Media through the server: one RTCPeerConnection that sends our tracks and receives everybody's. The client always makes
 * the offer; negotiations run one after another.
 *
 * Events: 'track' {consumerId, producerId, peerId, kind, track, layers}, 'ended' {consumerId}, 'connection' (state of the
 * RTCPeerConnection), 'layer' {consumerId, layer}, 'problem' {code, message}.
 */
export class SfuMedia extends Emitter {
  pc = null;
  consumers = new Map(); // consumerId -> {consumerId, producerId, peerId, kind, layers, mid, track}
  producers = new Map(); // producerId -> {peerId, kind, trackId, layers} of the others
  published = new Map(); // kind -> {producerId, track}
  #signaling;
  #negotiating = Promise.resolve();
  #renegotiate = false;
  #awaitingAnswer = null;
  #pendingPublish = [];
  #announced = new Set(); // ids of tracks that the server was told of
  #subscribing = new Set(); // producerIds
  #local = [];
  #closed = false;

  constructor(signaling) {
    super();
    this.#signaling = signaling;
    signaling.on('message', (message) => this.#receive(message));
    this.#open();
  }

  #open() {
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.pc = pc;
    pc.onconnectionstatechange = () => {
      if (this.pc !== pc) return;
      this.emit('connection', pc.connectionState);
      if (pc.connectionState === 'failed' && !this.#closed) this.restart();
    };
  }

  /** Publishes the tracks of `stream` and subscribes to all that others publish. */
  async start(stream, existingProducers) {
    this.#local = stream ? stream.getTracks() : [];
    for (const producer of existingProducers) this.producers.set(producer.producerId, producer);
    this.#addSenders();
    for (const kind of ['audio', 'video']) {
      const wanted = [...this.producers.values()].filter((p) => p.kind === kind).length;
      for (let i = 0; i < wanted; ++i) this.pc.addTransceiver(kind, { direction: 'recvonly' });
    }
    if (this.pc.getTransceivers().length > 0) await this.negotiate();
    for (const producerId of this.producers.keys()) this.#subscribe(producerId);
  }

  #addSenders() {
    for (const track of this.#local) {
      const streams = [new MediaStream(this.#local)];
      if (track.kind === 'audio') {
        this.pc.addTransceiver(track, { direction: 'sendonly', streams });
      } else {
        this.pc.addTransceiver(track, { direction: 'sendonly', streams, sendEncodings: encodingsFor(track.getSettings()) });
      }
    }
  }

  /**
   * Tells the server of the tracks that it does not know yet. To be called once their m-lines have mids and before the
   * offer goes out: then the first key frame, which follows the answer at once, is already expected.
   */
  #publish() {
    for (const transceiver of this.pc.getTransceivers()) {
      const track = transceiver.sender.track;
      if (!track || this.#announced.has(track.id)) continue;
      this.#announced.add(track.id);
      this.#signaling.data({
        __sfu: 'publish', kind: track.kind, trackId: track.id, mid: transceiver.mid,
        ...(track.kind === 'video' ? { layers: this.#layersOf(transceiver) } : {}),
      });
      this.#pendingPublish.push({ kind: track.kind, track });
    }
  }

  #layersOf(transceiver) {
    const rids = transceiver.sender.getParameters().encodings.map((e) => e.rid).filter(Boolean);
    return rids.length > 1 ? LAYERS.filter((name) => rids.includes(name)) : ['high'];
  }

  /**
   * A new RTCPeerConnection in the place of one that failed. Publications and subscriptions stay; the server moves them to
   * the new lines (our tracks come first again, so their mids are the same).
   */
  async restart() {
    const old = this.pc;
    this.#open();
    old.close();
    this.#addSenders();
    for (const consumer of this.consumers.values()) {
      this.pc.addTransceiver(consumer.kind, { direction: 'recvonly' });
      consumer.mid = null;
    }
    await this.negotiate();
  }

  /** Makes an offer and applies the answer; calls while one runs join into one more round. */
  negotiate() {
    if (this.#renegotiate) return this.#negotiating;
    this.#renegotiate = true;
    this.#negotiating = this.#negotiating.catch(() => {}).then(async () => {
      this.#renegotiate = false;
      if (this.#closed) return;
      const pc = this.pc;
      await pc.setLocalDescription(await pc.createOffer());
      this.#publish();
      const answer = await this.#exchange(pc.localDescription.sdp);
      if (this.pc !== pc || pc.signalingState !== 'have-local-offer') return;
      await pc.setRemoteDescription({ type: 'answer', sdp: answer });
      for (const consumer of this.consumers.values()) this.#attach(consumer);
    });
    return this.#negotiating;
  }

  #exchange(sdp) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the server did not answer our offer')), ANSWER_TIMEOUT_MS);
      this.#awaitingAnswer = {
        resolve: (answer) => { clearTimeout(timer); resolve(answer); },
        reject: (error) => { clearTimeout(timer); reject(error); },
        sdp,
      };
      this.#signaling.send({ type: 'offer', target: SFU, sdp });
    });
  }

  /** After a resume: an offer that was under way when the connection broke is sent again. */
  resumed() {
    if (this.#awaitingAnswer) this.#signaling.send({ type: 'offer', target: SFU, sdp: this.#awaitingAnswer.sdp });
  }

  #subscribe(producerId) {
    if (this.#subscribing.has(producerId)) return;
    if ([...this.consumers.values()].some((c) => c.producerId === producerId)) return;
    this.#subscribing.add(producerId);
    this.#signaling.data({ __sfu: 'subscribe', producerId });
  }

  setLayer(consumerId, layer) {
    this.#signaling.data({ __sfu: 'layers', consumerId, layer });
  }

  /** Stops or resumes sending our audio or video, at the source and in everybody's forwarding table. */
  setPaused(kind, paused) {
    const entry = this.published.get(kind);
    if (!entry) return;
    entry.track.enabled = !paused;
    this.#signaling.data({ __sfu: paused ? 'pause' : 'resume', producerId: entry.producerId });
  }

  close() {
    this.#closed = true;
    this.pc.close();
  }

  #receive(message) {
    switch (message.type) {
      case 'answer':
        if (message.from !== SFU) return;
        this.#awaitingAnswer?.resolve(typeof message.sdp === 'string' ? message.sdp : message.sdp.sdp);
        this.#awaitingAnswer = null;
        break;
      case 'sfu:published': {
        const at = this.#pendingPublish.findIndex((p) => p.kind === message.kind);
        if (at >= 0) this.published.set(message.kind, { producerId: message.producerId, ...this.#pendingPublish.splice(at, 1)[0] });
        break;
      }
      case 'sfu:peer:published':
        this.producers.set(message.producerId, message);
        this.#subscribe(message.producerId);
        break;
      case 'sfu:peer:unpublished':
        this.producers.delete(message.producerId);
        break;
      case 'sfu:subscribed':
        this.#subscribed(message);
        break;
      case 'sfu:consumer:ready': {
        const consumer = this.consumers.get(message.consumerId);
        if (!consumer) return;
        consumer.mid = message.mid;
        this.#attach(consumer);
        break;
      }
      case 'sfu:consumer:closed':
      case 'sfu:unsubscribed':
        if (this.consumers.delete(message.consumerId)) this.emit('ended', { consumerId: message.consumerId });
        break;
      case 'sfu:layer:changed':
      case 'sfu:layer:auto':
        this.emit('layer', { consumerId: message.consumerId, layer: message.layer });
        break;
      case 'error':
        this.#failed(message);
        break;
    }
  }

  #subscribed(message) {
    this.#subscribing.delete(message.producerId);
    const producer = this.producers.get(message.producerId) ?? {};
    const consumer = {
      consumerId: message.consumerId, producerId: message.producerId, peerId: message.publisherId, kind: message.kind,
      layers: producer.layers ?? (message.activeLayer ? LAYERS : []), layer: message.activeLayer, mid: message.mid ?? null, track: null,
    };
    this.consumers.set(consumer.consumerId, consumer);
    if (consumer.mid !== null) {
      this.#attach(consumer);
    } else {
      // No receiving line was free: offer one more; 'sfu:consumer:ready' names it.
      this.pc.addTransceiver(consumer.kind, { direction: 'recvonly' });
      this.negotiate().catch((error) => this.emit('problem', { code: 'NEGOTIATION', message: error.message }));
    }
  }

  #attach(consumer) {
    if (consumer.mid === null) return;
    const transceiver = this.pc.getTransceivers().find((t) => t.mid === consumer.mid);
    if (!transceiver || transceiver.receiver.track === consumer.track) return;
    consumer.track = transceiver.receiver.track;
    this.emit('track', { ...consumer });
  }

  #failed(message) {
    if (message.code?.startsWith('SFU_') !== true && message.code !== 'RATE_LIMITED') return;
    if (message.code === 'SFU_OFFER_INVALID' || message.code === 'SFU_UNAVAILABLE') {
      this.#awaitingAnswer?.reject(new Error(message.message ?? message.code));
      this.#awaitingAnswer = null;
    }
    if (message.code === 'SFU_PRODUCER_NOT_FOUND') this.#subscribing.delete(message.producerId);
    this.emit('problem', message);
    if (message.code === 'SFU_TRANSPORT_CLOSED') this.restart().catch(() => {});
  }
}
