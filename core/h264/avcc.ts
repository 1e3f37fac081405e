import { ProtocolError } from '../media.ts';
import { CHROMA_FORMATS, readSps } from './sps.ts';

/** The decoder configuration record of H.264: ISO/IEC 14496-15, 5.3.3.1; the data of an AVC sequence header tag. */
export interface AvcC {
  /** How many bytes the length before each NAL unit has in this stream. */
  readonly nalLengthBytes: 1 | 2 | 4;
  /** NAL units with their header byte, views of the input. */
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

/** Profiles whose record ends with chroma format and bit depths. */
const EXTENDED_PROFILES = new Set([100, 110, 122, 144, 244]);

/** Throws `AVCC_VERSION`, `AVCC_LENGTH_SIZE` or `AVCC_TRUNCATED`. */
export function readAvcC(bytes: Uint8Array, start = 0, end = bytes.length): AvcC {
  if (end - start < 7) throw truncated();
  if (bytes[start] !== 1) {
    throw new ProtocolError('AVCC_VERSION', `expected an avcC record of version 1, got ${bytes[start]}`);
  }
  const nalLengthBytes = checkedLengthBytes((bytes[start + 4]! & 3) + 1, 'AVCC_LENGTH_SIZE');
  const sps = readSets(bytes, start + 6, end, bytes[start + 5]! & 0x1f);
  if (sps.next >= end) throw truncated();
  const pps = readSets(bytes, sps.next + 1, end, bytes[sps.next]!);
  return { nalLengthBytes, sps: sps.sets, pps: pps.sets };
}

/**
 * The record for these parameter sets. Throws what `readSps` throws, because the record repeats what the SPS says,
 * and a RangeError if there are too many sets or one is longer than 65,535 bytes.
 */
export function writeAvcC({ nalLengthBytes, sps, pps }: AvcC): Uint8Array {
  const first = sps[0];
  if (!first || first.length < 4 || sps.length > 31 || pps.length > 255) {
    throw new RangeError('an avcC record takes 1 to 31 SPS and at most 255 PPS');
  }
  const profileIdc = first[1]!;
  const out = [1, profileIdc, first[2]!, first[3]!, 0xfc | (nalLengthBytes - 1)];
  const addSets = (sets: readonly Uint8Array[]): void => {
    for (const set of sets) {
      if (set.length > 0xffff) throw new RangeError('a parameter set in avcC has at most 65,535 bytes');
      out.push(set.length >> 8, set.length & 0xff, ...set);
    }
  };
  out.push(0xe0 | sps.length);
  addSets(sps);
  out.push(pps.length);
  addSets(pps);
  if (EXTENDED_PROFILES.has(profileIdc)) {
    const { chroma, bitDepth } = readSps(first);
    const depth = 0xf8 | (bitDepth - 8); // luma and chroma differ in no encoder that we know
    out.push(0xfc | CHROMA_FORMATS.indexOf(chroma), depth, depth, 0);
  }
  return Uint8Array.from(out);
}

/** Three is not allowed, and zero cannot be said. */
export function checkedLengthBytes(lengthBytes: number, code: string): 1 | 2 | 4 {
  if (lengthBytes === 1 || lengthBytes === 2 || lengthBytes === 4) return lengthBytes;
  throw new ProtocolError(code, `expected NAL lengths of 1, 2 or 4 bytes, got ${lengthBytes}`);
}

function readSets(bytes: Uint8Array, start: number, end: number, count: number) {
  const sets: Uint8Array[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (end - at < 2) throw truncated();
    const length = (bytes[at]! << 8) | bytes[at + 1]!;
    at += 2;
    if (end - at < length) throw truncated();
    sets.push(bytes.subarray(at, at + length));
    at += length;
  }
  return { sets, next: at };
}

function truncated(): ProtocolError {
  return new ProtocolError('AVCC_TRUNCATED', 'expected a whole avcC record, got one that is cut short');
}
