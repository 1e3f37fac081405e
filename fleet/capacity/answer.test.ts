import { describe, expect, it } from 'vitest';
import type { SearchOptions } from '../../metrics/capacity.ts';
import type { ServerSummary } from '../../metrics/summary.ts';
import type { ThresholdResult } from '../../metrics/threshold.ts';
import { aLevel } from '../../tests/kit/a-level.ts';
import { answerOf } from './answer.ts';
import { findShortage } from './shortage.ts';

const search: SearchOptions = {
  start: 10,
  max: 1_000,
  granule: 1,
  step: { kind: 'factor', by: 2 },
  resolution: { kind: 'absolute', by: 10 },
  agree: 1,
  patience: 3,
  maxLevels: 50,
};
const crossed = (
  metric: ThresholdResult['metric'],
  expression: string,
  observed: number,
): ThresholdResult => ({
  metric,
  tags: {},
  expression,
  observed,
  ok: false,
});

it('what crossed first is what is furthest beyond its limit, at the lowest load that was not carried', () => {
  const levels = [
    aLevel({ load: 10 }),
    aLevel({ load: 40, verdict: 'bad', thresholds: [crossed('start_failure_ratio', 'value<0.01', 0.5)] }),
    aLevel({
      load: 20,
      verdict: 'bad',
      thresholds: [
        crossed('first_frame_ms', 'p(95)<1000', 1_500),
        crossed('stall_ratio', 'value<0.01', 0.04),
        { ...crossed('play_failure_ratio', 'value<0.01', 0), ok: true },
      ],
      server: { cpu: 0.98 },
    }),
  ];
  const { limit, capacity } = answerOf(search, levels, 'viewers')!;
  expect(capacity).toBe(10);
  expect(limit).toMatchObject({ load: 20, shortage: { of: 'server', resource: 'CPU', used: 0.98 } });
  expect(limit!.crossed.map(({ metric }) => metric)).toEqual(['stall_ratio', 'first_frame_ms']);
});

it('what was short is told by any of the levels there that knows it, the latest first', () => {
  const refused = { load: 20, verdict: 'bad' as const, figures: { startFailureRatio: 0.1 } };
  const levels = [
    aLevel({ load: 10 }),
    aLevel({ ...refused, server: { cpu: 0.1, socketsMax: 18 } }),
    aLevel({ ...refused, server: { cpu: 0.1 } }),
  ];
  expect(answerOf(search, levels, 'viewers')!.limit!.shortage).toMatchObject({ resource: 'connections' });
});

it('knows nothing before the first level, and no limit before the first bad one', () => {
  expect(answerOf(search, [], 'viewers')).toBeNull();
  expect(answerOf(search, [aLevel({})], 'viewers')).toMatchObject({ capacity: 10, limit: null, knee: null });
});

describe('shortage', () => {
  it.each<[ServerSummary, string | null]>([
    [{ cpu: 0.98 }, "The server's CPU was at 98 % of a core."],
    [{ cpu: 7.6, cpus: 8 }, 'The server used 95 % of all 8 cores.'],
    [{ cpu: 0.2, rssBytes: 9e9, memoryBytes: 10e9 }, 'The server used 90 % of the memory.'],
    [{ cpu: 0.2, fdUsedRatioMax: 0.99 }, 'The server had 99 % of its open files in use.'],
    [{ cpu: 0.5, cpus: 2 }, null],
    [{ cpu: 3, cpus: 8 }, null],
    [{}, null],
    [{ cpu: 'unknown' }, null],
  ])('%o', (server, sentence) => {
    expect(findShortage(aLevel({ server }), 'viewers')?.sentence ?? null).toBe(sentence);
  });

  it('of connections: fewer than viewers, and starts that failed', () => {
    const level = aLevel({
      load: 1_500,
      server: { cpu: 0.2, socketsMax: 1_023 },
      figures: { startFailureRatio: 0.3 },
    });
    expect(findShortage(level, 'viewers')?.sentence).toMatch(/more than 1,023 connections for 1,500 viewers/);
    // A rate is no number of connections; keep-alive connections may be fewer than viewers who all play.
    expect(findShortage(level, 'arrival-rate')).toBeNull();
    const playing = { ...level, figures: { ...level.figures, startFailureRatio: 0 } };
    expect(findShortage(playing, 'viewers')).toBeNull();
  });

  it('of the generator, when it was the limit', () => {
    const busy = aLevel({});
    const level = aLevel({ generator: { ...busy.generator, cpu: 0.97, valid: false } });
    expect(findShortage(level, 'viewers')).toMatchObject({ of: 'generator', resource: 'CPU' });
  });
});
