/** A source of whole numbers: `random(n)` is from 0 to n − 1. */
export type Random = (below: number) => number;

/** xorshift32: fast, and the same inputs for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

/** Where lengths, counts and signs turn over. */
const interesting = [
  0, 1, 2, 4, 7, 8, 16, 32, 64, 100, 127, 128, 255, 256, 512, 1_023, 4_096, 32_767, 32_768, 65_535,
];
const interestingLong = [65_536, 0xff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];
const MAX_CHANGES = 6;

/**
 * A changed copy of an input: bits flipped, numbers set to where things turn over, pieces removed, repeated, taken from
 * another input or from the words of the format.
 */
export function mutate(
  input: Uint8Array,
  other: Uint8Array,
  words: readonly Uint8Array[],
  maxBytes: number,
  random: Random,
): Uint8Array {
  let bytes: Uint8Array = input.slice();
  for (let changes = 1 + random(MAX_CHANGES); changes > 0; changes--)
    bytes = change(bytes, other, words, random);
  return bytes.length > maxBytes ? bytes.slice(0, maxBytes) : bytes;
}

function change(
  bytes: Uint8Array,
  other: Uint8Array,
  words: readonly Uint8Array[],
  random: Random,
): Uint8Array {
  if (bytes.length === 0) return other.slice(0, 64);
  const at = random(bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = random(2) === 0;
  switch (random(words.length > 0 ? 10 : 8)) {
    case 0:
      bytes[at]! ^= 1 << random(8);
      return bytes;
    case 1:
      bytes[at] = random(256);
      return bytes;
    case 2:
      bytes[at] = interesting[random(13)]!;
      return bytes;
    case 3:
      if (at + 2 <= bytes.length) view.setUint16(at, interesting[random(interesting.length)]!, little);
      return bytes;
    case 4:
      if (at + 4 <= bytes.length)
        view.setUint32(at, interestingLong[random(interestingLong.length)]!, little);
      return bytes;
    case 5:
      return without(bytes, at, random(40) + 1);
    case 6: {
      const length = random(Math.min(64, bytes.length - at) + 1);
      return inserted(bytes, random(bytes.length + 1), bytes.slice(at, at + length));
    }
    case 7: {
      const from = random(Math.max(1, other.length));
      return inserted(bytes, at, other.slice(from, from + random(128)));
    }
    case 8:
      return inserted(bytes, at, words[random(words.length)]!);
    default: {
      const word = words[random(words.length)]!;
      bytes.set(word.subarray(0, bytes.length - at), at);
      return bytes;
    }
  }
}

function without(bytes: Uint8Array, at: number, count: number): Uint8Array {
  return concat(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + count)));
}

function inserted(bytes: Uint8Array, at: number, piece: Uint8Array): Uint8Array {
  return concat(bytes.subarray(0, at), piece, bytes.subarray(at));
}

function concat(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The smallest part of an input that still does the same, by taking pieces out as long as that works. */
export function minimise(input: Uint8Array, same: (bytes: Uint8Array) => boolean): Uint8Array {
  let best = input;
  for (let size = Math.max(1, best.length >> 1); size >= 1; size >>= 1)
    for (let at = 0; at < best.length; ) {
      const shorter = without(best, at, size);
      if (same(shorter)) best = shorter;
      else at += size;
    }
  return best;
}
