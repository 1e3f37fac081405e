import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

it.each([
  ['plain', [0x61, 0x7f]],
  ['two, three and four bytes', [0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x8e, 0xa5]],
  ['a byte order mark', [0xef, 0xbb, 0xbf, 0x61]],
  ['an overlong slash', [0xc0, 0xaf, 0xe0, 0x80, 0xaf]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80, 0xf5]],
  ['cut off', [0xe2, 0x82]],
  ['cut off by something else', [0xf0, 0x9f, 0x61, 0xe2, 0xc3, 0xa9]],
])('reads %s as TextDecoder does', (_what, bytes) => {
  expect(decodeUtf8(Uint8Array.from(bytes))).toBe(decoder.decode(Uint8Array.from(bytes)));
});

it('reads whatever comes as TextDecoder does', () => {
  // Bytes that begin or continue a sequence are the interesting ones.
  const byte = fc.oneof(fc.integer({ min: 0x80, max: 0xff }), fc.integer({ min: 0, max: 0xff }));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 12 }), (bytes) => {
      expect(decodeUtf8(Uint8Array.from(bytes))).toBe(decoder.decode(Uint8Array.from(bytes)));
    }),
    { numRuns: 5_000 },
  );
});

it('writes whatever comes as TextEncoder does, and reads it back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, broken) => {
      const given = broken ? `${text}\ud83c` : text;
      expect(encodeUtf8(given)).toEqual(encoder.encode(given));
      expect(decodeUtf8(encodeUtf8(text))).toBe(decoder.decode(encoder.encode(text)));
    }),
    { numRuns: 2_000 },
  );
});

it('reads a part', () => {
  expect(decodeUtf8(Uint8Array.of(0x61, 0x62, 0x63, 0x64), 1, 3)).toBe('bc');
});
