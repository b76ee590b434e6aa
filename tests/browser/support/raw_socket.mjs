// A WebSocket client made by hand, to send what a real one refuses to send.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

/** Upgrades a TCP connection to the server's WebSocket; gives {send(bytes), ended()}. */
export async function rawWebSocket(server) {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let bytes = Buffer.alloc(0);
  let finished = false;
  let wake = () => {};
  socket.on('data', (chunk) => { bytes = Buffer.concat([bytes, chunk]); wake(); });
  socket.on('error', () => {});
  socket.on('close', () => { finished = true; wake(); });
  const until = (done, limitMs = 10_000) => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the server did not answer within ${limitMs} ms`)), limitMs);
    wake = () => { if (done()) { clearTimeout(timer); resolve(); } };
    wake();
  });
  socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
    + `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`);
  await until(() => bytes.includes('\r\n\r\n') || finished);
  if (!bytes.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(`no upgrade: ${bytes.toString('latin1', 0, 100)}`);
  bytes = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
  return {
    send: (frame) => socket.write(frame),
    /** The code of the server's close frame, or null when it ended the connection without one. */
    async ended() {
      await until(() => finished || closeCode(bytes) !== undefined);
      socket.destroy();
      return closeCode(bytes) ?? null;
    },
  };
}

/** One frame (RFC 6455 section 5.2); `first` is the byte with FIN, the reserved bits and the opcode. */
export function frame(first, payload, { length = payload.length } = {}) {
  const size = length < 126 ? Buffer.from([length]) : length < 65536 ? Buffer.from([126, length >> 8, length & 0xff])
    : Buffer.concat([Buffer.from([127]), (() => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(length)); return b; })()]);
  size[0] |= 0x80;
  const key = randomBytes(4);
  return Buffer.concat([Buffer.from([first]), size, key, Buffer.from(payload.map((byte, i) => byte ^ key[i % 4]))]);
}

/** The code of the first close frame among whole frames of the server (unmasked), 1005 for one without; undefined if none. */
function closeCode(bytes) {
  let at = 0;
  while (at + 2 <= bytes.length) {
    const opcode = bytes[at] & 0x0f;
    let length = bytes[at + 1] & 0x7f;
    let header = 2;
    if (length === 126) { if (at + 4 > bytes.length) return undefined; length = bytes.readUInt16BE(at + 2); header = 4; }
    if (length === 127) { if (at + 10 > bytes.length) return undefined; length = Number(bytes.readBigUInt64BE(at + 2)); header = 10; }
    if (at + header + length > bytes.length) return undefined;
    if (opcode === 8) return length >= 2 ? bytes.readUInt16BE(at + header) : 1005;
    at += header + length;
  }
  return undefined;
}
