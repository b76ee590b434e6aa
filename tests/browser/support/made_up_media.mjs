// RTP made by hand: VP8 that no decoder is asked to like but whose headers are right, and "Opus" of known bytes.
import { RtpHeader, RtpPacket } from 'werift';

const PACKETS_PER_FRAME = 3;
const CHUNK_BYTES = 900;
const WIDTH = 320;
const HEIGHT = 180;

/** Bytes that tell where they belong: the same for the same `seed`. */
function pattern(seed, length) {
  const bytes = Buffer.alloc(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < length; ++i) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function packet(sequenceNumber, timestamp, marker, payload, payloadType) {
  return new RtpPacket(new RtpHeader({ version: 2, sequenceNumber: sequenceNumber & 0xffff, timestamp: timestamp >>> 0, marker, ssrc: 1, payloadType }), payload);
}

/** RFC 7741 payload descriptor: extended, 15-bit picture id. */
function vp8Descriptor(pictureId, start) {
  return Buffer.from([0x80 | (start ? 0x10 : 0), 0x80, 0x80 | ((pictureId >> 8) & 0x7f), pictureId & 0xff]);
}

/** Frame tag of RFC 6386 section 9.1, and for a key frame the start code and size. */
function vp8FrameHeader(isKey, firstPartBytes) {
  const tag = (isKey ? 0 : 1) | (1 << 4) | (firstPartBytes << 5);
  const bytes = [tag & 0xff, (tag >> 8) & 0xff, (tag >> 16) & 0xff];
  return Buffer.from(isKey ? [...bytes, 0x9d, 0x01, 0x2a, WIDTH & 0xff, WIDTH >> 8, HEIGHT & 0xff, HEIGHT >> 8] : bytes);
}

/** Packets of VP8 frames at 30 a second; picture ids begin at 32760 so that they wrap early. */
export class Vp8Source {
  #frame = 0;
  #sequence = 65500; // wraps early, too
  #keyWanted = true;

  requestKeyFrame() { this.#keyWanted = true; }

  nextFrame() {
    const isKey = this.#keyWanted;
    this.#keyWanted = false;
    const index = this.#frame++;
    const pictureId = (32760 + index) & 0x7fff;
    return Array.from({ length: PACKETS_PER_FRAME }, (_, part) => {
      const first = part === 0;
      const content = pattern(index * PACKETS_PER_FRAME + part, CHUNK_BYTES);
      const payload = Buffer.concat([vp8Descriptor(pictureId, first), ...(first ? [vp8FrameHeader(isKey, CHUNK_BYTES / 2)] : []), content]);
      return packet(this.#sequence++, index * 3000, part === PACKETS_PER_FRAME - 1, payload, 96);
    });
  }
}

/** Packets of 20 ms each. */
export class OpusSource {
  #index = 0;

  nextPacket() {
    const index = this.#index++;
    const toc = 0xfc; // CELT, fullband, 20 ms, stereo, one frame (RFC 6716 section 3.1)
    return packet(index + 65000, index * 960, index === 0, Buffer.concat([Buffer.from([toc]), pattern(index, 80)]), 111);
  }
}

/** Picture id and frame bytes of a VP8 payload with the descriptor above or its like. */
export function readVp8(payload) {
  const extended = (payload[0] & 0x80) !== 0;
  const start = (payload[0] & 0x10) !== 0;
  let at = 1;
  let pictureId = null;
  if (extended) {
    const flags = payload[at++];
    if (flags & 0x80) {
      const long = (payload[at] & 0x80) !== 0;
      pictureId = long ? ((payload[at] & 0x7f) << 8) | payload[at + 1] : payload[at];
      at += long ? 2 : 1;
    }
    if (flags & 0x40) at += 1;
    if (flags & 0x30) at += 1;
  }
  const data = payload.subarray(at);
  const isKey = start && (data[0] & 1) === 0;
  return {
    pictureId, start, isKey, data,
    width: isKey ? data.readUInt16LE(6) & 0x3fff : null, height: isKey ? data.readUInt16LE(8) & 0x3fff : null,
  };
}
