/** hls.js's `fragLoadPolicy.default.errorRetry`. */
const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 8_000;
const MAX_RETRIES = 6;
/** So many newer segments, and a live player does not wait for this one. */
const PASS_WITH_NEWER = 2;

/**
 * How long to wait before a segment is asked for again that the server has refused `failures` times, the last time with `status`; null: it is
 * passed over. At the live edge a segment that is late comes with the next attempt; one that is gone does not, and two newer ones are worth more.
 */
export function retryDelayMs(failures: number, status: number, newer: number): number | null {
  const isGone = status === 410;
  if (isGone || failures > MAX_RETRIES || (failures > 1 && newer >= PASS_WITH_NEWER)) return null;
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1));
}
