import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimeQueue } from './time-queue.ts';

test('whatever goes in comes out in order of time, and of equal times in the order it went in', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (times) => {
      const queue = new TimeQueue<{ atMs: number; index: number }>();
      for (const [index, atMs] of times.entries()) queue.push(atMs, { atMs, index });
      const out: { atMs: number; index: number }[] = [];
      while (queue.size > 0) {
        const nextMs = queue.nextMs;
        const item = queue.pop()!;
        expect(item.atMs).toBe(nextMs);
        out.push(item);
      }
      const expected = times
        .map((atMs, index) => ({ atMs, index }))
        .sort((a, b) => a.atMs - b.atMs || a.index - b.index);
      expect(out).toEqual(expected);
    }),
  );
});

test('an empty queue has nothing, and nothing is due', () => {
  const queue = new TimeQueue<string>();
  expect(queue.pop()).toBeUndefined();
  expect(queue.nextMs).toBe(Number.POSITIVE_INFINITY);
  queue.push(1, 'a');
  queue.clear();
  expect(queue.pop()).toBeUndefined();
});
