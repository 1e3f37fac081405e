import { expect, test } from 'vitest';
import { sessionLengthMs } from './session-length.ts';

test('a fixed length is what it says', () => {
  expect(sessionLengthMs({ kind: 'fixed', lengthMs: 45_000 }, 0.3)).toBe(45_000);
});

test('the log-normal law goes through its median and its 95th percentile', () => {
  const length = { kind: 'log-normal', medianMs: 45_000, p95Ms: 300_000 } as const;
  expect(sessionLengthMs(length, 0.5)).toBeCloseTo(45_000, 3);
  expect(sessionLengthMs(length, 0.95)).toBeCloseTo(300_000, 1);
  expect(sessionLengthMs(length, 0.05)).toBeCloseTo(45_000 ** 2 / 300_000, 2);
  // In its tails, too: the standard normal law's quantile at 0.001 is −3.0902.
  const spread = Math.log(300 / 45) / 1.6448536269514722;
  expect(sessionLengthMs(length, 0.001)).toBeCloseTo(45_000 * Math.exp(-3.090232306 * spread), 3);
});
