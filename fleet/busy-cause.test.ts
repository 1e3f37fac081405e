import { expect, test } from 'vitest';
import { causeOf, type ThreadSecond } from './busy-cause.ts';

const second: ThreadSecond = {
  elapsedMs: 1000,
  cpuMs: 200,
  waitedMs: 5,
  eventLoopLagMs: 120,
  gcMs: 2,
  longestGcMs: 1,
  heapUsed: 0.2,
};

test.each<[string, Partial<ThreadSecond>, string]>([
  ['a core used up', { cpuMs: 950, eventLoopLagMs: 20 }, 'cpu'],
  ['a core used up by garbage', { cpuMs: 950, gcMs: 500 }, 'garbage-collection'],
  ['a full heap', { cpuMs: 950, gcMs: 500, heapUsed: 0.95 }, 'memory'],
  ['a long collection', { longestGcMs: 100, gcMs: 100 }, 'garbage-collection'],
  ['a long collection of a full heap', { longestGcMs: 100, gcMs: 100, heapUsed: 0.95 }, 'memory'],
  ['others on the processors', { cpuMs: 30, waitedMs: 700 }, 'waiting-for-cpu'],
  ['one long piece of work', {}, 'blocked'],
  ['one long piece of work, where waiting is not known', { cpuMs: 10, waitedMs: null }, 'blocked'],
  ['a stopped process', { cpuMs: 40, waitedMs: 2 }, 'suspended'],
  ['a second that took five', { elapsedMs: 5000, cpuMs: 90, waitedMs: 1 }, 'suspended'],
])('%s', (_, change, cause) => {
  expect(causeOf({ ...second, ...change })).toBe(cause);
});
