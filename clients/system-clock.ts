import { performance } from 'node:perf_hooks';
import type { Clock } from '../core/clock.ts';

/** How far the wall clock may run from the monotonic one before it is believed to have been set. */
const ANCHOR_DRIFT_MS = 2;

/**
 * A clock whose wall time has the fractions of the monotonic one: `Date.now()` alone is cut to whole milliseconds
 * and jumps. The two are tied together once and tied anew when they have come apart by more than 2 ms, because
 * somebody (NTP) has set the wall clock since. `now`/`wall` are passed in by tests.
 */
export function createSystemClock(now: () => number, wall: () => number): Clock {
  let offsetMs = wall() + 0.5 - now();
  return {
    nowMs: now,
    wallMs() {
      const nowMs = now();
      // Date.now() is floored: the true time lies in [wallNow, wallNow + 1).
      const wallNow = wall();
      const drift = wallNow + 0.5 - (nowMs + offsetMs);
      if (drift > ANCHOR_DRIFT_MS || drift < -ANCHOR_DRIFT_MS) offsetMs = wallNow + 0.5 - nowMs;
      return nowMs + offsetMs;
    },
  };
}

/** Real time, for everything that runs outside tests. */
export const systemClock: Clock = createSystemClock(() => performance.now(), Date.now);
