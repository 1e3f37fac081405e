import { type Aggregate, createAggregate } from './aggregate.ts';
import type { Point } from './point.ts';
import { seriesKey } from './series-key.ts';

/**
 * Merges the points of several workers for one second: one point per series, as sinks want it. A series that only one
 * worker has keeps its point. `timeMs` becomes that of the second.
 */
export function mergePoints(points: readonly Point[], timeMs: number): Point[] {
  const groups = new Map<string, { first: Point; aggregate: Aggregate | null }>();
  for (const point of points) {
    const key = seriesKey(point.metric, point.tags);
    const group = groups.get(key);
    if (!group) {
      groups.set(key, { first: point, aggregate: null });
      continue;
    }
    if (!group.aggregate) {
      group.aggregate = createAggregate(point.type);
      group.aggregate.absorb(group.first);
    }
    group.aggregate.absorb(point);
  }
  return [...groups.values()].map(({ first, aggregate }) =>
    aggregate
      ? { timeMs, metric: first.metric, tags: first.tags, type: first.type, ...aggregate.encode() }
      : { ...first, timeMs },
  );
}
