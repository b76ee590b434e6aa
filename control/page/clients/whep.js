// No package needed: WHEP is one HTTP request.

/** Watches what a room publishes. Resolves with the stream; `?peer=ID` in the URL chooses whose. */
export async function watchByWhep({ url, token }) { // https://host/whep/ROOM
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const stream = new MediaStream();
  for (const kind of ['audio', 'video']) stream.addTrack(pc.addTransceiver(kind, { direction: 'recvonly' }).receiver.track);
  await pc.setLocalDescription();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/sdp', ...(token && { Authorization: `Bearer ${token}` }) },
    body: pc.localDescription.sdp,
  });
  if (response.status !== 201) throw new Error(`WHEP: ${response.status} ${await response.text()}`);
  const session = new URL(response.headers.get('Location'), url);
  await pc.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  return {
    pc,
    stream, // video.srcObject = stream
    stop: async () => {
      await fetch(session, { method: 'DELETE', headers: token ? { Authorization: `Bearer ${token}` } : {} });
      pc.close();
    },
  };
}
