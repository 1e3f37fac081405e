import type { MetricName, Tags } from '../../metrics/catalogue.ts';
import { mergePoints } from '../../metrics/merge-points.ts';
import type { Point } from '../../metrics/point.ts';
import type { StoredSecond } from './stored-run.ts';

/** Gauges of a whole process, one sample a second: those of several processes add up. */
const added: ReadonlySet<MetricName> = new Set<MetricName>(['viewers']);

/**
 * The seconds of several shards as those of one run: in order of time, one point per series.
 *
 * Histograms, sums and ratios add up exactly, so every percentile is the one that a single process would have found.
 * Shards name their worker threads alike; each `node` gets its shard's number in front: `2.viewers-1`.
 * @param shards the seconds of each shard, in order of time, by its number
 */
export async function* mergeSeconds(
  shards: ReadonlyMap<number, AsyncIterator<StoredSecond>>,
): AsyncGenerator<StoredSecond> {
  const heads = new Map<number, StoredSecond>();
  const advance = async (number: number): Promise<void> => {
    const next = await shards.get(number)!.next();
    if (next.done) heads.delete(number);
    else heads.set(number, next.value);
  };
  for (const number of shards.keys()) await advance(number);
  while (heads.size > 0) {
    const timeMs = Math.min(...[...heads.values()].map((second) => second.timeMs));
    const points: Point[] = [];
    for (const [number, second] of [...heads]) {
      if (second.timeMs !== timeMs) continue;
      for (const point of second.points) points.push({ ...point, tags: ofShard(point.tags, number) });
      await advance(number);
    }
    yield { timeMs, points: mergeSecond(points, timeMs) };
  }
}

function ofShard({ run: _run, scenario: _scenario, ...tags }: Tags, number: number): Tags {
  return tags.node === undefined ? tags : { ...tags, node: `${number}.${tags.node}` };
}

function mergeSecond(points: readonly Point[], timeMs: number): Point[] {
  const sums = new Map<string, Point>();
  const rest: Point[] = [];
  for (const point of points) {
    if (!added.has(point.metric)) {
      rest.push(point);
      continue;
    }
    const key = `${point.metric} ${JSON.stringify(point.tags)}`;
    const value = (sums.get(key)?.value ?? 0) + (point.value ?? 0);
    sums.set(key, { ...point, timeMs, value, count: 1, sum: value, min: value, max: value });
  }
  return [...mergePoints(rest, timeMs), ...sums.values()];
}
