/** Doubles from the first to the last, with "full jitter" in the upper half, so that many do not come back at once. */
const firstMs = 100;
const lastMs = 10_000;

/**
 * How long to wait before a restart, in milliseconds.
 * @param attempt 0 for the first
 * @param random 0 ≤ random < 1
 */
export function backOffMs(attempt: number, random: number): number {
  const ceiling = Math.min(lastMs, firstMs * 2 ** attempt);
  return ceiling / 2 + (ceiling / 2) * random;
}
