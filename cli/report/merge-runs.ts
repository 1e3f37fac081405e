import path from 'node:path';
import { Registry } from '../../metrics/registry.ts';
import type { Sink } from '../../metrics/sink.ts';
import { type RunInfo, SCHEMA, type Summary } from '../../metrics/summary.ts';
import { judge, parseThreshold, type Threshold } from '../../metrics/threshold.ts';
import { mergeSeconds } from '../../sinks/merge/merge-seconds.ts';
import { type MergedFacts, mergeSummaries } from '../../sinks/merge/merge-summaries.ts';
import { readShards, type ShardRun, type ShardSet } from '../../sinks/merge/shards.ts';
import { storedSeconds, storedSessions } from '../../sinks/merge/stored-run.ts';
import { withStore } from '../../sinks/query.ts';
import { createRunFolder } from '../../sinks/run-folder.ts';
import { exitCodes } from '../exit-codes.ts';
import { conclude, type Failure } from '../run/conclude.ts';
import { impliedThreshold } from '../run/implied-threshold.ts';
import { runFolder, runId } from '../run/run-folder.ts';

/** Rows given to the sinks before they get their turn to write. */
const ROWS_AT_A_TIME = 400;

/**
 * Makes one run of the folders of its shards: every second and session in one store, percentiles as a single process
 * would have found them, thresholds judged on the whole, and all reports.
 * @param out folder for it; left out: a new one under `runs/`
 * @throws Error with one clear sentence
 */
export async function mergeRuns(
  folders: readonly string[],
  out: string | undefined,
): Promise<{ readonly summary: Summary; readonly folder: string }> {
  const set = await readShards(folders);
  const [first] = set.shards;
  if (!first) throw new Error('No folders were named; name those of all shards.');
  const facts = mergeSummaries(set.shards);
  const info = mergedInfo(first, facts);
  const folder = runFolder(out, info.id);
  const own = set.shards.find((shard) => path.resolve(shard.folder) === folder);
  if (own) throw new Error(`--out "${own.folder}" is the folder of shard ${own.number}; name another one.`);

  const sinks = createRunFolder({ folder });
  await sinks.open(info);
  const registry = await withStores(set.shards, async (stores) => {
    const registry = new Registry();
    const pace = new Pace();
    const seconds = new Map([...stores].map(([number, store]) => [number, storedSeconds(store)]));
    for await (const { points } of mergeSeconds(seconds)) {
      registry.absorb(points);
      sinks.second(points);
      await pace.rows(points.length);
    }
    for (const store of stores.values())
      for await (const sessions of storedSessions(store))
        for (const session of sessions) {
          sinks.session(session);
          await pace.rows(1);
        }
    return registry;
  });
  const summary = summarise(set, info, facts, registry);
  await closeAll(sinks, summary);
  return { summary, folder };
}

type Stores = ReadonlyMap<number, Parameters<typeof storedSeconds>[0]>;

/** Opens the stores of all shards, one within the other, so that each is closed whatever happens. */
async function withStores<Result>(
  shards: readonly ShardRun[],
  act: (stores: Stores) => Promise<Result>,
  open: Stores = new Map(),
): Promise<Result> {
  const [next, ...rest] = shards;
  if (!next) return act(open);
  return withStore(next.folder, (store) => withStores(rest, act, new Map([...open, [next.number, store]])));
}

function mergedInfo({ summary: { run }, scenario }: ShardRun, { startedAt }: MergedFacts): RunInfo {
  const { shard: _, ...info } = run;
  return { ...info, id: runId(run.name, new Date(startedAt)), startedAt, scenario };
}

function summarise(
  { shards, count, missing }: ShardSet,
  info: RunInfo,
  facts: MergedFacts,
  registry: Registry,
): Summary {
  const thresholds = judge(thresholdsOf(info.scenario), registry);
  const failure = missing.length > 0 ? incomplete(missing, count) : brokenShard(shards);
  const { verdict, exitCode } = conclude({
    interrupted: shards.some(({ summary }) => summary.exitCode === exitCodes.stoppedBySignal),
    failure,
    unreachable: shards.every(({ summary }) => summary.exitCode === exitCodes.unreachable),
    generator: facts.generator,
    thresholds,
  });
  return {
    schema: SCHEMA,
    run: { ...info, durationMs: facts.durationMs },
    verdict,
    exitCode,
    metrics: registry.summaries(),
    thresholds,
    generator: facts.generator,
    server: facts.server,
    faults: facts.faults,
    errors: [
      ...(failure ? [{ code: 'run-failed', count: 1, example: failure.sentence }] : []),
      ...facts.errors,
    ],
  };
}

function incomplete(missing: readonly number[], count: number): Failure {
  const which = `${missing.length === 1 ? 'Shard' : 'Shards'} ${missing.join(', ')} of ${count}`;
  return {
    exitCode: exitCodes.unexpectedFailure,
    sentence: `${which} ${missing.length === 1 ? 'is' : 'are'} not among the folders: a part of the viewers is no run; name the folders of all shards.`,
  };
}

/** A shard that broke, or that alone could not reach the target, has not done its share. */
function brokenShard(shards: readonly ShardRun[]): Failure | null {
  const broken = shards.find(({ summary }) => summary.verdict === 'error');
  if (!broken || shards.every(({ summary }) => summary.exitCode === exitCodes.unreachable)) return null;
  const [error] = broken.summary.errors;
  return {
    exitCode: exitCodes.unexpectedFailure,
    sentence: `Shard ${broken.number} has not done its share (exit code ${broken.summary.exitCode}${error ? `: ${error.example}` : ''}).`,
  };
}

/** The thresholds of a resolved scenario. */
function thresholdsOf(scenario: unknown): Threshold[] {
  const written =
    (scenario as { thresholds?: Record<string, string | string[]> } | undefined)?.thresholds ?? {};
  const thresholds = Object.entries(written).flatMap(([metric, expressions]) =>
    [expressions].flat().map((expression) => parseThreshold(metric, expression)),
  );
  return [...thresholds, ...impliedThreshold(thresholds, scenario as Parameters<typeof impliedThreshold>[1])];
}

/** Gives the sinks, whose queues are bounded, their turn. */
class Pace {
  #rows = 0;

  async rows(count: number): Promise<void> {
    for (this.#rows += count; this.#rows >= ROWS_AT_A_TIME; this.#rows -= ROWS_AT_A_TIME)
      await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

async function closeAll(sinks: Sink, summary: Summary): Promise<void> {
  await sinks.close(summary);
  if (sinks.lost > 0)
    throw new Error(
      `${sinks.lost} points or sessions could not be kept; merge again on a machine with more memory.`,
    );
}
