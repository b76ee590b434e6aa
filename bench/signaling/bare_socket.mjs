// A WebSocket client that is as cheap as can be, so that one core of clients keeps a server busy: it writes frames that were made
// before, and of what comes back it looks at the kind only.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

/** A client frame of text (RFC 6455), masked with zeroes, which leaves the text as it is. */
export function frame(text) {
  const payload = Buffer.from(text);
  const head = payload.length < 126 ? Buffer.from([0x81, 0x80 | payload.length]) : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

/** `onframe(bytes, begin, end)` is called for each text frame; a server's pings are answered. Resolves when it is open. */
export function openBare(port, path, protocol) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    let held = Buffer.alloc(0);
    let open = false;
    const client = {
      onframe: () => {},
      write: (bytes) => socket.write(bytes),
      end: () => new Promise((ended) => { socket.once('close', ended); socket.destroy(); }),
    };
    const take = (chunk) => {
      held = held.length ? Buffer.concat([held, chunk]) : chunk;
      let at = 0;
      while (held.length - at >= 2) {
        let size = held[at + 1] & 127;
        let head = 2;
        if (size === 126) { if (held.length - at < 4) break; size = held.readUInt16BE(at + 2); head = 4; }
        if (held.length - at < head + size) break;
        const kind = held[at] & 15;
        if (kind === 9) socket.write(Buffer.concat([Buffer.from([0x8a, 0x80 | size, 0, 0, 0, 0]), held.subarray(at + head, at + head + size)]));
        else if (kind === 1) client.onframe(held, at + head, at + head + size);
        at += head + size;
      }
      held = held.subarray(at);
    };
    socket.on('data', (chunk) => {
      if (open) return take(chunk);
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf('\r\n\r\n');
      if (end < 0) return undefined;
      if (!held.toString('latin1', 0, 12).endsWith('101')) return reject(new Error(held.toString('latin1', 0, 60)));
      open = true;
      resolve(client);
      const rest = held.subarray(end + 4);
      held = Buffer.alloc(0);
      return take(rest);
    });
    socket.on('error', reject);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: ${protocol}\r\n`
      + `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`);
  });
}
