import { expect, it } from 'vitest';
import { refuseLadder } from './admission.ts';
import { Restarts } from './restarts.ts';

it('waits longer after each death, up to ten seconds, and begins anew after a life that was well', () => {
  const restarts = new Restarts();
  expect([0, 0, 0, 0].map((ranMs) => restarts.next(ranMs, 1))).toEqual([100, 200, 400, 800]);
  expect([10_000, 9_999].map((ranMs) => restarts.next(ranMs, 1))).toEqual([100, 200]);
  for (let i = 0; i < 100; i++) restarts.next(0, 1);
  expect([restarts.next(0, 1), restarts.next(0, 0)]).toEqual([10_000, 5_000]);
  expect(restarts.total).toBe(108);
});

it('there is room while ladders are few and keep up', () => {
  const running = [
    { stream: 'live/a', strained: false },
    { stream: 'live/b', strained: false },
  ];
  expect(refuseLadder(running, 3)).toBe(null);
  expect(refuseLadder(running, 2)).toBe('2 of at most 2 ladders run (transcode.maxLadders)');
  expect(refuseLadder([...running, { stream: 'live/c', strained: true }], 9)).toBe(
    'the ladder of live/c is below real time: one more would choke both',
  );
});
