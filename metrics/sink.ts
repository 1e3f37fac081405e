import type { Point } from './point.ts';
import type { RunInfo, SessionRecord, Summary } from './summary.ts';

/**
 * Where a run's samples and results go. Every sink passes one contract test suite (`sinks/sink-contract.ts`).
 *
 * Order of calls: `open` once; then `second` and `session` in any order; `close` once. Calls after `close`, and a
 * second `close`, do nothing. `second` and `session` never block and never throw: what cannot be kept is counted in `lost`.
 */
export interface Sink {
  readonly name: string;
  /** @throws Error with one clear sentence when the sink cannot work (folder not writable, database unreachable) */
  open(run: RunInfo): Promise<void>;
  /** Points of one second, one per series: those of several workers merged before (`mergePoints`). */
  second(points: readonly Point[]): void;
  session(record: SessionRecord): void;
  /** Writes what is left; afterwards the result is readable. Also called, with what there is, when a run is stopped early. */
  close(summary: Summary): Promise<void>;
  /** Points and sessions that could not be kept. */
  readonly lost: number;
}
