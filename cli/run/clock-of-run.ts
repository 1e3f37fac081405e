import { systemClock } from '../../clients/system-clock.ts';
import { readReferenceClock } from '../../fleet/reference-clock.ts';
import type { ClockSummary } from '../../metrics/summary.ts';
import type { RunPlan } from './plan-run.ts';

/**
 * How far this machine's clock may be off from the one that stamps the frames. Where this run publishes all that is
 * watched it is the same clock; else the best that is known is how far this one is off from true time.
 * @param ntp NTP server to ask
 * @returns `null`: nobody knows
 */
export async function clockOfRun(plan: RunPlan, ntp: string | null): Promise<ClockSummary | null> {
  const published = new Set(plan.publishers.publishers.map(({ stream }) => stream));
  const watched = plan.fleet.cohorts.flatMap((cohort) => cohort.streams.map(({ name }) => name));
  if (published.size > 0 && watched.every((name) => published.has(name)))
    return { offsetMs: 0, boundMs: plan.fleet.clockBoundMs, source: 'publishers on this machine' };
  return readReferenceClock(systemClock, ntp);
}

/** The plan with what is known of the clock in its latencies' uncertainty. */
export function withClock(plan: RunPlan, clock: ClockSummary | null): RunPlan {
  if (clock === null || clock.offsetMs === 0) return plan;
  const clockBoundMs = plan.fleet.clockBoundMs + Math.abs(clock.offsetMs) + clock.boundMs;
  return { ...plan, fleet: { ...plan.fleet, clockBoundMs } };
}
