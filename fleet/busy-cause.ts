import type { BusyCause } from '../metrics/shortage.ts';
import { MAX_CPU } from '../metrics/verdict.ts';

/** What is known of one second of a thread; times over the whole second. */
export interface ThreadSecond {
  readonly elapsedMs: number;
  readonly cpuMs: number;
  /** Ready to run without a processor; `null`: not known (not Linux). */
  readonly waitedMs: number | null;
  readonly eventLoopLagMs: number;
  /** Spent in collecting garbage, all together and the longest. */
  readonly gcMs: number;
  readonly longestGcMs: number;
  /** Used heap over its limit. */
  readonly heapUsed: number;
}

/** A heap that is so full is collected again and again for little. */
const FULL_HEAP = 0.9;
/** A share of this of what went wrong is its cause. */
const MAIN_PART = 0.5;

/** The cause of a second that is not valid. */
export function causeOf(second: ThreadSecond): BusyCause {
  const { elapsedMs, cpuMs, waitedMs, eventLoopLagMs, gcMs, longestGcMs, heapUsed } = second;
  const collecting = heapUsed > FULL_HEAP ? 'memory' : 'garbage-collection';
  if (cpuMs > MAX_CPU * elapsedMs) return gcMs > MAIN_PART * cpuMs ? collecting : 'cpu';
  // A second that lasted longer was held up for the rest of it at least.
  const heldUpMs = Math.max(eventLoopLagMs, elapsedMs - 1000);
  if (longestGcMs > MAIN_PART * heldUpMs) return collecting;
  if (waitedMs !== null && waitedMs > MAIN_PART * heldUpMs && waitedMs > cpuMs) return 'waiting-for-cpu';
  return cpuMs > MAIN_PART * heldUpMs || waitedMs === null ? 'blocked' : 'suspended';
}
