import { expect, test } from 'vitest';
import { Registry } from '../metrics/registry.ts';
import { SecondCollector } from './second-collector.ts';

function points(value: number, timeMs: number) {
  const registry = new Registry();
  registry.series('bytes_received', { stream: 'live/a' }).add(value);
  return registry.cut(timeMs);
}

test('the points of all threads for one second become one point per series', () => {
  const collector = new SecondCollector();
  collector.add(1000, points(5, 1000));
  collector.add(1000, points(7, 1000));
  collector.add(2000, points(9, 2000));
  expect(collector.take(1000)).toMatchObject([{ timeMs: 1000, value: 12 }]);
  expect(collector.take(1000)).toEqual([]);
});

test('what comes too late for its second goes into the next', () => {
  const collector = new SecondCollector();
  collector.take(1000);
  collector.add(1000, points(5, 1000));
  collector.add(2000, points(9, 2000));
  expect(collector.take(2000)).toMatchObject([{ timeMs: 2000, value: 14 }]);
});

test('at the end everything is taken, in order', () => {
  const collector = new SecondCollector();
  collector.add(3000, points(3, 3000));
  collector.add(2000, points(2, 2000));
  expect(collector.takeAll()).toMatchObject([[{ timeMs: 2000, value: 2 }], [{ timeMs: 3000, value: 3 }]]);
  expect(collector.takeAll()).toEqual([]);
});

test('a second may have more points than a call can have arguments', () => {
  const collector = new SecondCollector();
  const [point] = points(1, 1000);
  const many = Array.from({ length: 200_000 }, () => point!);
  collector.add(1000, points(1, 1000));
  collector.add(1000, many);
  expect(collector.take(1000)).toMatchObject([{ value: 200_001 }]);
});
