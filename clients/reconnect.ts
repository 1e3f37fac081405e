import type { Reason } from './reason.ts';
import type { ReconnectPolicy } from './viewer.ts';

/** How long to wait before attempt `attempt` (from 1) to reconnect; `null`: there is no such attempt. */
export function delayBeforeAttempt(
  policy: ReconnectPolicy,
  attempt: number,
  random: () => number,
): number | null {
  if (attempt > policy.maxAttempts) return null;
  const fullMs = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempt - 1));
  return fullMs * (1 - policy.jitter * random());
}

/**
 * Whether a failure may pass: servers restart, publishers come back under the same name, networks recover. A wrong
 * password, a certificate or a peer that speaks another language will be as wrong the next time.
 */
export function isWorthRetrying(reason: Reason): boolean {
  switch (reason) {
    case 'refused':
    case 'connect-timeout':
    case 'dns':
    case 'reset':
    case 'not-found':
    case 'http-5xx':
    case 'no-media':
    case 'no-key-frame':
    case 'too-slow':
    case 'publisher-gone':
    case 'closed':
    case 'rtmp-refused':
    case 'first-byte-timeout':
      return true;
    case 'tls':
    case 'auth':
    case 'http-4xx':
    case 'http-redirect':
    case 'bad-media':
    case 'bad-response':
    case 'generator-limit':
      return false;
  }
}
