import { expect, test } from 'vitest';
import { PublisherPresence } from './publisher-presence.ts';
import { PublisherSchedule } from './publisher-schedule.ts';
import type { ChurnPlan, PublisherFaultPlan } from './publishers-plan.ts';

/** Publishers 1 to n, and what was asked of each, with the time. */
function set(count: number, churn: ChurnPlan | null, faults: PublisherFaultPlan[] = [], seed = 1) {
  let nowMs = 0;
  const moves: string[] = [];
  const publishers = Array.from({ length: count }, (_, index) => {
    const presence = new PublisherPresence();
    presence.take({
      start: () => {},
      sweep: () => {},
      stop: async () => {},
      state: 'publishing',
      leave: (how) => moves.push(`${nowMs} ${index + 1} ${how}`),
      comeBack: () => moves.push(`${nowMs} ${index + 1} back`),
    });
    return { number: index + 1, stream: `live/${index + 1}`, churn, presence };
  });
  const begun: string[] = [];
  const schedule = new PublisherSchedule({
    seed,
    publishers,
    faults,
    begun: ({ index, publishers: concerned }) => begun.push(`${nowMs} ${index} ${concerned.length}`),
  });
  const run = (untilMs: number, stepMs = 20) => {
    for (; nowMs <= untilMs; nowMs += stepMs) schedule.advance(nowMs);
  };
  return { schedule, moves, begun, run };
}

const drop = (atMs: number, forMs: number | null, ...streams: string[]): PublisherFaultPlan => ({
  kind: forMs === null ? 'publisher-stop' : 'publisher-drop',
  atMs,
  forMs,
  streams,
});

test('a fault cuts those whom it names when it says, and calls them back after its time', () => {
  const { schedule, moves, begun, run } = set(3, null, [
    drop(1_000, 500, 'live/1', 'live/3'),
    drop(2_000, null, 'live/2'),
    drop(500, 100, 'live/9'),
  ]);
  schedule.start(0);
  run(5_000);
  expect(moves).toEqual(['1000 1 cut', '1000 3 cut', '1500 1 back', '1500 3 back', '2000 2 goodbye']);
  // Nobody here publishes live/9: another process does.
  expect(begun).toEqual(['1000 0 2', '2000 1 1']);
});

test('faults that overlap: it comes back when nobody wants it away any more', () => {
  const { schedule, moves, run } = set(1, null, [drop(100, 1_000, 'live/1'), drop(600, 1_000, 'live/1')]);
  schedule.start(0);
  run(5_000);
  expect(moves).toEqual(['100 1 cut', '1600 1 back']);
});

test('churn: every stream goes with a goodbye and comes back, by its own law', () => {
  const churn: ChurnPlan = {
    up: { kind: 'log-normal', medianMs: 10_000, p95Ms: 30_000 },
    down: { kind: 'fixed', lengthMs: 2_000 },
  };
  const { schedule, moves, run } = set(200, churn);
  schedule.start(0);
  run(60_000);
  const goes = moves.filter((move) => move.endsWith('goodbye')).length;
  // 60 s over 12 s to 14.5 s: the mean of this law is 12.5 s, and its median 10 s.
  expect(goes / 200).toBeGreaterThan(3.4);
  expect(goes / 200).toBeLessThan(5.5);
  const first = moves.filter((move) => / 1 /.test(move)).map((move) => Number(move.split(' ')[0]));
  for (let turn = 0; turn + 1 < first.length; turn += 2) expect(first[turn + 1]! - first[turn]!).toBe(2_000);
});

test('churn of a fixed length does not send all streams away at once, and never settles into that', () => {
  const churn: ChurnPlan = {
    up: { kind: 'fixed', lengthMs: 10_000 },
    down: { kind: 'fixed', lengthMs: 1_000 },
  };
  const { schedule, moves, run } = set(100, churn);
  schedule.start(0);
  run(30_000);
  const goes = moves.filter((move) => move.endsWith('goodbye')).map((move) => Number(move.split(' ')[0]));
  for (let fromMs = 0; fromMs < 30_000; fromMs += 1_000)
    expect(goes.filter((atMs) => atMs >= fromMs && atMs < fromMs + 1_000).length).toBeLessThan(30);
});

test('the same seed, the same times, whoever else is in the process; another seed, others', () => {
  const churn: ChurnPlan = {
    up: { kind: 'log-normal', medianMs: 5_000, p95Ms: 20_000 },
    down: { kind: 'log-normal', medianMs: 1_000, p95Ms: 3_000 },
  };
  const movesOf = (count: number, seed: number) => {
    const { schedule, moves, run } = set(count, churn, [], seed);
    schedule.start(0);
    run(60_000);
    return moves.filter((move) => / 2 /.test(move));
  };
  expect(movesOf(2, 1)).toEqual(movesOf(50, 1));
  expect(movesOf(2, 1)).not.toEqual(movesOf(2, 2));
});

test('nothing happens after the stop, and nothing hangs at lengths of almost nothing', () => {
  const tiny: ChurnPlan = {
    up: { kind: 'fixed', lengthMs: 0.001 },
    down: { kind: 'fixed', lengthMs: 0.001 },
  };
  const { schedule, moves, run } = set(1, tiny);
  schedule.start(0);
  run(1_000);
  expect(moves.length).toBeLessThanOrEqual(12);
  schedule.stop();
  const before = moves.length;
  run(5_000);
  expect(moves).toHaveLength(before);
});
