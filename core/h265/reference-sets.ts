import type { BitReader } from '../h264/bit-reader.ts';
import { ProtocolError } from '../media.ts';

/** Order count differences of earlier (negative) and later (positive) reference pictures, nearest first. */
interface ReferenceSet {
  readonly negative: readonly number[];
  readonly positive: readonly number[];
}

const MAX_SETS = 64;
const MAX_PICTURES = 16;

/**
 * Steps over the short-term reference picture sets of an SPS (H.265 7.3.7, semantics 7.4.8). They are of no interest
 * here, but the VUI lies behind them, and how many bits a set has depends on the sets before it.
 */
export function skipShortTermReferenceSets(bits: BitReader): void {
  const count = bits.ueUpTo(MAX_SETS, 'num_short_term_ref_pic_sets');
  let previous: ReferenceSet = { negative: [], positive: [] };
  for (let index = 0; index < count; index++) {
    const isPredicted = index > 0 && bits.flag(); // inter_ref_pic_set_prediction_flag
    previous = isPredicted ? readPredicted(bits, previous) : readWhole(bits);
  }
}

function readWhole(bits: BitReader): ReferenceSet {
  const negatives = bits.ueUpTo(MAX_PICTURES, 'num_negative_pics');
  const positives = bits.ueUpTo(MAX_PICTURES - negatives, 'num_positive_pics');
  return { negative: readDistances(bits, negatives, -1), positive: readDistances(bits, positives, 1) };
}

function readDistances(bits: BitReader, count: number, sign: 1 | -1): number[] {
  const distances: number[] = [];
  for (let i = 0, at = 0; i < count; i++) {
    at += sign * (1 + bits.ueUpTo(0x7fff, 'delta_poc_minus1'));
    distances.push(at);
    bits.skip(1); // used_by_curr_pic_flag
  }
  return distances;
}

/** The set before, moved by deltaRps, with the pictures that use_delta_flag keeps (7-61 and 7-62). */
function readPredicted(bits: BitReader, from: ReferenceSet): ReferenceSet {
  const isNegative = bits.flag();
  const distance = 1 + bits.ueUpTo(0x7fff, 'abs_delta_rps_minus1');
  const move = isNegative ? -distance : distance;
  // One pair of flags for each picture of the other set and one for the picture that the set belonged to.
  const moved: number[] = [];
  for (const at of [...from.negative, ...from.positive, 0]) {
    const isUsed = bits.flag(); // used_by_curr_pic_flag
    if (isUsed || bits.flag()) moved.push(at + move); // use_delta_flag
  }
  if (moved.length > MAX_PICTURES) {
    throw new ProtocolError(
      'SPS_RANGE',
      `expected at most ${MAX_PICTURES} reference pictures, got ${moved.length}`,
    );
  }
  // One that falls on the picture itself is in neither list.
  return {
    negative: moved.filter((at) => at < 0).sort((a, b) => b - a),
    positive: moved.filter((at) => at > 0).sort((a, b) => a - b),
  };
}
