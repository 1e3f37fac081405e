/**
 * Emulation prevention (H.264 7.4.1.1, H.265 7.4.2): inside a NAL unit 00 00 is never followed by 00 … 03, so that no
 * start code can appear; an encoder puts 03 between, a decoder takes it out.
 */

/** The payload (RBSP) of `bytes[start, end)`. A view of the input where there was nothing to take out. */
export function removeEmulation(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  const first = nextEmulation(bytes, start, end);
  if (first === end) return bytes.subarray(start, end);
  const out = new Uint8Array(end - start - 1);
  let length = 0;
  let from = start;
  for (let at = first; ; at = nextEmulation(bytes, from, end)) {
    out.set(bytes.subarray(from, at), length);
    length += at - from;
    from = at + 1; // leave out the 03
    if (at === end) return out.subarray(0, length);
  }
}

/** Index of the first emulation_prevention_three_byte whose two zeros lie in `bytes[start, end)` too, or `end`. */
function nextEmulation(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start + 2; at < end; at++) {
    if (bytes[at] === 3 && bytes[at - 1] === 0 && bytes[at - 2] === 0) return at;
  }
  return end;
}

/** The payload made safe: an RBSP, which ends in its trailing bits. The input itself where nothing was needed. */
export function addEmulation(rbsp: Uint8Array): Uint8Array {
  let zeros = 0;
  let count = 0;
  for (const byte of rbsp) {
    if (zeros >= 2 && byte <= 3) {
      count++;
      zeros = 0;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  // 7.4.1.1: after the trailing bits only cabac_zero_words may come, and then a final 03.
  const endsInZeros = zeros >= 2;
  if (endsInZeros) count++;
  if (count === 0) return rbsp;

  const out = new Uint8Array(rbsp.length + count);
  let length = 0;
  zeros = 0;
  for (const byte of rbsp) {
    if (zeros >= 2 && byte <= 3) {
      out[length++] = 3;
      zeros = 0;
    }
    out[length++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  if (endsInZeros) out[length] = 3;
  return out;
}
