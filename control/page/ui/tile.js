const template = document.getElementById('tile-template');

/** One participant on the screen. */
export class Tile {
  audioElement = null;
  consumers = new Map(); // kind -> {consumerId, track, layers}

  constructor({ id, name, self = false, onLayer }) {
    this.id = id;
    this.self = self;
    this.onLayer = onLayer;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.element.dataset.peer = id;
    this.video = this.element.querySelector('video');
    this.video.muted = true; // sound has an element of its own
    this.element.classList.toggle('self', self);
    this.setName(name);
  }

  setName(name) {
    this.element.querySelector('.name').textContent = this.self ? `${name} (you)` : name;
    this.element.querySelector('.avatar').textContent = (name.trim()[0] ?? '?').toUpperCase();
  }

  setMuted(muted) {
    this.element.querySelector('.muted-mark').hidden = !muted;
  }
  setPictureOff(off) {
    this.pictureOff = off;
    this.#showPicture();
  }

  showStream(stream, mirror) {
    this.video.srcObject = stream;
    this.video.classList.toggle('mirror', mirror);
    this.hasTrack = Boolean(stream?.getVideoTracks().length);
    this.#showPicture();
    this.video.play().catch(() => {});
  }

  add(consumer) {
    this.consumers.set(consumer.kind, consumer);
    if (consumer.kind === 'audio') {
      this.audioElement ??= Object.assign(document.createElement('audio'), { autoplay: true });
      this.audioElement.srcObject = new MediaStream([consumer.track]);
      this.audioElement.play().catch(() => {});
      return;
    }
    this.video.srcObject = new MediaStream([consumer.track]);
    this.hasTrack = true;
    this.video.onresize = this.video.onplaying = () => this.#showPicture();
    this.video.play().catch(() => {});
    this.#showLayers(consumer);
    this.#showPicture();
  }

  remove(consumerId) {
    for (const [kind, consumer] of this.consumers) {
      if (consumer.consumerId !== consumerId) continue;
      this.consumers.delete(kind);
      if (kind === 'audio') {
        if (this.audioElement) this.audioElement.srcObject = null;
      } else {
        this.hasTrack = false;
        this.video.srcObject = null;
        this.element.querySelector('.layers').hidden = true;
        this.#showPicture();
      }
    }
  }

  #showPicture() {
    const playing = this.self || this.video.videoWidth > 0;
    this.element.classList.toggle('has-picture', Boolean(this.hasTrack && !this.pictureOff && playing));
  }

  #showLayers(consumer) {
    const group = this.element.querySelector('.layers');
    group.hidden = consumer.layers.length < 2;
    group.replaceChildren(...consumer.layers.map((layer) => {
      const button = Object.assign(document.createElement('button'), { type: 'button', textContent: layer[0].toUpperCase() + layer.slice(1) });
      button.dataset.layer = layer;
      button.onclick = () => this.onLayer?.(consumer.consumerId, layer);
      return button;
    }));
    this.setLayer(consumer.layer ?? consumer.layers.at(-1));
  }

  setLayer(layer) {
    for (const button of this.element.querySelectorAll('.layers button')) {
      button.setAttribute('aria-pressed', String(button.dataset.layer === layer));
    }
  }

  setFigures(video, audio) {
    const parts = [];
    if (video && video.height) parts.push(`${video.width}×${video.height}`, `${Math.round(video.fps)} fps`);
    if (video || audio) parts.push(formatBitrate((video?.bitrate ?? 0) + (audio?.bitrate ?? 0)));
    if (!this.self && (video || audio)) parts.push(`${((video?.loss ?? audio?.loss ?? 0) * 100).toFixed(1)} % loss`);
    const rtt = video?.rtt ?? audio?.rtt;
    if (rtt !== null && rtt !== undefined) parts.push(`${Math.round(rtt * 1000)} ms`);
    this.element.querySelector('.figures').textContent = parts.join(' · ');
    this.element.classList.toggle('speaking', (audio?.audioLevel ?? 0) > 0.03);
  }

  close() {
    this.element.remove();
    if (this.audioElement) this.audioElement.srcObject = null;
  }
}

function formatBitrate(bits) {
  return bits >= 1e6 ? `${(bits / 1e6).toFixed(2)} Mbit/s` : `${Math.round(bits / 1000)} kbit/s`;
}
