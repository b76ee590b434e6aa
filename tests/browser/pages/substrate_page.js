// What an application of @substrate-system/webrtc does, over the real partysocket: a list of peers makes a connection with
// fresh TURN servers; who connects makes the offer; both sides say who they are on a data channel. With camera pictures.
import PartySocket from 'partysocket';

export class Substrate {
  constructor({ host, room, relayOnly = false }) {
    this.lists = [];
    this.names = [];
    this.relayOnly = relayOnly;
    this.origin = `http://${host}`;
    this.room = room;
    this.socket = new PartySocket({ host, room, party: 'main' });
    this.work = Promise.resolve();
    this.socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(data);
      // One after the other, as they came.
      this.work = this.work.then(() => (message.type === 'info:peerlist' ? this.list(message.peers) : this.signal(message)));
    });
  }

  async list(peers) {
    this.lists.push(peers);
    this.polite = peers.length === 0;
    const response = await fetch(`${this.origin}/parties/main/${this.room}/turn`);
    this.iceServers = response.ok ? (await response.json()).iceServers : [];
    this.pc?.close();
    this.pc = new RTCPeerConnection({ iceServers: this.iceServers, iceTransportPolicy: this.relayOnly ? 'relay' : 'all' });
    this.pc.onicecandidate = ({ candidate }) => this.send({ candidate });
    this.pc.ondatachannel = ({ channel }) => this.talk(channel);
    this.pc.ontrack = ({ streams: [stream], track }) => {
      if (track.kind !== 'video') return;
      this.video = document.createElement('video');
      Object.assign(this.video, { autoplay: true, srcObject: stream }); // not muted: what is not played has no level
      document.body.append(this.video);
    };
    this.waiting = [];
    this.stream ??= await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
    for (const track of this.stream.getTracks()) this.pc.addTrack(track, this.stream);
  }

  connectToPeer() {
    this.work = this.work.then(async () => {
      this.talk(this.pc.createDataChannel('info'));
      await this.pc.setLocalDescription();
      this.send({ type: 'offer', description: this.pc.localDescription });
    });
  }

  async signal({ description, candidate }) {
    if (description) {
      await this.pc.setRemoteDescription(description);
      for (const late of this.waiting.splice(0)) await this.pc.addIceCandidate(late);
      if (description.type === 'offer') {
        await this.pc.setLocalDescription();
        this.send({ description: this.pc.localDescription });
      }
    } else if (candidate) {
      if (this.pc.remoteDescription) await this.pc.addIceCandidate(candidate);
      else this.waiting.push(candidate);
    }
  }

  talk(channel) {
    channel.onopen = () => channel.send(JSON.stringify({ type: 'info', peerId: this.socket.id }));
    channel.onmessage = ({ data }) => this.names.push(JSON.parse(data).peerId);
  }

  send(message) { this.socket.send(JSON.stringify(message)); }

  /** What flows: decoded frames, received sound, and by which kinds of candidates. */
  async figures() {
    const stats = [...(await this.pc.getStats()).values()];
    const of = (kind) => stats.find((stat) => stat.type === 'inbound-rtp' && stat.kind === kind);
    const pair = stats.find((stat) => stat.type === 'candidate-pair' && stat.nominated && stat.state === 'succeeded');
    const type = (id) => stats.find((stat) => stat.id === id)?.candidateType;
    return { state: this.pc.connectionState, frames: of('video')?.framesDecoded ?? 0, sound: of('audio')?.totalAudioEnergy ?? 0,
      local: type(pair?.localCandidateId), remote: type(pair?.remoteCandidateId) };
  }
}
