import { parseThreshold, type Threshold } from '../../metrics/threshold.ts';
import type { Scenario } from '../../scenarios/schema.ts';

/**
 * A run without any threshold would pass even when nobody saw a picture. It has this one, which shows in the results
 * like every other. `scenario`: where its visitors watch nothing, one connection at least must be made.
 */
export function impliedThreshold(
  given: readonly Threshold[],
  scenario?: Pick<Scenario, 'viewers'>,
): Threshold[] {
  if (given.length > 0) return [];
  const connectOnly = scenario?.viewers?.every(({ behaviour }) => {
    const kind = typeof behaviour === 'string' ? behaviour : behaviour.kind;
    return kind === 'connect-only' || kind === 'idle';
  });
  return [parseThreshold(connectOnly ? 'connect_ms' : 'sessions_playing', 'count>0')];
}
