import { expect, test } from 'vitest';
import type { WorkerSecond } from '../../fleet/self-check.ts';
import { Shortages } from './shortages.ts';

const second = (change: Partial<WorkerSecond>): WorkerSecond => ({
  eventLoopLagMs: 80,
  cpu: 0.5,
  valid: false,
  seconds: 1,
  cause: 'cpu',
  ...change,
});

test('a valid second is short of nothing', () => {
  const shortages = new Shortages();
  shortages.worker('viewers-1', second({ valid: true, cause: null }));
  expect(shortages.doubts()).toEqual([]);
  expect(shortages.seconds()).toEqual({});
});

test('each resource has its sentence: which thread, how much, what helps; the worst first', () => {
  const shortages = new Shortages();
  shortages.worker('publishers', second({ cpu: 0.93 }));
  shortages.worker('viewers-1', second({ cause: 'waiting-for-cpu', eventLoopLagMs: 412.4 }));
  shortages.worker('viewers-2', second({ cause: 'waiting-for-cpu', seconds: 4 }));
  shortages.machine({ secondMs: 0, cores: 1.99, ownCores: 0.2, otherCores: 1.84, stolenCores: 0.02 });
  shortages.machine({ secondMs: 0, cores: 2.01, ownCores: 0.2, otherCores: 1.2, stolenCores: 0.31 });
  expect(shortages.seconds()).toEqual({ cpu: 1, 'waiting-for-cpu': 5 });
  expect(shortages.doubts()).toEqual([
    {
      shortage: 'waiting-for-cpu',
      sentence:
        'Processors were short: viewers-1, viewers-2 were ready to run and had to wait for one in 5 seconds, up to 412 ms, while other programs used up to 1.8 of the 2 cores, and the host of this virtual machine took 0.3 away; move the server or the other programs to another machine, or use fewer viewers.',
    },
    {
      shortage: 'cpu',
      sentence:
        'The processor was short: publishers used up to 93 % of a core in 1 second; publish fewer streams, with "source: recording", or from another machine.',
    },
  ]);
});

test.each(['garbage-collection', 'memory', 'blocked', 'suspended'] as const)('%s is told', (cause) => {
  const shortages = new Shortages();
  for (const node of ['viewers-1', 'viewers-2', 'viewers-3', 'viewers-4', 'viewers-5'])
    shortages.worker(node, second({ cause }));
  const [doubt] = shortages.doubts();
  expect(doubt?.shortage).toBe(cause);
  expect(doubt?.sentence).toMatch(/viewers-1, viewers-2, viewers-3 and 2 more.* in 5 seconds.*; .*\.$/);
});
