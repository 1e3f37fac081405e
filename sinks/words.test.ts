import { describe, expect, it } from 'vitest';
import { catalogue, type MetricName, type Tags } from '../metrics/catalogue.ts';
import type { Summary } from '../metrics/summary.ts';
import { makeSyntheticRun } from './synthetic-run.ts';
import { extentWords, metricWords, outcomeWords, thresholdWords, verdictWords } from './words.ts';

const { summary } = makeSyntheticRun({ seconds: 6 });
const changed = (change: Partial<Summary>): Summary => ({ ...summary, ...change });
const result = (
  metric: MetricName,
  expression: string,
  observed: number | null,
  ok: boolean,
  tags: Tags = {},
) => ({
  metric,
  tags,
  expression,
  observed,
  ok,
});

describe('metricWords', () => {
  it('reads names aloud', () => {
    expect(
      (
        ['first_frame_ms', 'received_bps', 'stall_ms', 'qoe_score', 'psnr_db', 'stall_ratio', 'fps'] as const
      ).map(metricWords),
    ).toEqual([
      'First frame',
      'Received bitrate',
      'Stall time',
      'QoE score',
      'PSNR',
      'Stalled time',
      'Frame rate',
    ]);
  });

  it('gives every metric a name of its own', () => {
    expect(new Set(catalogue.map(({ name }) => metricWords(name))).size).toBe(catalogue.length);
  });
});

describe('thresholdWords', () => {
  it.each([
    [
      result('first_frame_ms', 'p(95)<1500', 812.3, true),
      'First frame, 95th percentile',
      'all',
      '< 1,500 ms',
      '812 ms',
    ],
    [
      result('latency_ms', 'med<=2000', 12_000, false, { protocol: 'rtmp', stream: 'live/a' }),
      'Latency, median',
      'rtmp · live/a',
      '≤ 2,000 ms',
      '12 s',
    ],
    [result('latency_ms', 'p(1)>=0', -3, false), 'Latency, 1st percentile', 'all', '≥ 0 ms', '-3 ms'],
    [
      result('latency_ms', 'p(99.9)<5', null, false),
      'Latency, 99.9th percentile',
      'all',
      '< 5 ms',
      'no data',
    ],
    [result('latency_ms', 'p(12)<5', 1, true), 'Latency, 12th percentile', 'all', '< 5 ms', '1 ms'],
    [result('latency_ms', 'count!=0', 40, true), 'Latency, number', 'all', '≠ 0', '40'],
    [result('stall_ratio', 'value<0.01', 0.02, false), 'Stalled time', 'all', '< 1 %', '2 %'],
    [result('sessions_failed', 'rate==0', 0.5, false), 'Failed sessions, rate', 'all', '= 0 /s', '0.5 /s'],
  ])('%#', (threshold, what, where, mustBe, observed) => {
    expect(thresholdWords(threshold)).toEqual({ what, where, mustBe, observed });
  });

  it('says it in one sentence', () => {
    expect(outcomeWords(result('latency_ms', 'med<=2000', 12_000, false, { protocol: 'rtmp' }))).toBe(
      'Latency, median (rtmp) was 12 s; it must be ≤ 2,000 ms.',
    );
    expect(outcomeWords(result('latency_ms', 'med<=2000', null, false))).toBe(
      'Latency, median was never measured.',
    );
  });
});

describe('verdictWords', () => {
  const crossed = result('latency_ms', 'p(95)<2000', 2_616, false, { protocol: 'http-flv' });
  it.each<[Partial<Summary>, string, string]>([
    [{}, 'Passed', 'All 5 thresholds were met.'],
    [
      { thresholds: [] },
      'Passed',
      'The run went through. No thresholds were set, so there was nothing to cross.',
    ],
    [{ thresholds: summary.thresholds.slice(0, 1) }, 'Passed', 'The threshold was met.'],
    [
      { verdict: 'fail', exitCode: 99, thresholds: [...summary.thresholds, crossed] },
      'Failed',
      '1 of 6 thresholds was crossed. Latency, 95th percentile (http-flv) was 2,616 ms; it must be < 2,000 ms.',
    ],
    [
      {
        verdict: 'inconclusive',
        exitCode: 96,
        generator: { ...summary.generator, valid: false, reasons: ['Too busy.'] },
      },
      'Inconclusive',
      'The load generator, not the server, was the limit, so nothing can be said about the server. Too busy.',
    ],
    [
      { verdict: 'error', exitCode: 1, errors: [{ code: 'X', count: 1, example: 'Port 1935 is taken.' }] },
      'Error',
      'The run did not work, so nothing can be said about the server. Port 1935 is taken.',
    ],
    [
      { verdict: 'error', exitCode: 105 },
      'Stopped',
      'The run was stopped before its end, so it was not judged. The figures are those of what had happened so far.',
    ],
    [
      { exitCode: 105 },
      'Passed',
      'All 5 thresholds were met. The run was stopped early: the figures are those of what had happened so far.',
    ],
  ])('%#', (change, word, sentence) => {
    expect(verdictWords(changed(change))).toEqual({ word, sentence });
  });
});

describe('extentWords', () => {
  it('says how much was measured', () => {
    expect(extentWords(summary)).toBe('40 viewer sessions in 6 s, none failed.');
    expect(extentWords(changed({ metrics: [] }))).toBe('No viewer session was started in 6 s.');
    expect(extentWords(makeSyntheticRun({ seconds: 0 }).summary)).toBe('No viewer session was started.');
  });
});
