import type { BitReader } from './bit-reader.ts';

/** The first fields of the VUI, the same in H.264 (E.1.1) and H.265 (E.2.1). */
export interface SignalInfo {
  /** Width : height of one sample; null where not said. */
  readonly sampleAspect: readonly [number, number] | null;
  /** True: luma 0–255; false: 16–235, also where not said. */
  readonly fullRange: boolean;
  /** Codes of H.273: colour primaries, transfer characteristics, matrix coefficients. Null where not said. */
  readonly colour: { readonly primaries: number; readonly transfer: number; readonly matrix: number } | null;
}

export const NO_SIGNAL_INFO: SignalInfo = { sampleAspect: null, fullRange: false, colour: null };

const EXTENDED_SAR = 255;
/** Table E-1, aspect_ratio_idc 1 to 16. */
const SAMPLE_ASPECTS: readonly (readonly [number, number])[] = [
  [1, 1],
  [12, 11],
  [10, 11],
  [16, 11],
  [40, 33],
  [24, 11],
  [20, 11],
  [32, 11],
  [80, 33],
  [18, 11],
  [15, 11],
  [64, 33],
  [160, 99],
  [4, 3],
  [3, 2],
  [2, 1],
];

/** Reads from aspect_ratio_info_present_flag to chroma_loc_info. */
export function readSignalInfo(bits: BitReader): SignalInfo {
  let sampleAspect: SignalInfo['sampleAspect'] = null;
  if (bits.flag()) {
    const code = bits.bits(8);
    if (code === EXTENDED_SAR) {
      const width = bits.bits(16);
      const height = bits.bits(16);
      if (width > 0 && height > 0) sampleAspect = [width, height];
    } else sampleAspect = SAMPLE_ASPECTS[code - 1] ?? null;
  }
  if (bits.flag()) bits.skip(1); // overscan_appropriate_flag
  let fullRange = false;
  let colour: SignalInfo['colour'] = null;
  if (bits.flag()) {
    bits.skip(3); // video_format
    fullRange = bits.flag();
    if (bits.flag()) colour = { primaries: bits.bits(8), transfer: bits.bits(8), matrix: bits.bits(8) };
  }
  if (bits.flag()) {
    bits.ue(); // chroma_sample_loc_type_top_field
    bits.ue(); // chroma_sample_loc_type_bottom_field
  }
  return { sampleAspect, fullRange, colour };
}
