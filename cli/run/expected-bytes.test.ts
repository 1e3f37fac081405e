import { expect, test } from 'vitest';
import type { MetricName, Tags } from '../../metrics/catalogue.ts';
import { Registry } from '../../metrics/registry.ts';
import { ExpectedBytes } from './expected-bytes.ts';

/** The points of one second. */
function second(samples: [MetricName, Tags, number[]][]) {
  const registry = new Registry();
  for (const [metric, tags, values] of samples)
    for (const value of values) registry.series(metric, tags).add(value);
  return registry.cut(1000);
}
const flv = { protocol: 'http-flv', stream: 'live/a' };
const rtmp = { protocol: 'rtmp', stream: 'live/a' };

/** The publisher's first second, which is not a whole one. */
const begin = second([['publish_bps', rtmp, [70_000]]]);

test('viewers that get all are at 1, those that get half at a half; the publisher says what all is', () => {
  const expected = new ExpectedBytes();
  expected.second(begin, 0);
  const points = second([
    ['publish_bps', rtmp, [800_000]],
    ['media_bps', flv, [100_000]],
    ['received_bps', flv, [800_000, 800_000, 400_000]],
  ]);
  expect(expected.second(points, 1000)).toMatchObject([
    { metric: 'expected_bytes_ratio', num: 250_000, den: 300_000 },
  ]);
});

test('bursts of a publisher even out over ten seconds', () => {
  const expected = new ExpectedBytes();
  expected.second(begin, 0);
  for (let i = 0; i < 10; i++)
    expected.second(second([['publish_bps', rtmp, [i % 2 === 0 ? 1_200_000 : 400_000]]]), 1000);
  const [point] = expected.second(second([['received_bps', flv, [800_000]]]), 1000);
  expect(point!.den! / point!.num!).toBeCloseTo((4 * 1.2 + 5 * 0.4) / 9 / 0.8, 6);
});

test('a stream that somebody else publishes, and a rendition, offer what their media have', () => {
  const rendition = { ...flv, rendition: '360p' };
  const expected = new ExpectedBytes();
  expected.second(begin, 0);
  const points = second([
    ['publish_bps', rtmp, [800_000]],
    ['media_bps', rendition, [200_000]],
    ['received_bps', rendition, [100_000]],
    ['media_bps', { protocol: 'http-flv', stream: 'live/b' }, [80_000]],
    ['received_bps', { protocol: 'http-flv', stream: 'live/b' }, [80_000]],
    ['received_bps', { protocol: 'http-flv', stream: 'live/unknown' }, [5]],
  ]);
  expect(expected.second(points, 1000)).toMatchObject([{ num: 22_500, den: 35_000 }]);
});

test('what a publisher that was cut off does not send is not expected; its first second again is no whole one', () => {
  const expected = new ExpectedBytes();
  expected.second(begin, 0);
  for (const bps of [800_000, 0, 90_000]) expected.second(second([['publish_bps', rtmp, [bps]]]), 1000);
  const watched = second([['received_bps', flv, [400_000]]]);
  expect(expected.second(watched, 1000)).toEqual([]);
  expected.second(second([['publish_bps', rtmp, [400_000]]]), 1000);
  expect(expected.second(watched, 1000)).toMatchObject([{ num: 50_000, den: 50_000 }]);
});

test('where nobody watches there is nothing to say', () => {
  expect(new ExpectedBytes().second(second([['publish_bps', rtmp, [1]]]), 1000)).toEqual([]);
});
