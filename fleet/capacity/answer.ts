import type { Answer, Level, Limit, LoadKind, SearchOptions } from '../../metrics/capacity.ts';
import type { ThresholdResult } from '../../metrics/threshold.ts';
import { findKnee } from './knee.ts';
import { findingOf } from './search.ts';
import { findShortage } from './shortage.ts';

/** What the levels tell, whether or not the search is over; null: nothing yet. */
export function answerOf(search: SearchOptions, levels: readonly Level[], of: LoadKind): Answer | null {
  const found = findingOf(search, levels);
  return found && { ...found, knee: findKnee(levels), limit: limitOf(levels, found.capacity, of) };
}

/** What the lowest load above the capacity shows: what was crossed first, and what was short there. */
function limitOf(levels: readonly Level[], capacity: number | null, of: LoadKind): Limit | null {
  const beyond = levels.filter(({ load, verdict }) => load > (capacity ?? 0) && verdict !== 'good');
  if (beyond.length === 0) return null;
  const load = Math.min(...beyond.map((level) => level.load));
  const here = beyond.filter((level) => level.load === load);
  const judged = here.filter(({ verdict }) => verdict === 'bad');
  const crossed = new Map<string, ThresholdResult>();
  for (const { thresholds } of judged)
    for (const result of thresholds)
      if (!result.ok) crossed.set(JSON.stringify([result.metric, result.tags, result.expression]), result);
  // Not everything is read of the server in every level: tables of sockets take their time on a busy machine.
  const told = (judged.length > 0 ? judged : here).toReversed();
  return {
    load,
    crossed: [...crossed.values()].sort((a, b) => excess(b) - excess(a)),
    objections: [...new Set(judged.flatMap(({ objections }) => objections))],
    shortage: told.map((level) => findShortage(level, of)).find((shortage) => shortage !== null) ?? null,
  };
}

/** How far beyond its limit, as a multiple of the limit. What was never measured is the furthest. */
function excess({ observed, expression }: ThresholdResult): number {
  const limit = Number(/[<>=!]+(.*)$/.exec(expression)?.[1]);
  if (observed === null || limit === 0) return Number.POSITIVE_INFINITY;
  return Math.abs(observed - limit) / Math.abs(limit);
}
