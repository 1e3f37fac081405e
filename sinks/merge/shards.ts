import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Summary } from '../../metrics/summary.ts';
import { readSummary } from '../remake.ts';
import { reasonOf } from '../result-file.ts';
import { SCENARIO_JSON } from '../run-folder.ts';

/** One shard's folder with what it says of itself. */
export interface ShardRun {
  readonly folder: string;
  readonly number: number;
  readonly summary: Summary;
  /** The resolved scenario. */
  readonly scenario: unknown;
}

export interface ShardSet {
  /** In order of their numbers. */
  readonly shards: readonly ShardRun[];
  readonly count: number;
  /** Numbers that no folder has. */
  readonly missing: readonly number[];
}

/**
 * Reads the folders of a run's shards, and makes sure that they belong together.
 * @throws Error with one clear sentence
 */
export async function readShards(folders: readonly string[]): Promise<ShardSet> {
  const byNumber = new Map<number, ShardRun>();
  let first: ShardRun | null = null;
  for (const folder of folders) {
    const summary = await readSummary(folder);
    const { shard } = summary.run;
    if (!shard)
      throw new Error(
        `"${folder}" is a whole run, no shard of one; only what run --shard made can be merged.`,
      );
    const own: ShardRun = { folder, number: shard.number, summary, scenario: await readScenario(folder) };
    first ??= own;
    const why = whyApart(first, own);
    if (why) throw new Error(why);
    const other = byNumber.get(shard.number);
    if (other)
      throw new Error(`"${other.folder}" and "${folder}" are both shard ${shard.number}; name one of them.`);
    byNumber.set(shard.number, own);
  }
  if (!first) throw new Error('No folders were named; name those of all shards.');
  const count = first.summary.run.shard?.count ?? 1;
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return {
    shards: numbers.flatMap((number) => byNumber.get(number) ?? []),
    count,
    missing: numbers.filter((number) => !byNumber.has(number)),
  };
}

async function readScenario(folder: string): Promise<unknown> {
  const file = path.join(folder, SCENARIO_JSON);
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Error(
      `Cannot read "${file}": ${error instanceof SyntaxError ? 'it is not JSON' : reasonOf(error)}.`,
    );
  }
}

/** The sentence on why two shards are not of one run. */
function whyApart(a: ShardRun, b: ShardRun): string | null {
  const both = `"${a.folder}" and "${b.folder}"`;
  if (a.summary.run.shard?.count !== b.summary.run.shard?.count)
    return `${both} are not of one run: one is of ${a.summary.run.shard?.count} shards, the other of ${b.summary.run.shard?.count}.`;
  if (JSON.stringify(a.scenario) !== JSON.stringify(b.scenario))
    return `${both} are not of one run: their scenarios differ (compare scenario.json in both).`;
  return null;
}
