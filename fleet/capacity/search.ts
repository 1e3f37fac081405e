/**
 * The search for the largest load that is carried, as a pure function of the levels that were held: no clock, no
 * state of its own. So a search that was broken off goes on from its written levels as if nothing had happened.
 *
 *      start, step up                bisect                       confirm both ends
 *      ●     ●       ●        ✗   →   ●   ●  ✗ ✗        ✗    →     ●●  ✗✗
 *      10    20      40       80      40  60 65 70      80         60  65
 *
 * Repeats that disagree are settled by majority. If the best load turns out bad, or the one above it good, the ends
 * move and the same rules go on from there.
 */
import type { Answer, Level, LevelPurpose, SearchOptions } from '../../metrics/capacity.ts';

export type SearchStep =
  | { readonly kind: 'hold'; readonly load: number; readonly purpose: LevelPurpose }
  | { readonly kind: 'done'; readonly found: Found };

/** What a search knows of a held level. */
export type HeldLevel = Pick<Level, 'load' | 'verdict'> & { readonly steady?: boolean };

/** What the levels come to; the answer's part that follows from verdicts alone. */
export type Found = Pick<
  Answer,
  'outcome' | 'capacity' | 'low' | 'high' | 'confidence' | 'doubts' | 'repeats'
>;

/** What to do after these levels, in their order of time. */
export function nextStep(options: SearchOptions, levels: readonly HeldLevel[]): SearchStep {
  const loads = standings(levels, options);
  if (levels.length >= options.maxLevels) return done(options, levels);
  const hold = (load: number, purpose: LevelPurpose): SearchStep => ({ kind: 'hold', load, purpose });

  const unsettled = loads.find(({ state }) => state === 'unsettled');
  if (unsettled) return hold(unsettled.load, 'repeat');

  const { best, above } = endsOf(loads);
  if (!best && !above) return hold(options.start, 'start');
  if (!above) {
    if (best!.load < options.max) return hold(stepUp(best!.load, options), 'step up');
  } else if (!best) {
    if (above.load > options.granule)
      return hold(between(0, above.load, options) ?? options.granule, 'step down');
  } else if (above.load - best.load > resolutionAt(best.load, options)) {
    const middle = between(best.load, above.load, options);
    if (middle !== null) return hold(middle, 'bisect');
  }
  for (const end of [best, above])
    if (end && end.state !== 'limited' && !isConfirmed(end, options)) return hold(end.load, 'confirm');
  return done(options, levels);
}

/** What is known after these levels, whether or not the search is over; null: nothing yet. */
export function findingOf(options: SearchOptions, levels: readonly HeldLevel[]): Found | null {
  const loads = standings(levels, options);
  const { best, above } = endsOf(loads);
  if (!best && !above) return null;
  const judged = loads.filter(({ good, bad }) => good + bad > 0);
  // Between these two results did not agree, or there were none.
  const low = judged.findLast(({ load, bad }) => load <= (best?.load ?? 0) && bad === 0);
  const high = judged.find((one) => above && one.load >= above.load && one.good === 0);
  const doubts = doubtsOf(options, levels, loads, best, above);
  return {
    outcome: outcomeOf(best, above),
    capacity: best?.load ?? null,
    low: low?.load ?? null,
    high: above?.state === 'limited' ? null : (high?.load ?? null),
    confidence: doubts.some(({ grave }) => grave) ? 'low' : doubts.length > 0 ? 'medium' : 'high',
    doubts: doubts.map(({ sentence }) => sentence),
    repeats: {
      good: { agreed: best?.good ?? 0, of: best ? best.good + best.bad : 0 },
      bad: { agreed: above?.bad ?? 0, of: above ? above.good + above.bad : 0 },
    },
  };
}

function done(options: SearchOptions, levels: readonly HeldLevel[]): SearchStep {
  const found = findingOf(options, levels);
  // Only a search without a single judged level gets here with nothing: every try was the generator's fault.
  if (!found) throw new Error('A search ends only after it has held a level.');
  return { kind: 'done', found };
}

function outcomeOf(best: Standing | null, above: Standing | null): Found['outcome'] {
  if (above?.state === 'limited') return 'generator';
  if (!best) return 'none';
  return above ? 'found' : 'at-least';
}

/** What the results of one load come to. */
interface Standing {
  readonly load: number;
  readonly good: number;
  readonly bad: number;
  /** `unsettled`: results disagree evenly, or the generator was the limit and may be tried again. `limited`: it was again. */
  readonly state: 'good' | 'bad' | 'unsettled' | 'limited';
}

function standings(levels: readonly HeldLevel[], options: SearchOptions): Standing[] {
  const loads = [...new Set(levels.map(({ load }) => load))].sort((a, b) => a - b);
  return loads.map((load) => {
    const count = (verdict: Level['verdict']): number =>
      levels.filter((level) => level.load === load && level.verdict === verdict).length;
    const [good, bad, inconclusive] = [count('good'), count('bad'), count('inconclusive')];
    return { load, good, bad, state: stateOf(good, bad, inconclusive, options) };
  });
}

function stateOf(
  good: number,
  bad: number,
  inconclusive: number,
  { agree, patience }: SearchOptions,
): Standing['state'] {
  if (inconclusive >= patience && inconclusive >= good + bad) return 'limited';
  if (good > bad) return 'good';
  if (bad > good) return 'bad';
  // As often good as bad, again and again: nobody may rely on it.
  return good + bad >= 2 * agree + 2 ? 'bad' : 'unsettled';
}

/** The lowest load that is not carried (or cannot be judged), and the highest below it that is. */
function endsOf(loads: readonly Standing[]): { best: Standing | null; above: Standing | null } {
  const above = loads.find(({ state }) => state === 'bad' || state === 'limited') ?? null;
  const best = loads.findLast(({ state, load }) => state === 'good' && load < (above?.load ?? Infinity));
  return { best: best ?? null, above };
}

function isConfirmed({ good, bad, state }: Standing, { agree }: SearchOptions): boolean {
  return state === 'good' ? good >= agree : bad >= agree;
}

function stepUp(load: number, { step, max, granule }: SearchOptions): number {
  const next = step.kind === 'factor' ? load * step.by : load + step.by;
  return Math.min(max, Math.max(load + granule, toGranule(next, granule)));
}

/** The middle, as a load of its own; null: there is none between. */
function between(low: number, high: number, { granule }: SearchOptions): number | null {
  const middle = toGranule((low + high) / 2, granule);
  return middle > low && middle < high ? middle : null;
}

function resolutionAt(load: number, { resolution, granule }: SearchOptions): number {
  const width = resolution.kind === 'share' ? load * resolution.by : resolution.by;
  return Math.max(width, granule) * (1 + 1e-9);
}

function toGranule(load: number, granule: number): number {
  // Sums of tenths are not exact.
  return Number((Math.max(1, Math.round(load / granule)) * granule).toFixed(6));
}

interface Doubt {
  readonly sentence: string;
  /** The answer is not confirmed. */
  readonly grave?: boolean;
}

function doubtsOf(
  options: SearchOptions,
  levels: readonly HeldLevel[],
  loads: readonly Standing[],
  best: Standing | null,
  above: Standing | null,
): Doubt[] {
  const doubts: Doubt[] = [];
  for (const end of [best, above]) {
    if (!end || end.state === 'limited') continue;
    const word = end.state === 'good' ? 'met the thresholds' : 'did not meet the thresholds';
    const agreed = end.state === 'good' ? end.good : end.bad;
    const tries = end.good + end.bad;
    if (agreed < options.agree)
      doubts.push({
        sentence: `That ${end.load} ${word} was seen ${agreed === 1 ? 'once' : `${agreed} times`} and not confirmed by a repeat.`,
        grave: true,
      });
    else if (agreed < tries) doubts.push({ sentence: `${end.load} ${word} in ${agreed} of ${tries} tries.` });
    if (levels.some(({ load, steady }) => load === end.load && steady === false) && end.state === 'good')
      doubts.push({ sentence: `Figures at ${end.load} had not come to rest when it was judged.` });
  }
  if (best && above && above.load - best.load > resolutionAt(best.load, options) && !isLimited(above))
    doubts.push({
      sentence: `The search ended early, with ${best.load} and ${above.load} still far apart.`,
      grave: true,
    });
  if (options.agree === 1)
    doubts.push({ sentence: 'Each load was held once, without a repeat, as was asked for.' });
  const odd = loads.filter(({ load, state }) => above && load > above.load && state === 'good');
  if (odd.length > 0)
    doubts.push({
      sentence: `Larger loads (${odd.map(({ load }) => load).join(', ')}) met the thresholds although ${above!.load} did not: the server does not behave the same each time.`,
    });
  return doubts;
}

function isLimited({ state }: Standing): boolean {
  return state === 'limited';
}
