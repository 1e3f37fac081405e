import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Aggregation } from './aggregate.ts';
import { catalogue, type MetricType } from './catalogue.ts';
import { Registry } from './registry.ts';
import { judge, parseThreshold, selectorText } from './threshold.ts';

describe('parseThreshold', () => {
  it.each<[string, string, string, object, Aggregation, string, number]>([
    ['first_frame_ms', 'p(95)<1500', 'first_frame_ms', {}, { p: 95 }, '<', 1500],
    ['first_frame_ms', ' p(99.9) <= 1.5e3 ', 'first_frame_ms', {}, { p: 99.9 }, '<=', 1500],
    ['latency_ms', 'med>-5', 'latency_ms', {}, 'med', '>', -5],
    ['latency_ms', 'count>=1', 'latency_ms', {}, 'count', '>=', 1],
    ['sessions_failed', 'count==0', 'sessions_failed', {}, 'count', '==', 0],
    ['sessions_failed{reason:tls}', 'rate!=.5', 'sessions_failed', { reason: 'tls' }, 'rate', '!=', 0.5],
    ['stall_ratio{protocol:hls}', 'value<0.01', 'stall_ratio', { protocol: 'hls' }, 'value', '<', 0.01],
    ['publish_up', 'min>0', 'publish_up', {}, 'min', '>', 0],
    [
      'stall_ratio{ protocol:http-flv , stream:live/a:1 }',
      'rate<1',
      'stall_ratio',
      { protocol: 'http-flv', stream: 'live/a:1' },
      'rate',
      '<',
      1,
    ],
    ['latency_ms{}', 'avg<1', 'latency_ms', {}, 'avg', '<', 1],
  ])('reads %s %s', (metric, expression, name, tags, aggregation, operator, limit) => {
    expect(parseThreshold(metric, expression)).toEqual({
      metric: name,
      tags,
      expression: expression.replace(/\s/g, ''),
      aggregation,
      operator,
      limit,
    });
  });

  it.each([
    ['first_frame', 'p(95)<1', 'There is no metric "first_frame"; did you mean first_frame_ms?'],
    ['latencyms', 'p(95)<1', 'There is no metric "latencyms"; did you mean latency_ms?'],
    [
      'http_req_duration',
      'p(95)<1',
      'There is no metric "http_req_duration"; docs/metrics.md lists them all.',
    ],
    ['latency_ms{protcol:hls}', 'avg<1', 'Metric latency_ms has no tag "protcol"; did you mean protocol?'],
    [
      'generator_cpu{stream:a}',
      'max<1',
      'Metric generator_cpu has no tag "stream"; it may be node, scenario, run.',
    ],
    [
      'latency_ms{hls}',
      'avg<1',
      'Cannot read "hls" in {hls}: a tag selector is written {protocol:http-flv,stream:live/a}.',
    ],
    [
      'latency_ms{stream:}',
      'avg<1',
      'Cannot read "stream:" in {stream:}: a tag selector is written {protocol:http-flv,stream:live/a}.',
    ],
    ['latency_ms{stream:a,stream:b}', 'avg<1', 'Tag "stream" is given twice in {stream:a,stream:b}.'],
    [
      'latency_ms{stream:a',
      'avg<1',
      'Cannot read "latency_ms{stream:a": a tag selector is written like stall_ratio{protocol:http-flv}.',
    ],
    [
      'sessions_failed{reason:not-fond}',
      'count<1',
      'There is no reason "not-fond" of sessions_failed; did you mean not-found?',
    ],
    ['latency_ms', 'p95<1', 'latency_ms is a trend and has no "p95"; did you mean p(95)?'],
    ['latency_ms', 'p(95<1', 'latency_ms is a trend and has no "p(95"; did you mean p(95)?'],
    ['latency_ms', 'p(101)<1', 'Percentile "p(101)" must be between p(0) and p(100).'],
    ['latency_ms', 'p()<1', 'Percentile "p()" must be between p(0) and p(100).'],
    ['latency_ms', 'agv<1', 'latency_ms is a trend and has no "agv"; did you mean avg?'],
    [
      'latency_ms',
      'rate<1',
      'latency_ms is a trend and has no "rate"; it may be avg, med, min, max, count, p(N).',
    ],
    ['sessions_failed', 'value<1', 'sessions_failed is a counter and has no "value"; it may be count, rate.'],
    ['stall_ratio', 'p(95)<1', 'stall_ratio is a ratio and has no "p(95)"; it may be value, rate.'],
    ['viewers', 'valu<1', 'viewers is a gauge and has no "valu"; did you mean value?'],
    ['latency_ms', 'avg=1', 'There is no operator "=" in threshold "avg=1" of latency_ms; did you mean ==?'],
    [
      'latency_ms',
      'avg=>1',
      'There is no operator "=>" in threshold "avg=>1" of latency_ms; did you mean >=?',
    ],
    [
      'latency_ms',
      'avg<<1',
      'There is no operator "<<" in threshold "avg<<1" of latency_ms; use one of < <= > >= == !=.',
    ],
    ['latency_ms', 'avg<1.5s', 'Limit "1.5s" of latency_ms is not a plain number in ms, like "p(95)<1500".'],
    [
      'stall_ratio',
      'value<1%',
      'Limit "1%" of stall_ratio is not a plain number in parts of 1, like "value<0.01".',
    ],
    ['latency_ms', 'avg<', 'Limit "" of latency_ms is not a plain number in ms, like "p(95)<1500".'],
    [
      'latency_ms',
      '1500',
      'Threshold "1500" of latency_ms needs an aggregation, an operator and a number, like "p(95)<1500".',
    ],
  ])('refuses %s %s in one sentence', (metric, expression, message) => {
    expect(() => parseThreshold(metric, expression)).toThrow(
      expect.objectContaining({ message, name: 'ThresholdError' }),
    );
  });

  it('reads back whatever is written in its grammar', () => {
    const words: Record<MetricType, string[]> = {
      trend: ['avg', 'med', 'min', 'max', 'count', 'p(0)', 'p(50)', 'p(99.99)'],
      counter: ['count', 'rate'],
      gauge: ['value', 'avg', 'min', 'max'],
      ratio: ['value', 'rate'],
    };
    const value = fc.stringMatching(/^[\w/.:-]{1,20}$/);
    const threshold = fc.constantFrom(...catalogue).chain((metric) =>
      fc.record({
        metric: fc.constant(metric.name),
        word: fc.constantFrom(...words[metric.type]),
        operator: fc.constantFrom('<', '<=', '>', '>=', '==', '!='),
        limit: fc.double({ noNaN: true, noDefaultInfinity: true }),
        tags: fc.dictionary(fc.constantFrom(...metric.tags.filter((tag) => tag !== 'reason')), value),
      }),
    );
    fc.assert(
      fc.property(threshold, ({ metric, word, operator, limit, tags }) => {
        const parsed = parseThreshold(selectorText(metric, tags), `${word}${operator}${limit}`);
        expect(parsed).toMatchObject({ metric, tags: { ...tags }, operator });
        // Minus zero is written as 0.
        expect(parsed.limit === limit).toBe(true);
      }),
    );
  });

  it('answers any text with a threshold or one sentence', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (metric, expression) => {
        for (const name of [metric, 'latency_ms', `latency_ms{${metric}}`]) {
          try {
            parseThreshold(name, expression);
          } catch (error) {
            expect((error as Error).name).toBe('ThresholdError');
          }
        }
      }),
    );
  });
});

describe('judge', () => {
  const registry = new Registry();
  for (let i = 1; i <= 100; i++)
    registry.series('first_frame_ms', { protocol: 'rtmp', stream: 'live/a' }).add(i * 10);
  registry.series('first_frame_ms', { protocol: 'http-flv', stream: 'live/a' }).add(5000);
  registry.series('stall_ratio', { protocol: 'rtmp' }).add(10, 1000);
  registry.series('sessions_started', { protocol: 'rtmp' }).add(30);
  registry.series('sessions_failed', { protocol: 'rtmp', reason: 'tls' }).add(2);
  registry.series('viewers').add(20);
  registry.series('viewers').add(10);
  registry.cut(1000);
  registry.cut(10_000);

  const observed = (metric: string, expression: string) => {
    const [result] = judge([parseThreshold(metric, expression)], registry);
    return [result?.observed, result?.ok];
  };

  it('reads each aggregation', () => {
    expect(observed('first_frame_ms', 'max<5000')).toEqual([5000, false]);
    expect(observed('first_frame_ms', 'max<=5000')).toEqual([5000, true]);
    expect(observed('first_frame_ms{protocol:rtmp}', 'max==1000')).toEqual([1000, true]);
    expect(observed('first_frame_ms{protocol:rtmp}', 'min>10')).toEqual([10, false]);
    expect(observed('first_frame_ms{protocol:rtmp}', 'avg>=505')).toEqual([505, true]);
    expect(observed('first_frame_ms{protocol:rtmp}', 'count!=100')).toEqual([100, false]);
    expect(observed('first_frame_ms{protocol:rtmp}', 'med<503')).toEqual([expect.closeTo(500, -1), true]);
    expect(observed('first_frame_ms{protocol:rtmp,stream:live/a}', 'p(95)<900')).toEqual([
      expect.closeTo(950, -1),
      false,
    ]);
    expect(observed('stall_ratio', 'value<0.02')).toEqual([0.01, true]);
    expect(observed('stall_ratio', 'rate<0.01')).toEqual([0.01, false]);
    expect(observed('sessions_started', 'rate>=3')).toEqual([3, true]);
    expect(observed('viewers', 'value>10')).toEqual([10, false]);
    expect(observed('viewers', 'avg==15')).toEqual([15, true]);
  });

  it('is not met by a metric without data', () => {
    expect(observed('latency_ms', 'p(95)<1500')).toEqual([null, false]);
    expect(observed('latency_ms', 'p(95)>0')).toEqual([null, false]);
    expect(observed('first_frame_ms{protocol:hls}', 'p(95)<1500')).toEqual([null, false]);
    expect(observed('publish_up', 'value==0')).toEqual([null, false]);
  });

  it('reads a counter that nobody incremented as 0, if somebody was there to do so', () => {
    expect(observed('dropped_starts', 'count==0')).toEqual([0, true]);
    expect(observed('sessions_failed{protocol:http-flv}', 'count==0')).toEqual([0, true]);
    expect(observed('sessions_failed{reason:auth}', 'count==0')).toEqual([0, true]);
    expect(observed('sessions_failed{reason:tls}', 'count==0')).toEqual([2, false]);
    expect(observed('sessions_failed{protocol:hls}', 'count==0')).toEqual([null, false]);
    expect(judge([parseThreshold('sessions_failed', 'count==0')], new Registry())[0]?.observed).toBeNull();
  });
});
