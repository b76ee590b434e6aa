// Watches the pictures that a page really shows: times and heights of frames, from requestVideoFrameCallback.

/** From now on records the frames of every remote tile of `page`, also of tiles that come later. */
export async function watchFrames(page) {
  await page.evaluate(() => {
    const probes = new Map(); // peerId -> {frames, last, longestGapMs, heights}
    window.sluiceFrames = probes;
    const watch = (tile) => {
      const peer = tile.dataset.peer;
      if (tile.classList.contains('self')) return;
      const probe = { frames: 0, last: performance.now(), longestGapMs: 0, heights: [], video: tile.querySelector('video') };
      probes.set(peer, probe);
      const onFrame = (now, frame) => {
        const at = performance.now();
        probe.frames += 1;
        probe.longestGapMs = Math.max(probe.longestGapMs, at - probe.last);
        probe.last = at;
        if (probe.heights.at(-1) !== frame.height) probe.heights.push(frame.height);
        probe.video.requestVideoFrameCallback(onFrame);
      };
      probe.video.requestVideoFrameCallback(onFrame);
    };
    const grid = document.getElementById('grid');
    grid.querySelectorAll('.tile').forEach(watch);
    new MutationObserver((changes) => {
      for (const change of changes) for (const node of change.addedNodes) if (node.classList?.contains('tile')) watch(node);
    }).observe(grid, { childList: true });
  });
}

/** Forgets gaps and heights seen so far. */
export async function restartFrameWatch(page) {
  await page.evaluate(() => {
    for (const probe of window.sluiceFrames.values()) {
      Object.assign(probe, { frames: 0, longestGapMs: 0, last: performance.now(), heights: probe.heights.slice(-1) });
    }
  });
}

/** {peerId: {frames, longestGapMs, heights}} since the watch was (re)started; a gap that still lasts counts. */
export async function framesSeen(page) {
  return page.evaluate(() => Object.fromEntries([...window.sluiceFrames].map(([peer, probe]) => [peer, {
    frames: probe.frames, heights: probe.heights, longestGapMs: Math.round(Math.max(probe.longestGapMs, performance.now() - probe.last)),
  }])));
}
