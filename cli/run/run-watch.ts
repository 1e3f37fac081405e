import { urlAddresses } from '../../scenarios/addresses.ts';
import type { ScenarioInput } from '../../scenarios/schema.ts';
import { formatDuration } from '../../scenarios/units.ts';
import { validateScenario, wrongViewerUrl } from '../../scenarios/validate.ts';
import type { behaviourNames, Protocol, playerNames } from '../../scenarios/words.ts';
import type { Context } from '../command.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { executeRun } from './execute-run.ts';
import { impliedThreshold } from './implied-threshold.ts';
import { parseLink } from './parse-link.ts';
import { checkLinks } from './plan-link.ts';
import { readThresholds } from './threshold-flags.ts';

export interface WatchFlags {
  readonly urls: readonly string[];
  readonly viewers: number | undefined;
  readonly rampMs: number | undefined;
  readonly durationMs: number | undefined;
  readonly player: (typeof playerNames)[number];
  readonly behaviour: (typeof behaviourNames)[number];
  readonly protocol?: Protocol | undefined;
  readonly reconnect: boolean;
  readonly link: string | undefined;
  readonly thresholds: readonly string[];
  readonly insecure: boolean;
  readonly out: string | undefined;
  readonly influxdb: string | undefined;
  readonly json: boolean;
  readonly targetFigures: boolean;
}

const DEFAULT_DURATION_MS = 30_000;

/** `streamgauge watch`: a scenario without a file, over the same machinery. */
export async function runWatch(flags: WatchFlags, context: Context): Promise<ExitCode> {
  const result = validateScenario(watchScenario(flags));
  if (!result.ok)
    throw wrongUsage(
      (result.problems[0]?.sentence ?? 'the flags do not go together').replaceAll(
        'viewers[0].link',
        '--link',
      ),
    );
  const { scenario, thresholds } = result;
  checkLinks(scenario, process.cwd());
  return executeRun(
    {
      scenario,
      thresholds: [...thresholds, ...impliedThreshold(thresholds, scenario)],
      folder: process.cwd(),
      out: flags.out,
      influxdb: flags.influxdb,
      json: flags.json,
      targetFigures: flags.targetFigures,
    },
    context,
  );
}

/**
 * The scenario that the flags stand for.
 * @throws CommandError (wrong usage) for what a flag says and cannot be
 */
export function watchScenario(flags: WatchFlags): ScenarioInput {
  const { urls, durationMs = DEFAULT_DURATION_MS, rampMs = 0 } = flags;
  for (const url of urls) {
    const wrong = wrongViewerUrl(url, flags.protocol);
    if (wrong) throw wrongUsage(wrong);
  }
  if (durationMs === 0) throw wrongUsage('--duration is longer than 0');
  if (rampMs > durationMs)
    throw wrongUsage(
      `--ramp ${formatDuration(rampMs)} is longer than --duration ${formatDuration(durationMs)}`,
    );
  return {
    name: 'watch',
    viewers: [
      {
        name: 'watch',
        url: [...urls],
        executor: 'constant-viewers',
        viewers: flags.viewers ?? urlAddresses(urls, flags.protocol).length,
        duration: formatDuration(durationMs),
        ramp: formatDuration(rampMs),
        player: flags.player,
        behaviour: flags.behaviour,
        ...(flags.protocol !== undefined && { protocol: flags.protocol }),
        reconnect: flags.reconnect,
        ...(flags.link !== undefined && { link: parseLink(flags.link) }),
      },
    ],
    thresholds: readThresholds(flags.thresholds),
    options: { insecureSkipTLSVerify: flags.insecure },
  };
}

function wrongUsage(sentence: string): CommandError {
  return new CommandError(exitCodes.wrongUsage, /[.?]$/.test(sentence) ? sentence : `${sentence}.`);
}
