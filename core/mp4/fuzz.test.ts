import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnitCollector } from '../../tests/kit/access-units.ts';
import { errorCode } from '../../tests/kit/error-code.ts';
import { Mp4Demuxer } from './demuxer.ts';

const file = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const recordings = [
  new Uint8Array(file('h264-aac.mp4')).subarray(0, 5_000),
  Buffer.concat([file('b-frames-init.mp4'), file('b-frames-0.m4s')]),
];

/** Everything that comes is in order and finite; any error but `ProtocolError` fails. Gives its code. */
function survive(bytes: Uint8Array, cut: number, headBytes: number): string {
  const sink = new UnitCollector();
  const demuxer = new Mp4Demuxer(sink, { headBytes, maxUnitBytes: 100_000 });
  const code = errorCode(() => {
    demuxer.push(bytes, 0, cut);
    demuxer.push(bytes, cut);
    demuxer.begin();
  });
  for (const { ptsMs, dtsMs, head, bytes: unitBytes } of sink.units) {
    const isWhole = code !== 'no error' || unitBytes >= head.length;
    if (!Number.isFinite(ptsMs) || !Number.isFinite(dtsMs) || head.length > headBytes || !isWhole) {
      throw new Error(`bad unit: ${ptsMs} ${dtsMs} ${head.length} of ${unitBytes}`);
    }
  }
  return code;
}

describe('Mp4Demuxer under fire', () => {
  const change = fc.record({
    at: fc.oneof(fc.nat(2_000), fc.nat(5_000)),
    value: fc.constantFrom(0, 1, 2, 8, 0x7f, 0x80, 0xff),
    kind: fc.constantFrom('set', 'set', 'set', 'remove', 'repeat'),
    length: fc.integer({ min: 1, max: 40 }),
  });

  it('gives no error but ProtocolError: recordings with bytes changed, taken out and repeated', () => {
    const seen = new Set<string>();
    const before = process.memoryUsage().arrayBuffers;
    fc.assert(
      fc.property(
        fc.constantFrom(...recordings),
        fc.array(change, { minLength: 1, maxLength: 5 }),
        fc.nat(5_000),
        fc.constantFrom(0, 100, 5_000),
        (recording, changes, cut, headBytes) => {
          let bytes: Uint8Array = Uint8Array.from(recording);
          for (const { at, value, kind, length } of changes) {
            const to = Math.min(at + length, bytes.length);
            if (kind === 'set' && at < bytes.length) bytes[at] = value;
            else if (kind === 'remove') bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
            else if (kind === 'repeat') bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
          }
          seen.add(survive(bytes, Math.min(cut, bytes.length), headBytes));
        },
      ),
      { numRuns: 3_000 },
    );
    for (const code of ['no error', 'MP4_BOX_SIZE', 'MP4_TRUNCATED', 'MP4_NO_INIT', 'MP4_FIRST_BOX']) {
      expect(seen).toContain(code);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 2 ** 20);
  });

  it('holds no more than a box claims to be, and that only as it comes', () => {
    const sink = { tracks() {}, head() {}, end() {} };
    const before = process.memoryUsage().arrayBuffers;
    const demuxers = Array.from({ length: 1_000 }, () => {
      const demuxer = new Mp4Demuxer(sink);
      // moof of 1 MiB, of which 100 bytes come
      demuxer.push(Uint8Array.of(0, 0x10, 0, 0, 0x6d, 0x6f, 0x6f, 0x66, ...new Uint8Array(100)));
      return demuxer;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 2 ** 20);
    expect(demuxers.some(({ atBoundary }) => atBoundary)).toBe(false);
  });
});
