import { expect, it } from 'vitest';
import type { HoldOptions } from '../../metrics/capacity.ts';
import { judgeSteadiness, type SecondFigures } from './steadiness.ts';

const hold: HoldOptions = { rampMs: 0, minMs: 6_000, maxMs: 12_000, windowMs: 3_000, restMs: 0 };
const calm: SecondFigures = { waiting: 0, started: 100, receivedBps: 60e6, stalled: 0, latencyP95Ms: 900 };
const seconds = (count: number, change: (second: number) => Partial<SecondFigures> = () => ({})) =>
  Array.from({ length: count }, (_, second) => ({ ...calm, ...change(second) }));
const judge = (figures: SecondFigures[], open = false, crossed = false) =>
  judgeSteadiness(figures, hold, open, crossed);

it('is held for its shortest time, and ends then when the last window is like the one before', () => {
  expect(judge(seconds(5)).kind).toBe('hold on');
  expect(judge(seconds(6)).kind).toBe('steady');
});

it('goes on while figures change, and says at the end what did', () => {
  const falling = (second: number) => ({ receivedBps: 60e6 / (1 + second) });
  expect(judge(seconds(6, falling)).kind).toBe('hold on');
  expect(judge(seconds(12, falling))).toEqual({
    kind: 'unsteady',
    why: 'The bit rate was still changing.',
    worse: null,
  });
  // A burst at the beginning is forgotten.
  expect(judge(seconds(9, (second) => ({ stalled: second < 3 ? 0.5 : 0 }))).kind).toBe('steady');
});

it.each([
  [
    'latency that grows',
    (second: number) => ({ latencyP95Ms: 900 + 100 * second }),
    /^Latency kept growing \(p95 1600 ms, then 1900 ms\)/,
  ],
  ['stalls that become more', (second: number) => ({ stalled: second / 40 }), /^Stalls became more/],
  ['viewers without a picture', () => ({ waiting: 3, started: 97 }), /^3 viewers had no picture yet/],
])('%s speaks against the level', (_, change, sentence) => {
  const result = judge(seconds(12, change));
  expect(result.kind === 'unsteady' && result.worse).toMatch(sentence);
});

it('what becomes better does not speak against it', () => {
  expect(judge(seconds(12, (second) => ({ latencyP95Ms: 9_000 - 600 * second })))).toMatchObject({
    kind: 'unsteady',
    worse: null,
  });
});

it('a level that is lost is not held to the end', () => {
  const worse = seconds(9, (second) => ({ latencyP95Ms: 900 + 500 * second }));
  expect(judge(worse).kind).toBe('hold on');
  expect(judge(worse, false, true).kind).toBe('unsteady');
});

it('with arrivals somebody always waits; only that they become more is bad', () => {
  expect(
    judge(
      seconds(6, () => ({ waiting: 20 })),
      true,
    ).kind,
  ).toBe('steady');
  const more = judge(
    seconds(12, (second) => ({ waiting: 10 * second })),
    true,
  );
  expect(more.kind === 'unsteady' && more.worse).toMatch(/^More and more viewers waited/);
});

it('streams without stamps have no latency to look at', () => {
  expect(judge(seconds(6, () => ({ latencyP95Ms: null }))).kind).toBe('steady');
});
