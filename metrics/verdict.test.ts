import { describe, expect, it } from 'vitest';
import type { ThresholdResult } from './threshold.ts';
import { isSecondValid, judgeGenerator, verdictOf } from './verdict.ts';

const met: ThresholdResult = { metric: 'latency_ms', tags: {}, expression: 'avg<1', observed: 0, ok: true };
const crossed: ThresholdResult = { ...met, observed: 2, ok: false };
const figures = { cpu: 0.4, eventLoopLagMs: 3, seconds: 100, invalidSeconds: 5, droppedStarts: 0 };

describe('verdictOf', () => {
  it.each([
    [[met, met], true, null, 'pass'],
    [[], true, null, 'pass'],
    [[met, crossed], true, null, 'fail'],
    [[met], false, null, 'inconclusive'],
    [[crossed], false, null, 'inconclusive'],
    [[met], true, 'The server could not be started.', 'error'],
    [[crossed], false, 'The server could not be started.', 'error'],
  ] as const)('%#: %s', (thresholds, valid, failure, verdict) => {
    expect(verdictOf(thresholds, { valid }, failure)).toBe(verdict);
  });
});

describe('judgeGenerator', () => {
  it('believes a generator with up to 5 % invalid seconds', () => {
    expect(judgeGenerator(figures)).toEqual({ ...figures, valid: true, reasons: [] });
  });
  it('does not believe one with more, and says why', () => {
    const judged = judgeGenerator({ ...figures, invalidSeconds: 6 });
    expect(judged.valid).toBe(false);
    expect(judged.reasons).toEqual([
      'The load generator was too busy in 6 of 100 worker-seconds (6 %): its event loop lagged more than 50 ms or its CPU was above 90 %.',
    ]);
  });
  it('takes other reasons as they are', () => {
    const doubt = { shortage: 'file-descriptors', sentence: 'Out of file descriptors.' } as const;
    expect(judgeGenerator(figures, [doubt])).toMatchObject({
      valid: false,
      reasons: ['Out of file descriptors.'],
      shortOf: ['file-descriptors'],
    });
  });
  it('says what busy seconds were short of where there are too many of them, and only there', () => {
    const busy = [{ shortage: 'cpu', sentence: 'viewers-1 used a core.' }] as const;
    expect(judgeGenerator(figures, [], busy)).toEqual({ ...figures, valid: true, reasons: [] });
    const judged = judgeGenerator({ ...figures, invalidSeconds: 6 }, [], busy);
    expect(judged.reasons[1]).toBe('viewers-1 used a core.');
    expect(judged.shortOf).toEqual(['cpu']);
  });
  it('holds a short run to the same share, and says that it was short', () => {
    const one = (seconds: number) => judgeGenerator({ ...figures, seconds, invalidSeconds: 1 });
    expect(one(20).valid).toBe(true);
    expect(one(19).valid).toBe(false);
    expect(one(7).reasons[0]).toMatch(/1 of 7 .* one second is more than the 5 % .* 20 s or more\.$/);
  });
  it('believes a generator that never ran a second', () => {
    expect(judgeGenerator({ ...figures, seconds: 0, invalidSeconds: 0 }).valid).toBe(true);
  });
});

describe('isSecondValid', () => {
  it('draws the line above 50 ms and above 90 %', () => {
    expect(isSecondValid({ cpu: 0.9, eventLoopLagMs: 50 })).toBe(true);
    expect(isSecondValid({ cpu: 0.91, eventLoopLagMs: 1 })).toBe(false);
    expect(isSecondValid({ cpu: 0.1, eventLoopLagMs: 50.1 })).toBe(false);
  });
});
