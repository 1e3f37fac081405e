import { ProtocolError } from '../media.ts';

/**
 * NAL units in their two wrappings, the same for H.264 and H.265:
 * length-prefixed (ISO/IEC 14496-15, what FLV and MP4 carry) and the byte stream of Annex B (what TS carries).
 */

/** nal_unit_type, ITU-T H.264 table 7-1. Types 1 to 5 are slices. */
export const NAL_SLICE = 1;
export const NAL_IDR = 5;
export const NAL_SEI = 6;
export const NAL_SPS = 7;
export const NAL_PPS = 8;
export const NAL_AUD = 9;

/** H.264 7.3.1: the NAL header is one byte, forbidden_zero_bit:1 nal_ref_idc:2 nal_unit_type:5. */
export const NAL_HEADER_BYTES = 1;

export function nalType(header: number): number {
  return header & 0x1f;
}

export function isSlice(type: number): boolean {
  return type >= NAL_SLICE && type <= NAL_IDR;
}

/** Where one NAL unit lies, header included, length or start code excluded: `bytes[start, end)`. */
export interface NalSpan {
  readonly start: number;
  readonly end: number;
}

/** An access unit of 8K with a slice per macroblock row has a few hundred; a tag of zero bytes would have millions. */
export const MAX_NALS = 4096;

/**
 * The NAL units of `bytes[start, end)`, each after its length of `lengthBytes` (1, 2 or 4: avcC or hvcC says).
 * Empty units are left out. Throws `NAL_TRUNCATED` if a length points past the end, `NAL_TOO_MANY` above `MAX_NALS`.
 */
export function splitLengthPrefixed(
  bytes: Uint8Array,
  start: number,
  end: number,
  lengthBytes: number,
): NalSpan[] {
  const spans: NalSpan[] = [];
  let at = start;
  while (at < end) {
    if (end - at < lengthBytes) throw truncated(lengthBytes, end - at);
    const length = readNalLength(bytes, at, lengthBytes);
    at += lengthBytes;
    if (length > end - at) throw truncated(length, end - at);
    if (length > 0) add(spans, at, at + length);
    at += length;
  }
  return spans;
}

/** A big-endian NAL length of 1, 2 (or 3) or 4 bytes. */
export function readNalLength(bytes: Uint8Array, at: number, lengthBytes: number): number {
  let length = 0;
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + bytes[at + i]!;
  return length;
}

/**
 * The NAL units of a byte stream (H.264 and H.265 Annex B): what stands between start codes 00 00 01, without the
 * zero bytes before a start code or at the end. What comes before the first start code is left out.
 */
export function splitAnnexB(bytes: Uint8Array, start: number, end: number): NalSpan[] {
  const spans: NalSpan[] = [];
  let nalStart = -1;
  // A start code ends in 01, so every byte above 1 rules out three positions at once.
  let at = start + 2;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte > 1) at += 3;
    else if (byte === 1 && bytes[at - 1] === 0 && bytes[at - 2] === 0) {
      if (nalStart >= 0) addTrimmed(spans, bytes, nalStart, at - 2);
      nalStart = at + 1;
      at += 3;
    } else at += 1;
  }
  if (nalStart >= 0) addTrimmed(spans, bytes, nalStart, end);
  return spans;
}

function addTrimmed(spans: NalSpan[], bytes: Uint8Array, start: number, end: number): void {
  // 7.4.1: a NAL unit never ends in a zero byte, so these are trailing_zero_8bits or part of the next start code.
  let last = end;
  while (last > start && bytes[last - 1] === 0) last--;
  if (last > start) add(spans, start, last);
}

function add(spans: NalSpan[], start: number, end: number): void {
  if (spans.length === MAX_NALS) {
    throw new ProtocolError('NAL_TOO_MANY', `expected at most ${MAX_NALS} NAL units in one access unit`);
  }
  spans.push({ start, end });
}

function truncated(expected: number, got: number): ProtocolError {
  return new ProtocolError('NAL_TRUNCATED', `expected ${expected} more bytes of a NAL unit, got ${got}`);
}
