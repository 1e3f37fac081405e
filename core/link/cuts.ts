import { chanceAt } from './chance.ts';
import type { LinkCut } from './profile.ts';

/** One cut of one viewer, in ms since its session's start. */
export interface CutSpan {
  readonly startMs: number;
  readonly endMs: number;
  readonly kind: LinkCut['kind'];
}

/** When one viewer's link is cut, as a function of time since its session's start. */
export class Cuts {
  readonly #cuts: readonly LinkCut[];
  readonly #seed: number;

  constructor(cuts: readonly LinkCut[], seed: number) {
    this.#cuts = cuts;
    this.#seed = seed;
  }

  /** Of the cuts that end after `ms` the one that begins first; it may have begun already. */
  next(ms: number): CutSpan | null {
    return this.#first((cut, seed) => spanEndingAfter(cut, ms, seed));
  }

  /** When connections are next broken, after `ms`; `Infinity`: never. */
  nextResetMs(ms: number): number {
    const span = this.#first((cut, seed) => (cut.kind === 'reset' ? spanStartingAfter(cut, ms, seed) : null));
    return span?.startMs ?? Number.POSITIVE_INFINITY;
  }

  /** `ms`, or where a cut is on then, its end. */
  clear(ms: number): number {
    let clearMs = ms;
    for (let cut = this.next(clearMs); cut !== null && cut.startMs <= clearMs; cut = this.next(clearMs))
      clearMs = cut.endMs;
    return clearMs;
  }

  #first(spanOf: (cut: LinkCut, seed: number) => CutSpan | null): CutSpan | null {
    let first: CutSpan | null = null;
    for (const [index, cut] of this.#cuts.entries()) {
      const span = spanOf(cut, chanceAt(this.#seed, index));
      if (span !== null && (first === null || span.startMs < first.startMs)) first = span;
    }
    return first;
  }
}

function spanEndingAfter(cut: LinkCut, ms: number, chance: number): CutSpan | null {
  const { when, forMs } = cut;
  if ('atMs' in when) return when.atMs + forMs > ms ? spanAt(cut, when.atMs) : null;
  const firstMs = chance * when.everyMs;
  const number = Math.max(0, Math.floor((ms - firstMs - forMs) / when.everyMs) + 1);
  return spanAt(cut, firstMs + number * when.everyMs);
}

function spanStartingAfter(cut: LinkCut, ms: number, chance: number): CutSpan | null {
  const { when } = cut;
  if ('atMs' in when) return when.atMs > ms ? spanAt(cut, when.atMs) : null;
  const firstMs = chance * when.everyMs;
  const number = Math.max(0, Math.floor((ms - firstMs) / when.everyMs) + 1);
  return spanAt(cut, firstMs + number * when.everyMs);
}

function spanAt({ forMs, kind }: LinkCut, startMs: number): CutSpan {
  return { startMs, endMs: startMs + forMs, kind };
}
