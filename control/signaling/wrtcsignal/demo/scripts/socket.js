// As much of Socket.IO v5 over Engine.IO v4 as this page needs: one WebSocket, the main namespace, events as text.
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 5000;

/** Connects, and again when the connection is lost. Events beside the server's: connect, connect_error, disconnect. */
export function connect(url, auth) {
  const handlers = new Map();
  const tell = (event, ...values) => handlers.get(event)?.(...values);
  const socket = {
    id: null,
    on: (event, handler) => handlers.set(event, handler),
    emit: (event, argument) => { if (socket.id) ws.send(`42${JSON.stringify([event, argument])}`); },
    close: () => { over = true; ws.close(); },
  };
  let ws;
  let over = false;
  let delay = FIRST_DELAY_MS;
  let patience = 0; // ms without a ping after which the server counts as gone
  let silence;
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => ws.close(), patience);
  };
  const namespace = (packet) => {
    const type = packet[0];
    if (type === '0') {
      socket.id = JSON.parse(packet.slice(1)).sid;
      delay = FIRST_DELAY_MS;
      tell('connect');
    } else if (type === '2') {
      tell(...JSON.parse(packet.slice(1)));
    } else if (type === '1' || type === '4') { // put out, or turned away: nobody comes back from that by itself
      if (type === '4') tell('connect_error', JSON.parse(packet.slice(1)).message);
      socket.close();
    }
  };
  const open = () => {
    ws = new WebSocket(new URL('/socket.io/?EIO=4&transport=websocket', url.replace(/^http/, 'ws')));
    ws.onmessage = ({ data }) => {
      if (data[0] === '0') {
        const { pingInterval, pingTimeout } = JSON.parse(data.slice(1));
        patience = pingInterval + pingTimeout;
        heard();
        ws.send(`40${JSON.stringify(auth)}`);
      } else if (data[0] === '2') {
        heard();
        ws.send('3');
      } else if (data[0] === '4') {
        namespace(data.slice(1));
      }
    };
    ws.onclose = () => {
      clearTimeout(silence);
      if (socket.id) tell('disconnect');
      socket.id = null;
      if (over) return;
      setTimeout(open, delay * (0.5 + Math.random()));
      delay = Math.min(2 * delay, LONGEST_DELAY_MS);
    };
  };
  open();
  return socket;
}
