import { describe, expect, it } from 'vitest';
import type { CapacityReport } from '../../metrics/capacity.ts';
import {
  capacityOrder,
  fingerprintOf,
  orderOf,
  parseResolution,
  parseStep,
  type SearchFlags,
  urlScenario,
  writtenScenario,
} from './capacity-order.ts';

const none: SearchFlags = {
  of: undefined,
  start: undefined,
  max: undefined,
  step: undefined,
  resolution: undefined,
  repeats: undefined,
  patience: undefined,
  holdMs: undefined,
  maxHoldMs: undefined,
  rampMs: undefined,
  restMs: undefined,
  thresholds: [],
  require: undefined,
};
const watchers = {
  urls: ['http://host/live/a.flv'],
  watchMs: undefined,
  player: 'plain',
  insecure: false,
} as const;
const order = (flags: Partial<SearchFlags> = {}, url: string = watchers.urls[0]) =>
  capacityOrder(urlScenario({ ...watchers, urls: [url] }, flags.of ?? 'viewers'), '/', { ...none, ...flags });

it('an address alone: sensible defaults', () => {
  const { of, search, hold, thresholds } = order();
  expect(of).toBe('viewers');
  expect(search).toMatchObject({
    start: 10,
    max: 100_000,
    granule: 1,
    step: { kind: 'factor', by: 2 },
    resolution: { kind: 'share', by: 0.05 },
    agree: 2,
  });
  expect(hold).toEqual({ rampMs: 10_000, minMs: 20_000, maxMs: 60_000, windowMs: 5_000, restMs: 2_000 });
  expect(thresholds.map(({ metric, expression }) => `${metric} ${expression}`)).toEqual([
    'start_failure_ratio value<0.01',
    'play_failure_ratio value<0.01',
    'first_frame_ms p(95)<3000',
    'stall_ratio value<0.01',
  ]);
});

it('thresholds of the command line stand instead of the usual ones and those of the scenario', () => {
  const thresholds = ['stall_ratio{protocol:http-flv}:value<0.02'];
  expect(order({ thresholds }).thresholds).toHaveLength(1);
  const scenario = { ...urlScenario(watchers, 'viewers'), thresholds: { latency_ms: 'p(95)<4000' } };
  expect(capacityOrder(scenario, '/', none).thresholds.map(({ metric }) => metric)).toEqual(['latency_ms']);
});

it('arrivals: in tenths, from one per second, sessions of 10 s', () => {
  const { of, search, scenario } = order({ of: 'arrival-rate' });
  expect([of, search.start, search.granule]).toEqual(['arrival-rate', 1, 0.1]);
  expect(scenario.viewers[0]!.watch).toBe(10_000);
});

it.each<[Partial<SearchFlags>, RegExp]>([
  [{ start: 0.5 }, /--start 0.5 is not a multiple of 1\.$/],
  [{ start: 50, max: 40 }, /--start 50 is more than --max 40/],
  [{ holdMs: 500 }, /--hold is 2s at least/],
  [{ maxHoldMs: 5_000 }, /--max-hold 5s is shorter than --hold 20s/],
  [{ thresholds: ['stalls<1'] }, /--threshold stalls<1: write metric:expression/],
])('refuses %o', (flags, sentence) => {
  expect(() => order(flags)).toThrow(sentence);
});

it('refuses faults, which would fall on one load and not on the next', () => {
  const scenario = {
    ...urlScenario(watchers, 'viewers'),
    target: { rtmp: 'rtmp://host' },
    publishers: [{ stream: 'live/a' }],
    faults: [{ at: '200ms', kind: 'publisher-drop' as const, stream: 'live/a', for: '300ms' }],
  };
  expect(() => capacityOrder(scenario, '/', none)).toThrow(/--set 'faults=\[\]'/);
  expect(capacityOrder({ ...scenario, faults: [] }, '/', none).of).toBe('viewers');
});

it('steps and resolutions', () => {
  expect(parseStep('x1.5', 1)).toEqual({ kind: 'factor', by: 1.5 });
  expect(parseStep('+50', 1)).toEqual({ kind: 'increment', by: 50 });
  for (const text of ['x1', '2', '+0', '*2']) expect(() => parseStep(text, 1)).toThrow(/write x2/);
  expect(parseResolution('2.5%')).toEqual({ kind: 'share', by: 0.025 });
  expect(parseResolution('10')).toEqual({ kind: 'absolute', by: 10 });
  for (const text of ['0', '0%', '101%', 'five']) expect(() => parseResolution(text)).toThrow(/write 5%/);
});

describe('what is taken up again', () => {
  const reportOf = (begun: ReturnType<typeof order>): CapacityReport =>
    JSON.parse(
      JSON.stringify({ ...begun, run: { scenario: writtenScenario(begun) } }),
    ) as unknown as CapacityReport;

  it('is the same order, by the same fingerprint', () => {
    const begun = order({ start: 20, thresholds: ['stall_ratio:value<0.02'] });
    const again = orderOf(reportOf(begun));
    expect(again.scenario).toEqual(begun.scenario);
    expect(fingerprintOf(again)).toBe(fingerprintOf(begun));
    expect(fingerprintOf(order({ start: 20 }))).not.toBe(fingerprintOf(begun));
    expect(fingerprintOf(order({ start: 20, thresholds: ['stall_ratio:value<0.02'], require: 9 }))).toBe(
      fingerprintOf(begun),
    );
  });

  it('has no secrets in it, so that they have to be given again; they may have changed', () => {
    const signed = order({}, 'http://host/live/a.flv?sign=123-abc');
    expect(JSON.stringify(writtenScenario(signed))).not.toContain('123-abc');
    expect(() => orderOf(reportOf(signed))).toThrow(/give the same command again/);
    expect(fingerprintOf(order({}, 'http://host/live/a.flv?sign=456-def'))).toBe(fingerprintOf(signed));
  });
});
