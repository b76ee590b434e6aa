// werift: a WebRTC stack that shares no code with the browsers or with us.
import {
  RTCPeerConnection, RTCRtpCodecParameters, useAbsSendTime, useSdesMid, useSdesRTPStreamId, useRepairedRtpStreamId, useTransportWideCC,
} from 'werift';

/** SRTP protection profile numbers of RFC 7714. */
export const AEAD_AES_128_GCM = 0x0007;

/** A connection that offers VP8 with RTX, and Opus, on loopback. */
export function weriftConnection() {
  const pc = new RTCPeerConnection({
    iceServers: [], iceUseIpv6: false, iceAdditionalHostAddresses: ['127.0.0.1'], bundlePolicy: 'max-bundle',
    codecs: {
      video: [
        new RTCRtpCodecParameters({
          mimeType: 'video/VP8', clockRate: 90000, payloadType: 96,
          rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'transport-cc' }],
        }),
        new RTCRtpCodecParameters({ mimeType: 'video/rtx', clockRate: 90000, payloadType: 97, parameters: 'apt=96' }),
      ],
      audio: [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48000, channels: 2, payloadType: 111 })],
    },
    headerExtensions: {
      video: [useSdesMid(), useAbsSendTime(), useTransportWideCC(), useSdesRTPStreamId(), useRepairedRtpStreamId()],
      audio: [useSdesMid(), useAbsSendTime(), useTransportWideCC()],
    },
  });
  pc.states = [];
  pc.connectionStateChange.subscribe((state) => pc.states.push(state));
  return pc;
}

/** Offers `pc` to the media server. `changeOffer` and `changeAnswer` may tamper with the SDP on its way. */
export async function negotiate(pc, client, { changeOffer = (sdp) => sdp, changeAnswer = (sdp) => sdp } = {}) {
  await pc.setLocalDescription(await pc.createOffer());
  const sdp = await client.exchange(changeOffer(pc.localDescription.sdp));
  await pc.setRemoteDescription({ type: 'answer', sdp: changeAnswer(sdp) });
}

export function connected(pc, limitMs = 20_000) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not connected within ${limitMs} ms: ${pc.states}`)), limitMs);
    const look = () => { if (pc.connectionState === 'connected') { clearTimeout(timer); resolve(); } };
    pc.connectionStateChange.subscribe(look);
    look();
  });
}
