import type { HoldOptions, LoadKind } from '../../metrics/capacity.ts';
import type { Scenario, ScenarioCohort } from '../../scenarios/schema.ts';
import { cohortName } from '../../scenarios/validate.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

/** Longer than any level is held: the search ends levels, not the schedule. */
const SPARE_MS = 60_000;

/**
 * What a scenario's cohorts are raised in.
 * @throws CommandError when they are of both kinds, or not of the kind that was asked for
 */
export function loadKindOf(scenario: Scenario, asked: LoadKind | undefined): LoadKind {
  const kinds = new Set(scenario.viewers.map(kindOf));
  const [kind] = kinds;
  if (kinds.size > 1 || kind === undefined)
    throw new CommandError(
      exitCodes.invalidScenario,
      'The scenario has cohorts of viewers and of arrivals; the search raises one kind, so keep one of them.',
    );
  if (asked !== undefined && asked !== kind)
    throw new CommandError(
      exitCodes.wrongUsage,
      `--of ${asked}: the cohorts of the scenario are given by ${kind === 'viewers' ? 'their number of viewers' : 'their arrival rate'}; change their executor.`,
    );
  const endless =
    kind === 'arrival-rate' ? scenario.viewers.find(({ watch }) => watch === undefined) : undefined;
  if (endless)
    throw new CommandError(
      exitCodes.invalidScenario,
      `The sessions of cohort "${cohortName(endless)}" never end, so at a steady rate there would be more and more of them; give it "watch".`,
    );
  return kind;
}

function kindOf({ executor }: ScenarioCohort): LoadKind {
  return executor.endsWith('arrival-rate') ? 'arrival-rate' : 'viewers';
}

/**
 * The scenario with a load, held until it is stopped. The load is shared out among the cohorts in the proportion of
 * their own peaks; viewers are whole, and their sum is exact.
 */
export function scenarioAt(scenario: Scenario, load: number, hold: HoldOptions): Scenario {
  const peaks = scenario.viewers.map(peakOf);
  const sum = peaks.reduce((total, peak) => total + peak, 0);
  const exact = peaks.map((peak) => (load * (sum > 0 ? peak : 1)) / (sum > 0 ? sum : peaks.length));
  const whole = wholeShares(exact, load);
  const viewers = scenario.viewers.flatMap((cohort, index): ScenarioCohort[] => {
    const share = kindOf(cohort) === 'viewers' ? whole[index]! : exact[index]!;
    return share > 0 ? [cohortAt(cohort, share, hold)] : [];
  });
  return { ...scenario, viewers };
}

function cohortAt(cohort: ScenarioCohort, share: number, hold: HoldOptions): ScenarioCohort {
  const lastsMs = settleMs([cohort]) + hold.maxMs + SPARE_MS;
  const same = { ...withoutShape(cohort), name: cohortName(cohort), startTime: 0 };
  switch (cohort.executor) {
    case 'constant-viewers':
    case 'ramping-viewers':
      return {
        ...same,
        executor: 'constant-viewers',
        viewers: share,
        ramp: hold.rampMs,
        duration: hold.rampMs + lastsMs,
      };
    case 'constant-arrival-rate':
    case 'ramping-arrival-rate':
      return {
        ...same,
        executor: 'ramping-arrival-rate',
        startRate: 0,
        timeUnit: 1000,
        stages: [
          { duration: hold.rampMs, target: share },
          { duration: lastsMs, target: share },
        ],
        maxViewers: cohort.maxViewers,
      };
  }
}

type ConstantViewers = Extract<ScenarioCohort, { executor: 'constant-viewers' }>;

/** What a cohort has whatever its executor: everything but the shape of its load. */
function withoutShape(
  cohort: ScenarioCohort,
): Omit<ConstantViewers, 'executor' | 'viewers' | 'duration' | 'ramp'> {
  const shape = new Set([
    'executor',
    'viewers',
    'duration',
    'ramp',
    'startViewers',
    'stages',
    'rate',
    'startRate',
    'timeUnit',
    'maxViewers',
  ]);
  return Object.fromEntries(Object.entries(cohort).filter(([key]) => !shape.has(key))) as ConstantViewers;
}

/** How long a steady rate takes to make a steady number of sessions: until those of the beginning leave. */
export function settleMs(cohorts: readonly ScenarioCohort[]): number {
  return Math.max(
    0,
    ...cohorts.map((cohort) => {
      if (kindOf(cohort) === 'viewers' || cohort.watch === undefined) return 0;
      return typeof cohort.watch === 'number' ? cohort.watch : cohort.watch.p95;
    }),
  );
}

/** The most viewers, or arrivals per second, that a cohort asks for. */
function peakOf(cohort: ScenarioCohort): number {
  switch (cohort.executor) {
    case 'constant-viewers':
      return cohort.viewers;
    case 'ramping-viewers':
      return Math.max(cohort.startViewers, ...cohort.stages.map(({ target }) => target));
    case 'constant-arrival-rate':
      return (cohort.rate * 1000) / cohort.timeUnit;
    case 'ramping-arrival-rate':
      return (
        (Math.max(cohort.startRate, ...cohort.stages.map(({ target }) => target)) * 1000) / cohort.timeUnit
      );
  }
}

/** Whole numbers with this sum, each near its exact share: who lost most by rounding down gets one more. */
function wholeShares(exact: readonly number[], sum: number): number[] {
  const shares = exact.map(Math.floor);
  const left = Math.round(sum) - shares.reduce((total, share) => total + share, 0);
  const byLoss = exact
    .map((share, index) => ({ index, loss: share - Math.floor(share) }))
    .sort((a, b) => b.loss - a.loss);
  for (const { index } of byLoss.slice(0, left)) shares[index]! += 1;
  return shares;
}
