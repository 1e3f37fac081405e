import type { SessionOutcome } from '../clients/viewer.ts';

/**
 * The open quality score of one session, 0 to 100: the product of three shares.
 *
 *     start-up     100·8/(8+s)                                     s: seconds from intended start to playing
 *     smoothness   mean(100/√(1+(n/2)²), 100·e^(−10·stall_ratio))  n: stalls
 *     success      100, or 0 for a session that failed
 *
 * `null` for a viewer who left before the first picture: that says something about the viewer alone.
 */
export function qoeScore({ result, figures }: SessionOutcome): number | null {
  if (result === 'failed') return 0;
  if (figures.startupMs === null) return null;
  const startup = 8 / (8 + figures.startupMs / 1000);
  const stallRatio = figures.watchedMs > 0 ? figures.stallMs / figures.watchedMs : 0;
  const smoothness = (1 / Math.sqrt(1 + (figures.stallCount / 2) ** 2) + Math.exp(-10 * stallRatio)) / 2;
  return 100 * startup * smoothness;
}
