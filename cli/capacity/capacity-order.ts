import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CapacityReport, HoldOptions, LoadKind, SearchOptions } from '../../metrics/capacity.ts';
import { selectorText, type Threshold } from '../../metrics/threshold.ts';
import { type Scenario, type ScenarioInput, scenarioSchema } from '../../scenarios/schema.ts';
import { scenarioWithoutSecrets } from '../../scenarios/secrets.ts';
import { formatDuration } from '../../scenarios/units.ts';
import { validateScenario, wrongViewerUrl } from '../../scenarios/validate.ts';
import type { playerNames } from '../../scenarios/words.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { readThresholds } from '../run/threshold-flags.ts';
import { loadKindOf } from './scenario-at.ts';

/** Everything that a search needs; nothing of it changes from level to level. */
export interface CapacityOrder {
  readonly scenario: Scenario;
  readonly thresholds: readonly Threshold[];
  /** Media files of the scenario are found from here. */
  readonly folder: string;
  readonly of: LoadKind;
  readonly search: SearchOptions;
  readonly hold: HoldOptions;
  readonly require: number | null;
}

/** The flags that say how to search; what is left out has a default. */
export interface SearchFlags {
  readonly of: LoadKind | undefined;
  readonly start: number | undefined;
  readonly max: number | undefined;
  readonly step: string | undefined;
  readonly resolution: string | undefined;
  readonly repeats: number | undefined;
  readonly patience: number | undefined;
  readonly holdMs: number | undefined;
  readonly maxHoldMs: number | undefined;
  readonly rampMs: number | undefined;
  readonly restMs: number | undefined;
  readonly thresholds: readonly string[];
  readonly require: number | undefined;
}

export interface WatcherFlags {
  readonly urls: readonly string[];
  readonly watchMs: number | undefined;
  readonly player: (typeof playerNames)[number];
  readonly insecure: boolean;
}

/** What nearly every live service wants. Limits of one's own replace all of them. */
export const defaultThresholds = [
  'start_failure_ratio:value<0.01',
  'play_failure_ratio:value<0.01',
  'first_frame_ms:p(95)<3000',
  'stall_ratio:value<0.01',
];

/** Further than any search goes that does not say how far. */
export const DEFAULT_MAX = 100_000;
const DEFAULT_HOLD_MS = 20_000;
const DEFAULT_RAMP_MS = 10_000;
const DEFAULT_REST_MS = 2_000;
const WINDOW_MS = 5_000;
/** Of arrivals per second: slower ones bring too few sessions to be judged. */
const ARRIVAL_GRANULE = 0.1;
const MAX_LEVELS = 80;

/**
 * The scenario that addresses stand for.
 * @throws CommandError (wrong usage)
 */
export function urlScenario({ urls, watchMs, player, insecure }: WatcherFlags, of: LoadKind): ScenarioInput {
  for (const url of urls) {
    const wrong = wrongViewerUrl(url);
    if (wrong) throw wrongUsage(wrong);
  }
  const cohort = { name: 'capacity', url: [...urls], player };
  const lasts = formatDuration(watchMs ?? DEFAULT_WATCH_MS);
  return {
    name: 'capacity',
    viewers: [
      of === 'viewers'
        ? {
            ...cohort,
            executor: 'constant-viewers',
            viewers: 1,
            duration: '1s',
            ...(watchMs !== undefined && { watch: lasts }),
          }
        : { ...cohort, executor: 'constant-arrival-rate', rate: 1, duration: '1s', watch: lasts },
    ],
    options: { insecureSkipTLSVerify: insecure },
  };
}

/** Of sessions that arrive at a rate. */
const DEFAULT_WATCH_MS = 10_000;

/**
 * The order that flags and a scenario make.
 * @throws CommandError for flags that cannot be
 */
export function capacityOrder(input: ScenarioInput, folder: string, flags: SearchFlags): CapacityOrder {
  const given = readThresholds(flags.thresholds);
  const ofScenario = Object.keys(input.thresholds ?? {}).length > 0 ? input.thresholds! : undefined;
  // In the scenario, so that they are written down with it.
  const thresholds =
    Object.keys(given).length > 0 ? given : (ofScenario ?? readThresholds(defaultThresholds));
  const result = validateScenario({ ...input, thresholds });
  if (!result.ok) throw wrongUsage(result.problems[0]?.sentence ?? 'the flags do not go together');
  const { scenario } = result;
  if (scenario.faults.length > 0)
    throw new CommandError(
      exitCodes.invalidScenario,
      "The scenario has faults, which would fall on one load and not on the next; leave them out with --set 'faults=[]'.",
    );
  const of = loadKindOf(scenario, flags.of);
  const granule = of === 'viewers' ? 1 : ARRIVAL_GRANULE;
  const { start = of === 'viewers' ? 10 : 1, max = Math.max(DEFAULT_MAX, flags.start ?? 0) } = flags;
  for (const [name, load] of [
    ['--start', start],
    ['--max', max],
  ] as const)
    if (load < granule || Math.abs(load / granule - Math.round(load / granule)) > 1e-6)
      throw wrongUsage(`${name} ${load} is not a multiple of ${granule}`);
  if (start > max) throw wrongUsage(`--start ${start} is more than --max ${max}`);
  const minMs = flags.holdMs ?? DEFAULT_HOLD_MS;
  const maxMs = flags.maxHoldMs ?? 3 * minMs;
  if (minMs < 2_000)
    throw wrongUsage('--hold is 2s at least: the last window is compared with the one before it');
  if (maxMs < minMs)
    throw wrongUsage(`--max-hold ${formatDuration(maxMs)} is shorter than --hold ${formatDuration(minMs)}`);
  return {
    scenario,
    thresholds: result.thresholds,
    folder,
    of,
    search: {
      start,
      max,
      granule,
      step: parseStep(flags.step ?? 'x2', granule),
      resolution: parseResolution(flags.resolution ?? '5%'),
      agree: flags.repeats ?? 2,
      patience: flags.patience ?? 3,
      maxLevels: MAX_LEVELS,
    },
    hold: {
      rampMs: flags.rampMs ?? DEFAULT_RAMP_MS,
      minMs,
      maxMs,
      windowMs: Math.min(WINDOW_MS, Math.floor(minMs / 2000) * 1000),
      restMs: flags.restMs ?? DEFAULT_REST_MS,
    },
    require: flags.require ?? null,
  };
}

/** The scenario as it may be written down: without secrets. */
export function writtenScenario({ scenario }: CapacityOrder): ScenarioInput {
  return scenarioWithoutSecrets(z.encode(scenarioSchema, scenario));
}

/** The same for the same scenario, thresholds and search, whatever is required of the result. */
export function fingerprintOf(order: CapacityOrder): string {
  const { of, search, hold } = order;
  // Through JSON: what is undefined here is left out there.
  const text = JSON.stringify([writtenScenario(order), of, search, hold]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/**
 * The order that a written search was begun with.
 * @throws CommandError when its addresses had secrets in them, which are not written down
 */
export function orderOf(report: CapacityReport): CapacityOrder {
  const { scenario } = report.run;
  if (JSON.stringify(scenario).includes('…'))
    throw new CommandError(
      exitCodes.wrongUsage,
      'The addresses had passwords or signatures in them, which are not kept: give the same command again with --resume.',
    );
  const result = validateScenario(scenario);
  if (!result.ok)
    throw new CommandError(
      exitCodes.invalidScenario,
      `The scenario of the search cannot be read: ${result.problems[0]?.sentence ?? 'it is broken'}.`,
    );
  const { folder, of, search, hold, require } = report;
  return { scenario: result.scenario, thresholds: result.thresholds, folder, of, search, hold, require };
}

/** Thresholds as they are written in a report. */
export function thresholdTexts(thresholds: readonly Threshold[]): string[] {
  return thresholds.map(({ metric, tags, expression }) => `${selectorText(metric, tags)}: ${expression}`);
}

/** `x2`: times 2. `+50`: 50 more. */
export function parseStep(text: string, granule: number): SearchOptions['step'] {
  const [, factor, increment] = /^(?:x(\d+(?:\.\d+)?)|\+(\d+(?:\.\d+)?))$/i.exec(text.trim()) ?? [];
  if (factor !== undefined && Number(factor) > 1) return { kind: 'factor', by: Number(factor) };
  if (increment !== undefined && Number(increment) >= granule)
    return { kind: 'increment', by: Number(increment) };
  throw wrongUsage(
    `--step ${text}: write x2 for twice the load each time (more than x1), or +50 for 50 more`,
  );
}

/** `5%` of the load, or `10`. */
export function parseResolution(text: string): SearchOptions['resolution'] {
  const [, number, percent] = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text.trim()) ?? [];
  const by = Number(number);
  if (number === undefined || by === 0 || (percent === '%' && by > 100))
    throw wrongUsage(`--resolution ${text}: write 5% of the load, or a number such as 10`);
  return percent === '%' ? { kind: 'share', by: by / 100 } : { kind: 'absolute', by };
}

function wrongUsage(sentence: string): CommandError {
  return new CommandError(exitCodes.wrongUsage, /[.?]$/.test(sentence) ? sentence : `${sentence}.`);
}
