import { expect, it } from 'vitest';
import { STAMP_UUID, stampNal } from '../../../core/stamp/stamp.ts';
import { readSeiStamp, uuidBytes } from './sei-stamp.ts';

const stamp = { publisher: 7, frame: 1_234, captureUs: 1_790_000_000_123_456 };
/** Behind NAL header, payload type, payload size and UUID; before the trailing bits. */
const data = stampNal('h264', stamp).subarray(3 + 16, -1);

it('reads what a player hands out of a stamp', () => {
  expect(readSeiStamp(STAMP_UUID, data)).toEqual(stamp);
});

it('reads it behind the UUID that x265 puts before it', () => {
  expect(readSeiStamp(new Uint8Array(16).fill(0xaa), Uint8Array.of(...STAMP_UUID, ...data))).toEqual(stamp);
});

it('takes nothing else for a stamp', () => {
  expect(readSeiStamp(new Uint8Array(16).fill(0xaa), data)).toBeNull();
  expect(readSeiStamp(STAMP_UUID, data.subarray(1))).toBeNull();
  expect(
    readSeiStamp(
      STAMP_UUID,
      data.map((byte, at) => (at === 9 ? byte ^ 1 : byte)),
    ),
  ).toBeNull();
  expect(readSeiStamp(STAMP_UUID, new Uint8Array(70_000))).toBeNull();
});

it('reads a UUID as hls.js writes it', () => {
  expect(uuidBytes('c5f1a86e-9d3b-4c72-8e5d-b1746fa92ed8')).toEqual(STAMP_UUID);
});
