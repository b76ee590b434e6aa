// npm install socket.io-client
// How an rtc.io application joins a room. `io` is socket.io-client's (4.x), `url` the server's.
// Every member that was there before makes the offer; the newcomer answers ("perfect negotiation", existing members polite).
export function joinRtcioRoom(io, url, { roomId, name, password, stream, onStream, options = {} }) {
  const socket = io(url, options);
  const peers = new Map(); // socket id -> { pc, polite, makingOffer }

  function send(target, data) {
    socket.emit('#rtcio:message', { source: socket.id, target, data });
  }
  function connectTo(id, polite) {
    peers.get(id)?.pc.close();
    const pc = new RTCPeerConnection();
    const peer = { pc, polite, makingOffer: false };
    peers.set(id, peer);
    for (const track of stream?.getTracks() ?? []) pc.addTrack(track, stream);
    pc.ontrack = ({ track, streams }) => onStream?.(id, streams[0], track);
    pc.onicecandidate = ({ candidate }) => candidate && send(id, { candidate });
    pc.onnegotiationneeded = async () => {
      if (!polite && pc.signalingState === 'stable' && !pc.remoteDescription) return; // the other side begins
      peer.makingOffer = true;
      await pc.setLocalDescription();
      send(id, { description: pc.localDescription });
      peer.makingOffer = false;
    };
    return peer;
  }

  socket.on('connect', () => { if (!socket.recovered) socket.emit('join-room', { roomId, name, password }); });
  socket.on('#rtcio:init-offer', ({ source }, settings) => connectTo(source, settings?.polite === true));
  socket.on('#rtcio:message', async ({ source, data }) => {
    const peer = peers.get(source) ?? connectTo(source, false);
    const { pc, polite } = peer;
    if (data.description) {
      const collision = data.description.type === 'offer' && (peer.makingOffer || pc.signalingState !== 'stable');
      peer.ignoring = collision && !polite;
      if (peer.ignoring) return;
      await pc.setRemoteDescription(data.description);
      if (data.description.type !== 'offer') return;
      await pc.setLocalDescription();
      send(source, { description: pc.localDescription });
    } else if (data.candidate && !peer.ignoring) {
      await pc.addIceCandidate(data.candidate);
    }
  });
  socket.on('#rtcio:peer-left', ({ id }) => {
    peers.get(id)?.pc.close();
    peers.delete(id);
  });
  return { socket, peers };
}
