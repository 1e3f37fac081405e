import type { FaultReport } from '../../fleet/publisher-group.ts';
import type { FaultSummary } from '../../metrics/summary.ts';

/** What was done on purpose, as `summary.faults` tells it. A fault is heard of when it begins, and again when it is over. */
export class FaultLog {
  readonly #startedWallMs: number;
  readonly #faults = new Map<number, FaultSummary>();

  /** @param startedWallMs the run's start, from which times are counted */
  constructor(startedWallMs: number) {
    this.#startedWallMs = startedWallMs;
  }

  take({ index, kind, streams, atWallMs, endWallMs }: FaultReport): void {
    this.#faults.set(index, {
      atMs: Math.round(atWallMs - this.#startedWallMs),
      kind,
      detail: `${what[kind]} of ${nameStreams(streams)}${endWallMs === null ? '' : `; published again after ${((endWallMs - atWallMs) / 1000).toFixed(2)} s`}`,
      ...(endWallMs !== null && { durationMs: Math.round(endWallMs - atWallMs) }),
    });
  }

  /** In the order of time. */
  summaries(): FaultSummary[] {
    return [...this.#faults.values()].sort((a, b) => a.atMs - b.atMs);
  }
}

const what = {
  'publisher-drop': 'Connection cut: publisher',
  'publisher-stop': 'Stopped in good order: publisher',
} as const;

function nameStreams(streams: readonly string[]): string {
  const [first = ''] = streams;
  return streams.length === 1 ? `"${first}"` : `${streams.length} streams, "${first}" among them`;
}
