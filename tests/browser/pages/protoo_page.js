// Two people call each other over protoo: the snippet of the page, and what an application adds to it.
import { joinByProtoo } from '../../../control/page/clients/protoo.js';

export class Call {
  constructor() { this.waiting = []; }

  async join({ server, room, name }) {
    this.pc = new RTCPeerConnection();
    this.pc.ontrack = ({ streams: [stream], track }) => {
      if (track.kind !== 'video') return;
      this.video = document.createElement('video');
      Object.assign(this.video, { autoplay: true, srcObject: stream }); // not muted: what is not played has no level
      document.body.append(this.video);
    };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
    for (const track of stream.getTracks()) this.pc.addTrack(track, stream);
    this.pc.onicecandidate = ({ candidate }) => { if (candidate) this.room.send(this.other, { candidate }); };
    let work = Promise.resolve();
    this.room = await joinByProtoo({ server, room, name,
      onMessage: (from, data) => { work = work.then(() => this.signal(from, data)); } });
    return this.room.peers.map((peer) => peer.id);
  }

  async call(other) {
    this.other = other;
    await this.pc.setLocalDescription();
    await this.room.send(other, { description: this.pc.localDescription });
  }

  async signal(from, { description, candidate }) {
    this.other = from;
    if (candidate) {
      if (this.pc.remoteDescription) await this.pc.addIceCandidate(candidate);
      else this.waiting.push(candidate);
      return;
    }
    await this.pc.setRemoteDescription(description);
    for (const late of this.waiting.splice(0)) await this.pc.addIceCandidate(late);
    if (description.type !== 'offer') return;
    await this.pc.setLocalDescription();
    await this.room.send(from, { description: this.pc.localDescription });
  }

  async figures() {
    const stats = [...(await this.pc.getStats()).values()];
    const of = (kind) => stats.find((stat) => stat.type === 'inbound-rtp' && stat.kind === kind);
    return { state: this.pc.connectionState, frames: of('video')?.framesDecoded ?? 0, sound: of('audio')?.totalAudioEnergy ?? 0 };
  }
}
