import { parseThreshold, type Threshold } from '../../metrics/threshold.ts';

/**
 * A run without any threshold would pass even when nobody saw a picture. It has this one, which shows in the results
 * like every other.
 */
export function impliedThreshold(given: readonly Threshold[]): Threshold[] {
  return given.length > 0 ? [] : [parseThreshold('sessions_playing', 'count>0')];
}
