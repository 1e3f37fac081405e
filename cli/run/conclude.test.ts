import { expect, test } from 'vitest';
import { makeSyntheticRun } from '../../sinks/synthetic-run.ts';
import { conclude, type Outcome, withoutResults } from './conclude.ts';

const good: Outcome = {
  interrupted: false,
  failure: null,
  unreachable: false,
  generator: { valid: true },
  thresholds: [{ metric: 'stall_ratio', tags: {}, expression: 'value<1', observed: 0, ok: true }],
};
const crossed = [{ ...good.thresholds[0]!, ok: false }];
const busy = { valid: false };
const failure = { exitCode: 1, sentence: 'It broke.' } as const;

test.each<[string, Partial<Outcome>, string, number]>([
  ['all thresholds met', {}, 'pass', 0],
  ['no thresholds', { thresholds: [] }, 'pass', 0],
  ['a threshold crossed', { thresholds: crossed }, 'fail', 99],
  ['a busy generator', { generator: busy }, 'inconclusive', 96],
  ['a busy generator and a threshold crossed', { generator: busy, thresholds: crossed }, 'inconclusive', 96],
  [
    'an unreachable target, which crosses thresholds, too',
    { unreachable: true, thresholds: crossed },
    'error',
    95,
  ],
  ['a failure', { failure }, 'error', 1],
  ['an unreachable target found while publishing', { failure: { ...failure, exitCode: 95 } }, 'error', 95],
  [
    'a signal, whatever else',
    { interrupted: true, failure, unreachable: true, thresholds: crossed },
    'error',
    105,
  ],
])('%s', (_, change, verdict, exitCode) => {
  expect(conclude({ ...good, ...change })).toEqual({ verdict, exitCode });
});

test('a pass whose results could not be written is none; what failed stays what it was', () => {
  const { summary } = makeSyntheticRun({ seconds: 5, troubleAt: null });
  expect(withoutResults({ ...summary, exitCode: 0 }, 'The disk is full.')).toMatchObject({
    verdict: 'error',
    exitCode: 1,
    errors: [{ code: 'run-failed', count: 1, example: 'The disk is full.' }],
  });
  const failed = { ...summary, exitCode: 99 };
  expect(withoutResults(failed, 'The disk is full.')).toBe(failed);
});
