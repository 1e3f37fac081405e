import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cohortSchema } from '../scenarios/schema.ts';
import {
  type ArrivalsShape,
  arrivalsBy,
  loadEvents,
  loadShapeOf,
  mostViewers,
  shapeDurationMs,
  totalStarts,
  type ViewersShape,
  viewersAt,
} from './load-shape.ts';

const durations = fc.integer({ min: 0, max: 600_000 });
const viewersShapes: fc.Arbitrary<ViewersShape> = fc.record({
  kind: fc.constant('viewers' as const),
  startViewers: fc.integer({ min: 0, max: 200 }),
  stages: fc.array(fc.record({ durationMs: durations, viewers: fc.integer({ min: 0, max: 200 }) }), {
    minLength: 1,
    maxLength: 5,
  }),
});
const rates = fc.double({ min: 0, max: 20, noNaN: true });
const arrivalsShapes: fc.Arbitrary<ArrivalsShape> = fc.record({
  kind: fc.constant('arrivals' as const),
  startPerSecond: rates,
  stages: fc.array(fc.record({ durationMs: fc.integer({ min: 0, max: 60_000 }), perSecond: rates }), {
    minLength: 1,
    maxLength: 4,
  }),
  maxViewers: fc.constant(1000),
});

describe('a number of viewers', () => {
  test('events add up to the level at every time', () => {
    fc.assert(
      fc.property(viewersShapes, fc.double({ min: 0, max: 1, noNaN: true }), (shape, share) => {
        const atMs = shapeDurationMs(shape) * share;
        const on = new Set<number>();
        let closeCall = false;
        for (const event of loadEvents(shape)) {
          // Rounding decides which side of its own instant an event is on: not looked at there.
          if (Math.abs(event.atMs - atMs) < 1e-6) closeCall = true;
          if (event.atMs > atMs) continue;
          if (event.kind === 'start') on.add(event.index);
          else on.delete(event.index);
        }
        fc.pre(!closeCall && share < 1);
        expect(on.size).toBe(viewersAt(shape, atMs));
      }),
    );
  });

  test('events come in order, and each slot is started and stopped in turn', () => {
    fc.assert(
      fc.property(viewersShapes, (shape) => {
        let lastMs = 0;
        const on = new Set<number>();
        for (const { atMs, kind, index } of loadEvents(shape)) {
          expect(atMs).toBeGreaterThanOrEqual(lastMs - 1e-6);
          lastMs = atMs;
          expect(on.has(index)).toBe(kind === 'stop');
          if (kind === 'start') on.add(index);
          else on.delete(index);
        }
        expect(on.size).toBe(shape.stages.at(-1)?.viewers);
        expect(lastMs).toBeLessThanOrEqual(shapeDurationMs(shape) + 1e-6);
      }),
    );
  });

  test('the parts of any number of workers are the whole', () => {
    fc.assert(
      fc.property(viewersShapes, fc.integer({ min: 1, max: 7 }), (shape, workers) => {
        const whole = [...loadEvents(shape)].filter((event) => event.kind === 'start');
        const parts = Array.from({ length: workers }, (_, worker) =>
          whole.filter((event) => event.index % workers === worker),
        );
        expect(parts.reduce((sum, part) => sum + part.length, 0)).toBe(totalStarts(shape));
        expect(mostViewers(shape)).toBe(
          Math.max(shape.startViewers, ...shape.stages.map((stage) => stage.viewers)),
        );
      }),
    );
  });

  test('a ramp deals its viewers out evenly, the first at once', () => {
    const shape: ViewersShape = {
      kind: 'viewers',
      startViewers: 0,
      stages: [
        { durationMs: 4000, viewers: 4 },
        { durationMs: 1000, viewers: 4 },
        { durationMs: 2000, viewers: 0 },
      ],
    };
    expect([...loadEvents(shape)].map(({ atMs, kind, index }) => `${kind} ${index} at ${atMs}`)).toEqual([
      'start 0 at 0',
      'start 1 at 1000',
      'start 2 at 2000',
      'start 3 at 3000',
      'stop 3 at 5500',
      'stop 2 at 6000',
      'stop 1 at 6500',
      'stop 0 at 7000',
    ]);
    expect([0, 999, 1000, 3999, 4500, 5499, 5501, 6999, 7000].map((ms) => viewersAt(shape, ms))).toEqual([
      1, 1, 2, 4, 4, 4, 3, 1, 0,
    ]);
  });
});

describe('a rate of arrivals', () => {
  test('events add up to the area under the rate at every time', () => {
    fc.assert(
      fc.property(arrivalsShapes, fc.double({ min: 0, max: 1, noNaN: true }), (shape, share) => {
        const atMs = shapeDurationMs(shape) * share;
        const times = [...loadEvents(shape)].map((event) => event.atMs);
        fc.pre(share < 1 && !times.some((ms) => Math.abs(ms - atMs) < 1e-3));
        expect(times.filter((ms) => ms <= atMs)).toHaveLength(arrivalsBy(shape, atMs));
      }),
    );
  });

  test('totals are exact, indexes have no gap, times are in order', () => {
    fc.assert(
      fc.property(arrivalsShapes, (shape) => {
        const events = [...loadEvents(shape)];
        expect(events).toHaveLength(totalStarts(shape));
        expect(events.map((event) => event.index)).toEqual(events.map((_, index) => index));
        for (const [index, event] of events.entries())
          expect(event.atMs).toBeGreaterThanOrEqual((events[index - 1]?.atMs ?? 0) - 1e-6);
      }),
    );
  });

  test.each([
    [10, 60_000, 600],
    [0.1, 60_000, 6],
    [1 / 3, 60_000, 20],
    [2.5, 1000, 3],
    [7, 100, 1],
  ])('%d a second for %d ms are %d sessions', (perSecond, durationMs, sessions) => {
    const shape: ArrivalsShape = {
      kind: 'arrivals',
      startPerSecond: perSecond,
      stages: [{ durationMs, perSecond }],
      maxViewers: 9,
    };
    const times = [...loadEvents(shape)].map((event) => event.atMs);
    expect(times).toHaveLength(sessions);
    expect(times[0]).toBe(0);
    expect(times.at(-1)).toBeCloseTo(((sessions - 1) * 1000) / perSecond, 6);
  });

  test('a ramp from nothing to 10 a second over 10 s brings 50 sessions, ever closer', () => {
    const shape: ArrivalsShape = {
      kind: 'arrivals',
      startPerSecond: 0,
      stages: [{ durationMs: 10_000, perSecond: 10 }],
      maxViewers: 100,
    };
    const times = [...loadEvents(shape)].map((event) => event.atMs);
    expect(times).toHaveLength(50);
    // Area t²/2 for t in seconds: the n-th at √(2n).
    expect(times[8]).toBeCloseTo(4000, 6);
    expect(times[32]).toBeCloseTo(8000, 6);
    expect(mostViewers(shape)).toBe(50);
  });
});

describe('executors', () => {
  const cohort = (rest: Record<string, unknown>) =>
    loadShapeOf(cohortSchema.parse({ protocol: 'rtmp', stream: 'live/a', ...rest }));

  test('constant-viewers with a ramp', () => {
    const shape = cohort({ executor: 'constant-viewers', viewers: 20, ramp: '4s', duration: '30s' });
    expect(shapeDurationMs(shape)).toBe(30_000);
    expect(viewersAt(shape as ViewersShape, 4000)).toBe(20);
    expect(totalStarts(shape)).toBe(20);
  });
  test('ramping-viewers', () => {
    const shape = cohort({
      executor: 'ramping-viewers',
      startViewers: 2,
      stages: [{ duration: '10s', target: 12 }],
    });
    expect(totalStarts(shape)).toBe(12);
    expect(viewersAt(shape as ViewersShape, 0)).toBe(3);
  });
  test('constant-arrival-rate per minute', () => {
    const shape = cohort({ executor: 'constant-arrival-rate', rate: 90, timeUnit: '1m', duration: '2m' });
    expect(totalStarts(shape)).toBe(180);
  });
  test('ramping-arrival-rate', () => {
    const shape = cohort({
      executor: 'ramping-arrival-rate',
      startRate: 60,
      timeUnit: '1m',
      stages: [
        { duration: '10s', target: 60 },
        { duration: '0s', target: 120 },
        { duration: '10s', target: 120 },
      ],
    });
    expect(totalStarts(shape)).toBe(30);
  });
});
