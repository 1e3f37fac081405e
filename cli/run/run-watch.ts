import { parseThreshold } from '../../metrics/threshold.ts';
import { urlAddresses } from '../../scenarios/addresses.ts';
import type { ScenarioInput } from '../../scenarios/schema.ts';
import { formatDuration } from '../../scenarios/units.ts';
import { validateScenario, wrongViewerUrl } from '../../scenarios/validate.ts';
import type { playerNames } from '../../scenarios/words.ts';
import type { Context } from '../command.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { executeRun } from './execute-run.ts';
import { impliedThreshold } from './implied-threshold.ts';

export interface WatchFlags {
  readonly urls: readonly string[];
  readonly viewers: number | undefined;
  readonly rampMs: number | undefined;
  readonly durationMs: number | undefined;
  readonly player: (typeof playerNames)[number];
  readonly reconnect: boolean;
  readonly thresholds: readonly string[];
  readonly insecure: boolean;
  readonly out: string | undefined;
  readonly influxdb: string | undefined;
  readonly json: boolean;
}

const DEFAULT_DURATION_MS = 30_000;

/** `streamgauge watch`: a scenario without a file, over the same machinery. */
export async function runWatch(flags: WatchFlags, context: Context): Promise<ExitCode> {
  const result = validateScenario(watchScenario(flags));
  if (!result.ok) throw wrongUsage(result.problems[0]?.sentence ?? 'the flags do not go together');
  const { scenario, thresholds } = result;
  return executeRun(
    {
      scenario,
      thresholds: [...thresholds, ...impliedThreshold(thresholds)],
      folder: process.cwd(),
      out: flags.out,
      influxdb: flags.influxdb,
      json: flags.json,
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
    const wrong = wrongViewerUrl(url);
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
        viewers: flags.viewers ?? urlAddresses(urls).length,
        duration: formatDuration(durationMs),
        ramp: formatDuration(rampMs),
        player: flags.player,
        reconnect: flags.reconnect,
      },
    ],
    thresholds: readThresholds(flags.thresholds),
    options: { insecureSkipTLSVerify: flags.insecure },
  };
}

/** `metric:expression`, where the metric may have a selector with colons in it. */
function readThresholds(texts: readonly string[]): Record<string, string[]> {
  const thresholds: Record<string, string[]> = {};
  for (const text of texts) {
    const [, metric, expression] = /^([^:{]+(?:\{[^}]*\})?):(.*)$/s.exec(text) ?? [];
    if (metric === undefined || expression === undefined)
      throw wrongUsage(`--threshold ${text}: write metric:expression, as in 'first_frame_ms:p(95)<1500'`);
    try {
      parseThreshold(metric, expression);
    } catch (error) {
      throw wrongUsage(`--threshold ${text}: ${(error as Error).message.replace(/\.$/, '')}`);
    }
    thresholds[metric] ??= [];
    thresholds[metric].push(expression);
  }
  return thresholds;
}

function wrongUsage(sentence: string): CommandError {
  return new CommandError(exitCodes.wrongUsage, /[.?]$/.test(sentence) ? sentence : `${sentence}.`);
}
