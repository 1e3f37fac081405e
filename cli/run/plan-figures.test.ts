import { expect, test } from 'vitest';
import { validateScenario } from '../../scenarios/validate.ts';
import { planFigures } from './plan-figures.ts';
import { planRun } from './plan-run.ts';

function plan(target: unknown, url: string[], wanted = true) {
  const result = validateScenario({
    name: 'x',
    ...(target === undefined ? {} : { target }),
    viewers: [{ url, executor: 'constant-viewers', viewers: 1, duration: '1s' }],
  });
  if (!result.ok) throw new Error(result.problems[0]!.sentence);
  const { scenario } = result;
  return planFigures(scenario, planRun(scenario, { target: {}, folder: '/', cores: 2 }), wanted, (host) =>
    ['127.0.0.1', '::1', 'here'].includes(host),
  );
}

test('a server on this machine is found by the ports of its addresses', () => {
  expect(plan(undefined, ['rtmp://127.0.0.1/live/a', 'http://[::1]:8000/live/a.flv'])).toEqual({
    viewerPorts: [1935, 8000],
    target: { ports: [1935, 8000] },
  });
});

test('one elsewhere is not read, unless it is said how', () => {
  const url = ['http://far.example/live/a.flv'];
  expect(plan(undefined, url)).toEqual({ viewerPorts: [80], target: null });
  expect(plan({ pid: 12 }, url).target).toEqual({ pid: 12 });
  expect(plan({ metrics: 'http://far.example:9100/metrics' }, url).target).toEqual({
    metrics: 'http://far.example:9100/metrics',
  });
});

test('what the scenario says goes before what is found', () => {
  const url = ['http://here:8000/live/a.flv'];
  expect(plan({ pid: 12 }, url).target).toEqual({ pid: 12 });
  expect(plan({ port: 1936 }, url).target).toEqual({ ports: [1936] });
  expect(plan({ metrics: 'http://here:1985/metrics' }, url).target).toEqual({
    metrics: 'http://here:1985/metrics',
  });
  expect(plan({ metrics: 'http://here:1985/metrics', port: 8000 }, url).target).toEqual({
    ports: [8000],
    metrics: 'http://here:1985/metrics',
  });
  expect(plan(undefined, url, false)).toEqual({ viewerPorts: [8000], target: null });
});
