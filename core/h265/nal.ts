/** nal_unit_type, ITU-T H.265 table 7-1. Types 0 to 31 are slices (VCL); 16 to 23 are random access points. */
export const NAL_IRAP_FIRST = 16;
export const NAL_IRAP_LAST = 23;
export const NAL_VPS = 32;
export const NAL_SPS = 33;
export const NAL_PPS = 34;
export const NAL_AUD = 35;
export const NAL_PREFIX_SEI = 39;
export const NAL_SUFFIX_SEI = 40;

/** H.265 7.3.1.2: two bytes, forbidden_zero_bit:1 nal_unit_type:6 nuh_layer_id:6 nuh_temporal_id_plus1:3. */
export const NAL_HEADER_BYTES = 2;

/** The type, from the first header byte. */
export function nalType(header: number): number {
  return (header >> 1) & 0x3f;
}

export function isSlice(type: number): boolean {
  return type < NAL_VPS;
}

export function isRandomAccess(type: number): boolean {
  return type >= NAL_IRAP_FIRST && type <= NAL_IRAP_LAST;
}
