import path from 'node:path';
import type { Shard } from '../../fleet/share.ts';
import { loadScenario } from '../../scenarios/load.ts';
import { ScenarioError } from '../../scenarios/problem.ts';
import { wrongUrl } from '../../scenarios/validate.ts';
import type { Context } from '../command.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { checkSources } from './check-sources.ts';
import { executeRun } from './execute-run.ts';
import { impliedThreshold } from './implied-threshold.ts';
import { checkLinks } from './plan-link.ts';
import { planPublishers } from './plan-run.ts';

export interface RunFlags {
  readonly file: string;
  readonly overrides: readonly string[];
  readonly targets: readonly string[];
  readonly out: string | undefined;
  readonly influxdb: string | undefined;
  readonly json: boolean;
  readonly targetFigures: boolean;
  readonly shard: Shard | undefined;
  readonly startAtMs: number | undefined;
}

/** `streamgauge run`. */
export async function runScenario(flags: RunFlags, context: Context): Promise<ExitCode> {
  const overrides = [...flags.overrides, ...targetOverrides(flags.targets)];
  const { scenario, thresholds } = await orInvalid(
    loadScenario(flags.file, overrides, context.interrupted),
    context.interrupted,
  );
  const { shard, startAtMs } = flags;
  if (shard && scenario.target === 'reference')
    throw new CommandError(
      exitCodes.wrongUsage,
      '--shard: each shard would start a reference stack of its own; start one with streamgauge serve, and name it with --target.',
    );
  const folder = path.dirname(flags.file);
  checkSources(planPublishers(scenario.publishers, {}, folder).publishers);
  checkLinks(scenario, folder);
  return executeRun(
    {
      scenario,
      thresholds: [...thresholds, ...impliedThreshold(thresholds, scenario)],
      folder,
      out: flags.out,
      influxdb: flags.influxdb,
      json: flags.json,
      targetFigures: flags.targetFigures,
      ...(shard && { shard }),
      ...(startAtMs !== undefined && { startAtMs }),
    },
    context,
  );
}

/** A scenario that is refused ends with its own exit code. */
export async function orInvalid<T>(loading: Promise<T>, interrupted?: AbortSignal): Promise<T> {
  try {
    return await loading;
  } catch (error) {
    // `--target` goes in as an override of the scenario; its mistakes are told by its own name.
    if (error instanceof ScenarioError)
      throw new CommandError(
        interrupted?.aborted ? exitCodes.stoppedBySignal : exitCodes.invalidScenario,
        error.message.replace(/^--set target=\{.*?\}:/gm, '--target:'),
      );
    throw error;
  }
}

/** `--target` as an override of the scenario's target: one address for each of RTMP and HTTP, or `reference`. */
function targetOverrides(targets: readonly string[]): string[] {
  if (targets.length === 0) return [];
  if (targets.length === 1 && targets[0] === 'reference') return ['target=reference'];
  const target: { rtmp?: string; http?: string } = {};
  for (const url of targets) {
    const wrong = wrongUrl(url, ['rtmp:', 'rtmps:', 'http:', 'https:']);
    if (wrong) throw new CommandError(exitCodes.wrongUsage, `--target: ${wrong}.`);
    const key = url.startsWith('rtmp') ? 'rtmp' : 'http';
    if (target[key] !== undefined)
      throw new CommandError(
        exitCodes.wrongUsage,
        `--target: there are two ${key} addresses; one is the most.`,
      );
    target[key] = url;
  }
  return [`target=${JSON.stringify(target)}`];
}
