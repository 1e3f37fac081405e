/**
 * UTF-8 as the Encoding Standard has it (https://encoding.spec.whatwg.org/#utf-8), without TextEncoder and
 * TextDecoder: the language has neither, only hosts do, and k6 runs this code in one that does not.
 */

const REPLACEMENT = 0xfffd;

/** Text of `bytes[start, end)`. Each ill-formed piece becomes one U+FFFD; a byte order mark is kept. */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  let at = start;
  while (at < end) {
    const first = bytes[at++]!;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    // How many bytes follow, and the bounds of the next one: these exclude overlong forms, surrogates, > U+10FFFF.
    let left =
      first >= 0xc2 && first <= 0xdf
        ? 1
        : first >= 0xe0 && first <= 0xef
          ? 2
          : first >= 0xf0 && first <= 0xf4
            ? 3
            : 0;
    let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    let point = left === 0 ? REPLACEMENT : first & (0x3f >> left);
    for (; left > 0; left--) {
      const next = at < end ? bytes[at]! : 0;
      if (next < low || next > high) {
        // The byte that does not fit is looked at again: it may begin something of its own.
        point = REPLACEMENT;
        break;
      }
      point = (point << 6) | (next & 0x3f);
      at += 1;
      low = 0x80;
      high = 0xbf;
    }
    text += String.fromCodePoint(point);
  }
  return text;
}

/** Bytes of a text. Half a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const out: number[] = [];
  for (const character of text) {
    const written = character.codePointAt(0)!;
    const point = written >= 0xd800 && written <= 0xdfff ? REPLACEMENT : written;
    if (point < 0x80) out.push(point);
    else if (point < 0x800) out.push(0xc0 | (point >> 6), continuation(point));
    else if (point < 0x10000) out.push(0xe0 | (point >> 12), continuation(point >> 6), continuation(point));
    else
      out.push(
        0xf0 | (point >> 18),
        continuation(point >> 12),
        continuation(point >> 6),
        continuation(point),
      );
  }
  return Uint8Array.from(out);
}

function continuation(bits: number): number {
  return 0x80 | (bits & 0x3f);
}
