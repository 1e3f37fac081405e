import type { Knee, Level, LevelFigures } from '../../metrics/capacity.ts';

/** Fewer loads than this have no shape. */
const LEAST_POINTS = 4;
/** How far the curve must hang below its chord, as a share of its height. A straight line does not at all. */
const LEAST_SAG = 0.2;

/** Figures that turn upwards when a server gets short of something, and the rise that is more than noise. */
const candidates: readonly { readonly figure: keyof LevelFigures; readonly leastRise: number }[] = [
  { figure: 'firstFrameP95Ms', leastRise: 50 },
  { figure: 'latencyP95Ms', leastRise: 100 },
  { figure: 'stallRatio', leastRise: 0.005 },
  { figure: 'startFailureRatio', leastRise: 0.005 },
];

/**
 * The load at which a figure turns upwards: the point that lies furthest below the line from the first to the last
 * (Kneedle, Satopää et al. 2011, for a convex rising curve, without its smoothing: each load's figure is the median of
 * its repeats). The figure with the sharpest turn tells. null: none rises, or all rise evenly.
 */
export function findKnee(levels: readonly Level[]): Knee | null {
  let knee: (Knee & { sag: number }) | null = null;
  for (const { figure, leastRise } of candidates) {
    const points = curveOf(levels, figure);
    const [first, last] = [points[0], points.at(-1)];
    if (points.length < LEAST_POINTS || !first || !last) continue;
    const height = Math.max(...points.map(({ value }) => value)) - first.value;
    const doubled = last.value >= 2 * first.value;
    if (height < leastRise || !doubled) continue;
    for (const { load, value } of points) {
      const sag = (load - first.load) / (last.load - first.load) - (value - first.value) / height;
      if (sag > LEAST_SAG && sag > (knee?.sag ?? 0)) knee = { load, figure, value, sag };
    }
  }
  return knee && { load: knee.load, figure: knee.figure, value: knee.value };
}

/** The median of a figure at each load, by load; loads that were not measured properly are left out. */
export function curveOf(
  levels: readonly Level[],
  figure: keyof LevelFigures,
): { load: number; value: number }[] {
  const byLoad = new Map<number, number[]>();
  for (const { load, verdict, figures } of levels) {
    const value = figures[figure];
    if (verdict === 'inconclusive' || value === null) continue;
    byLoad.set(load, [...(byLoad.get(load) ?? []), value]);
  }
  return [...byLoad]
    .map(([load, values]) => ({ load, value: median(values) }))
    .sort((a, b) => a.load - b.load);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
