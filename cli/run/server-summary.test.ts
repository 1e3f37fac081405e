import { expect, test } from 'vitest';
import { Registry } from '../../metrics/registry.ts';
import { serverSummary } from './server-summary.ts';

test('mean and highest second of what was read; nothing of what was not', () => {
  const registry = new Registry();
  for (const cpu of [0.2, 0.4, 0.9]) registry.series('target_cpu', { node: 'target' }).add(cpu);
  registry.series('target_cpu', { node: 'h:9100' }).add(4);
  registry.series('target_sockets', { node: 'h:9100' }).add(7);
  expect(serverSummary(registry, ['nginx (process 8)', 'h:9100'])).toEqual({
    cpu: 0.5,
    cpuMax: 0.9,
    sockets: 7,
    socketsMax: 7,
    readFrom: 'nginx (process 8); h:9100',
  });
  expect(serverSummary(new Registry(), [])).toEqual({});
});
