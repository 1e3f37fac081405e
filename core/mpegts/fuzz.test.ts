import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnitCollector } from '../../tests/kit/access-units.ts';
import { errorCode } from '../../tests/kit/error-code.ts';
import { PACKET_BYTES, TsDemuxer } from './demuxer.ts';

const recordings = ['h264-aac.mpegts', 'h265-mp3.mpegts'].map((name) =>
  new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url))).subarray(0, 60 * PACKET_BYTES),
);

/** Everything that comes is in order and finite; any error but `ProtocolError` fails. Gives its code. */
function survive(bytes: Uint8Array, cut: number, headBytes: number): string {
  const sink = new UnitCollector();
  const demuxer = new TsDemuxer(sink, { headBytes, maxUnitBytes: 100_000 });
  const code = errorCode(() => {
    demuxer.push(bytes, 0, cut);
    demuxer.push(bytes, cut);
    demuxer.flush();
  });
  for (const { ptsMs, dtsMs, head, bytes: unitBytes } of sink.units) {
    const isWhole = code !== 'no error' || unitBytes >= head.length;
    if (!Number.isFinite(ptsMs) || !Number.isFinite(dtsMs) || head.length > headBytes || !isWhole) {
      throw new Error(`bad unit: ${ptsMs} ${dtsMs} ${head.length} of ${unitBytes}`);
    }
  }
  return code;
}

describe('TsDemuxer under fire', () => {
  const change = fc.record({
    at: fc.nat(60 * PACKET_BYTES - 1),
    // Most of what matters is in the first bytes of a packet.
    inHeader: fc.option(fc.nat(20)),
    value: fc.nat(255),
    kind: fc.constantFrom('set', 'set', 'remove', 'repeat'),
    length: fc.integer({ min: 1, max: 400 }),
  });

  it('gives no error but ProtocolError: recordings with bytes changed, taken out and repeated', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.constantFrom(...recordings),
        fc.array(change, { minLength: 1, maxLength: 12 }),
        fc.nat(10_000),
        fc.constantFrom(0, 100, 5_000),
        (recording, changes, cut, headBytes) => {
          let bytes: Uint8Array = recording.slice();
          for (const { at, inHeader, value, kind, length } of changes) {
            const from = inHeader === null ? at : at - (at % PACKET_BYTES) + inHeader;
            const to = Math.min(from + length, bytes.length);
            if (kind === 'set' && from < bytes.length) bytes[from] = value;
            else if (kind === 'remove') bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
            else if (kind === 'repeat') bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
          }
          seen.add(survive(bytes, Math.min(cut, bytes.length), headBytes));
        },
      ),
      { numRuns: 1_000 },
    );
    expect(seen).toContain('no error');
  });

  it('gives no error but ProtocolError: packets of garbage', () => {
    const packet = fc
      .tuple(
        fc.constantFrom(0, 256, 257, 4096),
        fc.nat(255),
        fc.uint8Array({ minLength: 184, maxLength: 184 }),
      )
      .map(([pid, flags, body]) => [0x47, (flags & 0x40) | (pid >> 8), pid & 0xff, flags & 0x3f, ...body]);
    // Tables first, so that the garbage reaches the streams.
    const tables = Array.from(recordings[0]!.subarray(0, 3 * PACKET_BYTES));
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 20 }), (packets) => {
        survive(Uint8Array.from([...tables, ...packets.flat()]), 0, 100);
      }),
      { numRuns: 500 },
    );
  });

  it('holds no more than a unit’s head, however long the unit', () => {
    const sink = { tracks() {}, head() {}, end() {} };
    const demuxer = new TsDemuxer(sink, { headBytes: 1_000, maxUnitBytes: Number.POSITIVE_INFINITY });
    demuxer.push(recordings[0]!.subarray(0, 4 * PACKET_BYTES));
    const before = process.memoryUsage().arrayBuffers;
    const more = new Uint8Array(PACKET_BYTES).fill(0xaa);
    for (let i = 0; i < 100_000; i++) {
      more.set([0x47, 0x01, 0x00, 0x10 | (i & 0x0f)]);
      demuxer.push(more);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 2 ** 20);
  });
});
