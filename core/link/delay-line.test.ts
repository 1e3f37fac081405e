import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DelayLine } from './delay-line.ts';

it('gives back what went in, in order and when it is due, whatever the sizes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 9_000 }), waitMs: fc.nat(20) }), {
        maxLength: 200,
      }),
      fc.integer({ min: 1, max: 20_000 }),
      (pieces, room) => {
        const line = new DelayLine();
        const into = new Uint8Array(room);
        const sent: number[] = [];
        const got: number[] = [];
        let byte = 0;
        let dueMs = 0;
        let dueBytes = 0;
        for (const [index, { bytes, waitMs }] of pieces.entries()) {
          const piece = Uint8Array.from({ length: bytes + 3 }, () => byte++ & 255);
          byte -= 3;
          dueMs += waitMs;
          line.push(piece, bytes, dueMs);
          sent.push(...piece.subarray(0, bytes));
          if (index % 3 !== 0) continue;
          for (let count = line.take(dueMs - 1, into); count > 0; count = line.take(dueMs - 1, into))
            got.push(...into.subarray(0, count));
          expect(line.dueMs).toBeGreaterThanOrEqual(dueMs);
          dueBytes = got.length;
          expect(line.bytes).toBe(sent.length - dueBytes);
        }
        for (let count = line.take(dueMs, into); count > 0; count = line.take(dueMs, into))
          got.push(...into.subarray(0, count));
        expect(got).toEqual(sent);
        expect([line.bytes, line.dueMs]).toEqual([0, Number.POSITIVE_INFINITY]);
      },
    ),
    { numRuns: 60 },
  );
});
