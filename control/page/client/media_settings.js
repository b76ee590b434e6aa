/** Simulcast layers that we publish, lowest first; rids equal the protocol's layer names. */
export const LAYERS = ['low', 'mid', 'high'];

/** Lines of a picture and the most bits per second that it is worth. */
const RATES = [[90, 80_000], [180, 130_000], [360, 400_000], [720, 1_700_000], [1080, 3_000_000]];

function bitrateFor(lines) {
  const found = RATES.findIndex(([step]) => step >= lines);
  const above = found < 0 ? RATES.length - 1 : Math.max(1, found);
  const [[fromLines, fromRate], [toLines, toRate]] = [RATES[above - 1], RATES[above]];
  const share = Math.min(1, Math.max(0, (lines - fromLines) / (toLines - fromLines)));
  return Math.round(fromRate + share * (toRate - fromRate));
}

/**
 * How many layers libwebrtc sends of a picture of that size; offered more, it leaves out the *highest* (640x360 with three
 * encodings never goes beyond 320x180). Its table: three from 960x540, two from 480x270, one below.
 */
function layerCountFor(width, height) {
  const pixels = width * height;
  return pixels >= 960 * 540 ? 3 : pixels >= 480 * 270 ? 2 : 1;
}

/**
 * Encodings for a video track of that size, each layer half the width and height of the next. The lower layers get little more
 * than they need: a browser sends a layer only when its estimate has room for all below it.
 */
export function encodingsFor({ width = 1280, height = 720 }) {
  const rids = LAYERS.slice(-layerCountFor(width, height));
  return rids.map((rid, i) => {
    const scaleResolutionDownBy = 2 ** (rids.length - 1 - i);
    return { rid, scaleResolutionDownBy, maxBitrate: bitrateFor(Math.min(width, height) / scaleResolutionDownBy) };
  });
}
