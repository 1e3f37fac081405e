import type { Level } from './renditions.ts';

/** hls.js's `abrBandWidthFactor` and `abrBandWidthUpFactor`: how much of the estimate counts for staying, and for rising. */
const STAY_FACTOR = 0.95;
const UP_FACTOR = 0.7;
/** hls.js's `abrEwmaDefaultEstimate` and `abrEwmaDefaultEstimateMax`. */
const DEFAULT_ESTIMATE_BPS = 500_000;
const MAX_START_ESTIMATE_BPS = 5_000_000;
/** hls.js looks at a download that is too slow once half of the segment's duration has gone by … */
const ABANDON_AFTER = 0.5;
/** … and counts on so much of its rate for another. */
const ABANDON_FACTOR = 0.8;

/** What is thought of the throughput before anything has been loaded: at least that the first variant listed can be played. */
export function startEstimateBps(firstListedBps: number): number {
  return Math.max(DEFAULT_ESTIMATE_BPS, Math.min(firstListedBps, MAX_START_ESTIMATE_BPS));
}

/** The best level that the estimate carries, nothing held back; the lowest if none (hls.js: `firstAutoLevel`). */
export function startLevel(levels: readonly Level[], estimateBps: number): number {
  return Math.max(
    0,
    best(levels, () => estimateBps),
  );
}

/**
 * The level of the next segment (hls.js: `findBestLevel`; on live streams the buffer does not forbid what throughput carries, so that a viewer
 * near the edge is not kept low for ever). With an empty buffer the lowest is taken when none is carried.
 */
export function nextLevel(levels: readonly Level[], current: number, estimateBps: number): number {
  return Math.max(
    0,
    best(levels, (at) => estimateBps * (at <= current ? STAY_FACTOR : UP_FACTOR)),
  );
}

function best(levels: readonly Level[], carried: (at: number) => number): number {
  for (let at = levels.length - 1; at >= 0; at--) if (carried(at) >= levels[at]!.bps) return at;
  return -1;
}

/**
 * Whether the mean is to begin anew at the level that was gone down to: a line that has become slow all at once is hidden by what came before, and
 * the next choice would go up again (hls.js: `resetEstimator`).
 */
export function hidesTheFall(estimateBps: number, levelBps: number): boolean {
  return estimateBps * UP_FACTOR > levelBps;
}

export interface Download {
  readonly elapsedMs: number;
  readonly bytes: number;
  /** Of the whole; null: not known. */
  readonly totalBytes: number | null;
  readonly segmentMs: number;
  readonly bufferMs: number;
}

/** The lower level to go on with instead of waiting for this download, or null: wait (hls.js: `_abandonRulesCheck`). */
export function abandonFor(levels: readonly Level[], current: number, download: Download): number | null {
  const { elapsedMs, bytes, totalBytes, segmentMs, bufferMs } = download;
  if (current === 0 || elapsedMs <= ABANDON_AFTER * segmentMs) return null;
  const bytesPerMs = Math.max(1 / 1_000, bytes / elapsedMs);
  const expected = totalBytes ?? Math.max(bytes, (segmentMs * levels[current]!.bps) / 8_000);
  const leftMs = (expected - bytes) / bytesPerMs;
  if (bufferMs >= 2 * segmentMs || leftMs <= bufferMs) return null;
  let level = current - 1;
  let otherMs = Number.POSITIVE_INFINITY;
  for (; level >= 0; level--) {
    otherMs = (segmentMs * levels[level]!.bps) / (8_000 * ABANDON_FACTOR * bytesPerMs);
    if (otherMs < bufferMs || level === 0) break;
  }
  return otherMs < leftMs ? level : null;
}
