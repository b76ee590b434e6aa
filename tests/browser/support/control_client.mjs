// The control socket, one question at a time: JSON-RPC 2.0, one object a line.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

export function controlClient(path) {
  const socket = connect(path);
  const waiting = new Map();
  let last = 0;
  createInterface({ input: socket }).on('line', (line) => {
    const { id, result, error } = JSON.parse(line);
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error) asked?.reject(Object.assign(new Error(error.message), { code: error.code }));
    else asked?.resolve(result);
  });
  return {
    ask: (method, params = {}) => new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: last, method, params })}\n`);
    }),
    close: () => socket.destroy(),
  };
}
