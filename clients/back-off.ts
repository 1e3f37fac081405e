import type { ReconnectPolicy } from './viewer.ts';

/**
 * How long to wait before reconnecting for the `attempt`-th time in a row (from 1); null when the policy has had
 * enough. `lostMs`: time since the loss; an attempt that would come after the policy's time is not made.
 */
export function backOffMs(
  policy: ReconnectPolicy,
  attempt: number,
  lostMs: number,
  random: () => number,
): number | null {
  if (attempt > policy.maxAttempts) return null;
  const fullMs = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempt - 1));
  const delayMs = fullMs * (1 - policy.jitter * random());
  return lostMs + delayMs > policy.maxElapsedMs ? null : delayMs;
}
