/** Simulcast layers that we publish, lowest first; rids equal the protocol's layer names. */
export const LAYERS = ['low', 'mid', 'high'];

/** Encodings for a camera track of `height` lines: three layers while there are enough lines to divide. */
export function encodingsFor(height) {
  if (height < 360) return [{ rid: 'high', maxBitrate: 600_000 }];
  return [
    { rid: 'low', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
    { rid: 'mid', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
    { rid: 'high', scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
  ];
}
