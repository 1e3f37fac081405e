import { describe, expect, it } from 'vitest';
import { failureCounts, keyFigures, worstRows } from './key-figures.ts';
import { makeSyntheticRun } from './synthetic-run.ts';

describe('keyFigures', () => {
  it('has a row for all viewers, each protocol, and each stream in natural order', () => {
    const { summary } = makeSyntheticRun({ seconds: 6, streams: ['live/10', 'live/9'] });
    expect(keyFigures(summary).map(({ tags, started }) => [tags, started])).toEqual([
      [{}, 40],
      [{ protocol: 'http-flv' }, 20],
      [{ protocol: 'rtmp' }, 20],
      [{ protocol: 'http-flv', stream: 'live/9' }, 10],
      [{ protocol: 'http-flv', stream: 'live/10' }, 10],
      [{ protocol: 'rtmp', stream: 'live/9' }, 10],
      [{ protocol: 'rtmp', stream: 'live/10' }, 10],
    ]);
  });

  it('has no row where nothing was measured', () => {
    expect(keyFigures(makeSyntheticRun({ seconds: 0 }).summary)).toEqual([]);
  });

  it('indexes a summary of thousands of lines once', () => {
    const streams = Array.from({ length: 1000 }, (_, i) => `live/${i}`);
    const { summary } = makeSyntheticRun({ seconds: 2, viewersPerStream: 1, streams });
    expect(keyFigures(summary)).toHaveLength(2003);
  });
});

describe('failureCounts', () => {
  it('adds up reasons by stream, the most frequent first', () => {
    const { summary, sessions } = makeSyntheticRun({ seconds: 3, viewersPerStream: 130 });
    const counts = failureCounts(summary);
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(
      sessions.filter(({ result }) => result === 'failed').length,
    );
    expect(counts[0]).toEqual({
      reason: 'not-found',
      tags: { protocol: 'http-flv', stream: 'live/room-2' },
      count: 3,
    });
    expect(counts.map(({ count }) => count)).toEqual([3, 3, 2, 2]);
  });
});

describe('worstRows', () => {
  const row = (
    stream: string | undefined,
    failed: number,
    stallRatio: number | null,
    p95: number | undefined,
  ) => ({
    tags: stream === undefined ? {} : { protocol: 'rtmp', stream },
    started: 10,
    failed,
    firstFrame: p95 === undefined ? null : { p95 },
    latency: null,
    stalls: 0,
    stallRatio,
    receivedBps: null,
  });

  it('keeps the sums and those where it went worst, in their own order', () => {
    const rows = [
      row(undefined, 5, 0, 1),
      row('a', 0, 0, 100),
      row('b', 0, 0.1, 10),
      row('c', 1, 0, 10),
      row('d', 0, 0, 900),
      row('e', 0, null, undefined),
    ];
    const { rows: kept, leftOut } = worstRows(rows, 4);
    expect(kept.map(({ tags }) => tags.stream)).toEqual([undefined, 'b', 'c', 'd']);
    expect(leftOut).toBe(2);
    expect(worstRows(rows, 6)).toEqual({ rows, leftOut: 0 });
  });
});
