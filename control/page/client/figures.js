/** Turns successive getStats() reports into figures of one received or sent track. */
export class Figures {
  #last = new Map();

  /** `report`: RTCStatsReport of one RTCPeerConnection. Returns a Map from track identifier (or mid) to figures. */
  read(report) {
    const byMid = new Map();
    let rtt = null;
    for (const stat of report.values()) {
      if (stat.type === 'candidate-pair' && stat.nominated && stat.currentRoundTripTime !== undefined) rtt = stat.currentRoundTripTime;
    }
    for (const stat of report.values()) {
      if (stat.type !== 'inbound-rtp' && stat.type !== 'outbound-rtp') continue;
      const inbound = stat.type === 'inbound-rtp';
      const bytes = inbound ? stat.bytesReceived : stat.bytesSent;
      const last = this.#last.get(stat.id);
      this.#last.set(stat.id, { bytes, timestamp: stat.timestamp, lost: stat.packetsLost, received: stat.packetsReceived });
      const seconds = last ? (stat.timestamp - last.timestamp) / 1000 : 0;
      const bitrate = seconds > 0 ? Math.max(0, ((bytes - last.bytes) * 8) / seconds) : 0;
      const newlyLost = last ? Math.max(0, (stat.packetsLost ?? 0) - (last.lost ?? 0)) : 0;
      const newlyReceived = last ? Math.max(0, (stat.packetsReceived ?? 0) - (last.received ?? 0)) : 0;
      const key = inbound ? stat.mid ?? stat.trackIdentifier : `out:${stat.mid ?? stat.kind}`;
      const previous = byMid.get(key);
      byMid.set(key, {
        kind: stat.kind,
        trackIdentifier: stat.trackIdentifier,
        bitrate: bitrate + (previous?.bitrate ?? 0),
        width: Math.max(stat.frameWidth ?? 0, previous?.width ?? 0),
        height: Math.max(stat.frameHeight ?? 0, previous?.height ?? 0),
        fps: Math.max(stat.framesPerSecond ?? 0, previous?.fps ?? 0),
        framesDecoded: stat.framesDecoded ?? 0,
        audioLevel: stat.audioLevel ?? 0,
        loss: newlyLost + newlyReceived > 0 ? newlyLost / (newlyLost + newlyReceived) : 0,
        rtt,
      });
    }
    return byMid;
  }
}
