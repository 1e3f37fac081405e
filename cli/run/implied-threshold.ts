import { parseThreshold, type Threshold } from '../../metrics/threshold.ts';
import type { Scenario } from '../../scenarios/schema.ts';

/**
 * A run without any threshold would pass even when nobody saw a picture, or when every session broke after its first
 * one. It has these, which show in the results like every other: somebody must have had a picture, and somebody's session
 * must not have failed. `scenario`: where its visitors watch nothing, one connection at least must be made.
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
  const wanted = connectOnly ? ['connect_ms'] : ['sessions_playing', 'sessions_ended'];
  return wanted.map((metric) => parseThreshold(metric, 'count>0'));
}
