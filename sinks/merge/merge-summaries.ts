import type { ErrorSummary, GeneratorSummary, Summary } from '../../metrics/summary.ts';
import type { ShardRun } from './shards.ts';

/** What can be said of a merged run without its samples. */
export interface MergedFacts {
  readonly startedAt: string;
  readonly durationMs: number;
  readonly generator: GeneratorSummary;
  readonly server: Summary['server'];
  readonly faults: Summary['faults'];
  readonly errors: readonly ErrorSummary[];
}

/**
 * Adds up what shards say of themselves. The generator is believed if that of every shard is: a shard that was too busy
 * spoils the figures of its viewers, however many others there are.
 */
export function mergeSummaries(shards: readonly ShardRun[]): MergedFacts {
  const spans = shards.map(({ summary: { run } }) => {
    const startMs = Date.parse(run.startedAt);
    return { startMs, endMs: startMs + run.durationMs };
  });
  const startMs = Math.min(...spans.map((span) => span.startMs));
  return {
    startedAt: new Date(startMs).toISOString(),
    durationMs: Math.max(...spans.map((span) => span.endMs)) - startMs,
    generator: mergeGenerators(shards),
    // The server is one; whichever shard could look at it tells.
    server:
      shards.map(({ summary }) => summary.server).find((server) => Object.keys(server).length > 0) ?? {},
    faults: shards
      .flatMap(({ summary }, index) =>
        summary.faults.map((fault) => ({ ...fault, atMs: fault.atMs + spans[index]!.startMs - startMs })),
      )
      .sort((a, b) => a.atMs - b.atMs),
    errors: mergeErrors(shards),
  };
}

function mergeGenerators(shards: readonly ShardRun[]): GeneratorSummary {
  const all = shards.map(({ summary }) => summary.generator);
  const total = (figure: (generator: GeneratorSummary) => number): number =>
    all.reduce((sum, generator) => sum + figure(generator), 0);
  return {
    valid: all.every(({ valid }) => valid),
    reasons: shards.flatMap(({ number, summary }) =>
      summary.generator.reasons.map((reason) => `Shard ${number}: ${reason}`),
    ),
    cpu: highest(all.map(({ cpu }) => cpu)),
    eventLoopLagMs: highest(all.map(({ eventLoopLagMs }) => eventLoopLagMs)),
    seconds: total(({ seconds }) => seconds),
    invalidSeconds: total(({ invalidSeconds }) => invalidSeconds),
    droppedStarts: total(({ droppedStarts }) => droppedStarts),
    workers: total(({ workers }) => workers ?? 0),
  };
}

function highest(figures: readonly (number | null)[]): number | null {
  const known = figures.filter((figure) => figure !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function mergeErrors(shards: readonly ShardRun[]): ErrorSummary[] {
  const errors = new Map<string, ErrorSummary>();
  for (const error of shards.flatMap(({ summary }) => summary.errors)) {
    const known = errors.get(error.code);
    errors.set(error.code, known ? { ...known, count: known.count + error.count } : error);
  }
  return [...errors.values()].sort((a, b) => b.count - a.count);
}
