import { expect, it } from 'vitest';
import type { HoldOptions } from '../../metrics/capacity.ts';
import type { Scenario, ScenarioInput } from '../../scenarios/schema.ts';
import { validateScenario } from '../../scenarios/validate.ts';
import { loadKindOf, scenarioAt, settleMs } from './scenario-at.ts';

const hold: HoldOptions = { rampMs: 5_000, minMs: 10_000, maxMs: 30_000, windowMs: 5_000, restMs: 0 };
type Cohort = ScenarioInput['viewers'][number];

function scenarioOf(...cohorts: Cohort[]): Scenario {
  const result = validateScenario({ name: 'test', viewers: cohorts });
  if (!result.ok) throw new Error(result.problems[0]?.sentence);
  return result.scenario;
}
const url = 'http://host/live/a.flv';
const viewers = (name: string, count: number): Cohort => ({
  name,
  url,
  executor: 'constant-viewers',
  viewers: count,
  duration: '60s',
});
const stages = (name: string, peak: number): Cohort => ({
  name,
  url,
  executor: 'ramping-viewers',
  stages: [
    { duration: '10s', target: peak },
    { duration: '10s', target: 0 },
  ],
  startTime: '20s',
});
const arrivals = (name: string, rate: number, timeUnit: string, watch?: Cohort['watch']): Cohort => ({
  name,
  url,
  executor: 'constant-arrival-rate',
  rate,
  timeUnit,
  duration: '60s',
  ...(watch !== undefined && { watch }),
});
const loads = (scenario: Scenario) =>
  scenario.viewers.map((cohort) => [cohort.name, 'viewers' in cohort ? cohort.viewers : null]);

it('shares a load out in proportion to the peaks, whole viewers, none lost', () => {
  const scenario = scenarioOf(viewers('a', 100), stages('b', 200), viewers('c', 1));
  expect(loads(scenarioAt(scenario, 301, hold))).toEqual([
    ['a', 100],
    ['b', 200],
    ['c', 1],
  ]);
  expect(loads(scenarioAt(scenario, 10, hold))).toEqual([
    ['a', 3],
    ['b', 7],
  ]);
  expect(loads(scenarioAt(scenario, 1, hold))).toEqual([['b', 1]]);
});

it('holds the load from the start of the level, beyond its longest hold', () => {
  const [cohort] = scenarioAt(scenarioOf(stages('b', 200)), 40, hold).viewers;
  expect(cohort).toMatchObject({ executor: 'constant-viewers', viewers: 40, ramp: 5_000, startTime: 0 });
  expect(cohort).not.toHaveProperty('stages');
  expect(cohort!.executor === 'constant-viewers' && cohort!.duration).toBeGreaterThan(5_000 + 30_000);
});

it('raises arrivals per second, whatever the unit they are written in', () => {
  const scenario = scenarioOf(
    arrivals('a', 60, '1m', '10s'),
    arrivals('b', 3, '1s', { median: '20s', p95: '60s' }),
  );
  expect(loadKindOf(scenario, undefined)).toBe('arrival-rate');
  const held = scenarioAt(scenario, 8, hold);
  expect(held.viewers.map((cohort) => 'stages' in cohort && cohort.stages[1]?.target)).toEqual([2, 6]);
  expect(settleMs(held.viewers)).toBe(60_000);
});

it('refuses what it cannot raise, with a sentence', () => {
  const mixed = scenarioOf(viewers('a', 1), arrivals('b', 1, '1s', '10s'));
  expect(() => loadKindOf(mixed, undefined)).toThrow(/keep one of them/);
  expect(() => loadKindOf(scenarioOf(viewers('a', 1)), 'arrival-rate')).toThrow(/--of arrival-rate/);
  expect(() => loadKindOf(scenarioOf(arrivals('b', 1, '1s')), undefined)).toThrow(
    /cohort "b" never end.*"watch"/,
  );
});
