import { describe, expect, it } from 'vitest';
import { isKeyPicture } from './key-picture.ts';

const nals = (...units: number[][]): Uint8Array =>
  Uint8Array.from(units.flatMap((unit) => [0, 0, 0, 1, ...unit]));
const AUD = [0x09, 0xf0];
const RECOVERY_POINT = [0x06, 0x06, 0x01, 0xc4, 0x80];
const SLICE = [0x41, 0x9a, 0x22];
const IDR = [0x65, 0x88, 0x84];

describe('isKeyPicture', () => {
  const of = (bytes: Uint8Array, toSlice: boolean) => isKeyPicture(bytes, 0, bytes.length, 'h264', toSlice);

  it.each([
    [nals(AUD, SLICE), false, false],
    [nals(AUD, IDR), true, true],
    [nals(AUD, RECOVERY_POINT, SLICE), true, true],
    [nals(AUD, RECOVERY_POINT), true, null],
    [nals(AUD), null, null],
  ])('tells from a head, and up to its slice only if there is one (%#)', (bytes, head, toSlice) => {
    expect(of(bytes, false)).toBe(head);
    expect(of(bytes, true)).toBe(toSlice);
  });
});
