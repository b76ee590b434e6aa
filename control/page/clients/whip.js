// No package needed: WHIP (RFC 9725) is one HTTP request.

/** Publishes the tracks of `stream` in a room. Resolves when the server has answered; media flows from then on. */
export async function publishByWhip({ url, stream, token }) { // https://host/whip/ROOM
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const track of stream.getTracks()) pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
  await pc.setLocalDescription();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/sdp', ...(token && { Authorization: `Bearer ${token}` }) },
    body: pc.localDescription.sdp,
  });
  if (response.status !== 201) throw new Error(`WHIP: ${response.status} ${await response.text()}`);
  const session = new URL(response.headers.get('Location'), url);
  await pc.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  return {
    pc,
    stop: async () => {
      await fetch(session, { method: 'DELETE', headers: token ? { Authorization: `Bearer ${token}` } : {} });
      pc.close();
    },
  };
}
