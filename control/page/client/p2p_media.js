import { Emitter } from './emitter.js';

/**
 * Media from peer to peer: the server only relays offers, answers and candidates. Whoever comes later makes the offer.
 * Events as SfuMedia.
 */
export class P2pMedia extends Emitter {
  connections = new Map(); // peerId -> RTCPeerConnection
  #signaling;
  #stream;
  #iceServers;
  #early = new Map(); // peerId -> candidates that came before their description

  constructor(signaling, iceServers = []) {
    super();
    this.#signaling = signaling;
    this.#iceServers = iceServers;
    signaling.on('message', (message) => this.#receive(message));
  }

  async start(stream, peers) {
    this.#stream = stream;
    for (const peer of peers) {
      const pc = this.#connection(peer.id);
      if (!stream) for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
      await pc.setLocalDescription(await pc.createOffer());
      this.#signaling.send({ type: 'offer', target: peer.id, sdp: pc.localDescription.toJSON() });
    }
  }

  #connection(peerId) {
    if (this.connections.has(peerId)) return this.connections.get(peerId);
    const pc = new RTCPeerConnection({ iceServers: this.#iceServers });
    this.connections.set(peerId, pc);
    for (const track of this.#stream?.getTracks() ?? []) pc.addTrack(track, this.#stream);
    pc.onicecandidate = ({ candidate }) => {
      if (candidate) this.#signaling.send({ type: 'ice-candidate', target: peerId, candidate: candidate.toJSON() });
    };
    pc.onconnectionstatechange = () => this.emit('connection', pc.connectionState);
    pc.ontrack = ({ track }) => {
      this.emit('track', { consumerId: `${peerId}/${track.id}`, peerId, kind: track.kind, track, layers: [] });
    };
    return pc;
  }

  async #receive(message) {
    const { type, from } = message;
    if (type === 'peer:left') {
      this.connections.get(message.peerId)?.close();
      this.connections.delete(message.peerId);
    } else if (type === 'offer') {
      const pc = this.#connection(from);
      await pc.setRemoteDescription(message.sdp);
      await this.#addEarly(from, pc);
      await pc.setLocalDescription(await pc.createAnswer());
      this.#signaling.send({ type: 'answer', target: from, sdp: pc.localDescription.toJSON() });
    } else if (type === 'answer') {
      const pc = this.connections.get(from);
      if (!pc) return;
      await pc.setRemoteDescription(message.sdp);
      await this.#addEarly(from, pc);
    } else if (type === 'ice-candidate') {
      const pc = this.connections.get(from);
      if (pc?.remoteDescription) {
        await pc.addIceCandidate(message.candidate).catch(() => {});
      } else {
        this.#early.set(from, [...(this.#early.get(from) ?? []), message.candidate]);
      }
    }
  }

  async #addEarly(peerId, pc) {
    for (const candidate of this.#early.get(peerId) ?? []) await pc.addIceCandidate(candidate).catch(() => {});
    this.#early.delete(peerId);
  }

  setPaused(kind, paused) {
    for (const track of this.#stream?.getTracks() ?? []) if (track.kind === kind) track.enabled = !paused;
  }
  setLayer() {}
  resumed() {}
  close() {
    for (const pc of this.connections.values()) pc.close();
    this.connections.clear();
  }
}
