import { checkedLengthBytes } from '../h264/avcc.ts';
import { CHROMA_FORMATS } from '../h264/sps.ts';
import { ProtocolError } from '../media.ts';
import { NAL_PPS, NAL_SPS, NAL_VPS, nalType } from './nal.ts';
import { readSps } from './sps.ts';

/** The decoder configuration record of H.265: ISO/IEC 14496-15, 8.3.3.1; the data of an HEVC sequence start tag. */
export interface HvcC {
  /** How many bytes the length before each NAL unit has in this stream. */
  readonly nalLengthBytes: 1 | 2 | 4;
  /** NAL units with their two header bytes, views of the input. */
  readonly vps: readonly Uint8Array[];
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

const HEAD_BYTES = 23;

/** Parameter sets of other types (SEI) are left out. Throws `HVCC_VERSION`, `HVCC_LENGTH_SIZE` or `HVCC_TRUNCATED`. */
export function readHvcC(bytes: Uint8Array, start = 0, end = bytes.length): HvcC {
  if (end - start < HEAD_BYTES) throw truncated();
  // Records written before the standard was final say version 0 and are the same otherwise.
  if (bytes[start]! > 1) {
    throw new ProtocolError('HVCC_VERSION', `expected an hvcC record of version 1, got ${bytes[start]}`);
  }
  const nalLengthBytes = checkedLengthBytes((bytes[start + 21]! & 3) + 1, 'HVCC_LENGTH_SIZE');
  const sets = { vps: [] as Uint8Array[], sps: [] as Uint8Array[], pps: [] as Uint8Array[] };
  let at = start + HEAD_BYTES;
  for (let arrays = bytes[start + 22]!; arrays > 0; arrays--) {
    if (end - at < 3) throw truncated();
    const type = bytes[at]! & 0x3f;
    let count = (bytes[at + 1]! << 8) | bytes[at + 2]!;
    at += 3;
    for (; count > 0; count--) {
      if (end - at < 2) throw truncated();
      const length = (bytes[at]! << 8) | bytes[at + 1]!;
      at += 2;
      if (end - at < length) throw truncated();
      const set = bytes.subarray(at, at + length);
      at += length;
      if (type === NAL_VPS) sets.vps.push(set);
      else if (type === NAL_SPS) sets.sps.push(set);
      else if (type === NAL_PPS) sets.pps.push(set);
    }
  }
  return { nalLengthBytes, ...sets };
}

/** The record for these parameter sets. Throws what `readSps` throws, because the record repeats what the SPS says. */
export function writeHvcC({ nalLengthBytes, vps, sps, pps }: HvcC): Uint8Array {
  const first = sps[0];
  if (!first) throw new RangeError('an hvcC record takes at least one SPS');
  const { profileTierLevel, chroma, bitDepth, maxSubLayers, temporalIdNested } = readSps(first);
  const out = [
    1,
    ...profileTierLevel.general,
    ...[0xf0, 0], // min_spatial_segmentation_idc: not said
    0xfc, // parallelismType: not said
    0xfc | CHROMA_FORMATS.indexOf(chroma),
    0xf8 | (bitDepth - 8),
    0xf8 | (bitDepth - 8),
    ...[0, 0], // avgFrameRate: not said
    (maxSubLayers << 3) | (temporalIdNested ? 4 : 0) | (nalLengthBytes - 1),
  ];
  const arrays = [vps, sps, pps].filter((sets) => sets.length > 0);
  out.push(arrays.length);
  for (const sets of arrays) {
    out.push(0x80 | nalType(sets[0]![0]!), sets.length >> 8, sets.length & 0xff);
    for (const set of sets) {
      if (set.length > 0xffff) throw new RangeError('a parameter set in hvcC has at most 65,535 bytes');
      out.push(set.length >> 8, set.length & 0xff, ...set);
    }
  }
  return Uint8Array.from(out);
}

function truncated(): ProtocolError {
  return new ProtocolError('HVCC_TRUNCATED', 'expected a whole hvcC record, got one that is cut short');
}
