import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findStamp, readNextStamp, type Stamp, type StampCodec, stampNal } from './stamp.ts';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const stamps = fc.record({ publisher: u32, frame: u32, captureUs: fc.integer({ min: 0, max: 2 ** 53 - 1 }) });
const codecs = fc.constantFrom<StampCodec>('h264', 'h265');

/** An access unit whose first NAL unit is the stamp. */
function accessUnit(codec: StampCodec, stamp: Stamp): Uint8Array {
  const nal = stampNal(codec, stamp);
  const slice = codec === 'h264' ? [0x41, 1, 2, 3] : [0x02, 1, 2, 3];
  return Uint8Array.of(0, 0, 0, nal.length, ...nal, 0, 0, 0, slice.length, ...slice);
}

describe('readNextStamp', () => {
  it('reads what findStamp reads, within 32 frames of the last', () => {
    fc.assert(
      fc.property(codecs, stamps, fc.integer({ min: -40, max: 40 }), (codec, stamp, step) => {
        const bytes = accessUnit(codec, stamp);
        const last = { ...stamp, frame: stamp.frame + step, captureUs: 0 };
        const near = Math.abs(step) <= 32;
        expect(readNextStamp(bytes, 0, bytes.length, 4, codec, last)).toBe(near);
        expect(last).toEqual(near ? stamp : { ...stamp, frame: stamp.frame + step, captureUs: 0 });
      }),
    );
  });

  it('leaves other publishers, other places and cut stamps to findStamp', () => {
    const stamp = { publisher: 7, frame: 100, captureUs: 1_790_000_000_000_000 };
    const bytes = accessUnit('h264', stamp);
    const behindAud = Uint8Array.of(0, 0, 0, 2, 9, 0xf0, ...bytes);
    const last = { publisher: 8, frame: 100, captureUs: 0 };
    expect(readNextStamp(bytes, 0, bytes.length, 4, 'h264', last)).toBe(false);
    last.publisher = 7;
    expect(readNextStamp(bytes, 0, bytes.length, 4, 'h265', last)).toBe(false);
    expect(readNextStamp(behindAud, 0, behindAud.length, 4, 'h264', last)).toBe(false);
    expect(findStamp(behindAud, 0, behindAud.length, 4, 'h264', last)).toBe(true);
    for (let end = 0; end < bytes.length; end++) {
      const found = { publisher: 0, frame: 0, captureUs: 0 };
      const next = { ...stamp };
      expect(readNextStamp(bytes, 0, end, 4, 'h264', next)).toBe(findStamp(bytes, 0, end, 4, 'h264', found));
    }
  });

  it('takes nothing for a stamp that is not like one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), codecs, (bytes, codec) => {
        expect(
          readNextStamp(bytes, 0, bytes.length, 4, codec, { publisher: 0, frame: 0, captureUs: 0 }),
        ).toBe(false);
      }),
    );
  });
});
