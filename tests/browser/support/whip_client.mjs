// WHIP (RFC 9725) and WHEP as a client speaks them: by fetch, with any RTCPeerConnection. Runs in pages and in Node.

const FRAGMENT = 'application/trickle-ice-sdpfrag';

/** Opens a session: {url, etag, links, answer}; `pc` has its transceivers already. Throws with `status` when refused. */
export async function openSession(endpoint, pc, { token } = {}) {
  await pc.setLocalDescription(await pc.createOffer());
  const response = await fetch(endpoint, {
    method: 'POST', body: pc.localDescription.sdp,
    headers: { 'content-type': 'application/sdp', ...(token ? { authorization: `Bearer ${token}` } : {}) },
  });
  const answer = await response.text();
  if (response.status !== 201) throw Object.assign(new Error(`${response.status} ${answer}`), { status: response.status });
  await pc.setRemoteDescription({ type: 'answer', sdp: answer });
  return {
    url: new URL(response.headers.get('location'), endpoint).href, etag: response.headers.get('etag'),
    links: response.headers.get('link'), answer,
  };
}

const valueOf = (sdp, name) => new RegExp(`^a=${name}:(.*?)\\r?$`, 'm').exec(sdp)?.[1];

/** Sends a fragment; gives {status, body, etag}. */
export async function patchSession(session, body, ifMatch = session.etag) {
  const response = await fetch(session.url, { method: 'PATCH', body, headers: { 'content-type': FRAGMENT, 'if-match': ifMatch } });
  return { status: response.status, body: await response.text(), etag: response.headers.get('etag') };
}

/** Tells the candidates that `pc` has gathered. */
export async function trickle(session, pc) {
  const sdp = pc.localDescription.sdp;
  const lines = sdp.split(/\r?\n/).filter((line) => line.startsWith('a=candidate:'));
  return patchSession(session, [
    `a=ice-ufrag:${valueOf(sdp, 'ice-ufrag')}`, `a=ice-pwd:${valueOf(sdp, 'ice-pwd')}`, 'm=audio 9 UDP/TLS/RTP/SAVPF 0',
    `a=mid:${valueOf(sdp, 'mid')}`, ...lines, 'a=end-of-candidates', ''].join('\r\n'));
}

/** An ICE restart: new credentials both ways, all else stays. */
export async function restartIce(session, pc) {
  await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
  const sdp = pc.localDescription.sdp;
  const reply = await patchSession(session, [
    `a=ice-ufrag:${valueOf(sdp, 'ice-ufrag')}`, `a=ice-pwd:${valueOf(sdp, 'ice-pwd')}`, ''].join('\r\n'), '*');
  if (reply.status !== 200) throw Object.assign(new Error(`${reply.status} ${reply.body}`), { status: reply.status });
  session.answer = session.answer.replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${valueOf(reply.body, 'ice-ufrag')}`)
    .replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${valueOf(reply.body, 'ice-pwd')}`);
  session.etag = reply.etag;
  await pc.setRemoteDescription({ type: 'answer', sdp: session.answer });
}

export async function closeSession(session) {
  return (await fetch(session.url, { method: 'DELETE' })).status;
}
