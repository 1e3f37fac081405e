const FRAME_MARKER = 2;
const SYNC_CODE = 0x498342;
const SRGB = 7;

/** Size of a VP9 key frame, from its uncompressed header (VP9 bitstream specification, 6.2). Null: another frame, or no frame. */
export function readVp9FrameSize(bytes: Uint8Array): { width: number; height: number } | null {
  let bitAt = 0;
  const bits = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, bitAt++) {
      value = value * 2 + (((bytes[bitAt >> 3] ?? 0) >> (7 - (bitAt & 7))) & 1);
    }
    return value;
  };
  if (bits(2) !== FRAME_MARKER) return null;
  const profile = bits(1) + 2 * bits(1);
  if (profile === 3) bits(1);
  const showExisting = bits(1);
  const isInter = bits(1);
  if (showExisting || isInter) return null;
  bits(2); // show_frame, error_resilient_mode
  if (bits(24) !== SYNC_CODE) return null;
  // color_config
  if (profile >= 2) bits(1);
  const isSrgb = bits(3) === SRGB;
  if (!isSrgb) bits(1);
  if (profile === 1 || profile === 3) bits(isSrgb ? 1 : 3);
  const width = bits(16) + 1;
  const height = bits(16) + 1;
  return bitAt > bytes.length * 8 ? null : { width, height };
}
