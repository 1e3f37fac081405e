import { chanceOf } from './chance.ts';

/**
 * How viewers spread over the streams of a cohort. `uniform`: start n watches stream n modulo their number. `zipf`:
 * the stream of rank k (its place in the scenario's list, from 1) is drawn with a chance proportional to 1/k^exponent.
 */
export type Popularity = { readonly kind: 'uniform' } | { readonly kind: 'zipf'; readonly exponent: number };

/** Draws for streams and draws for times of one session have nothing to do with each other. */
const STREAM_DRAW = 0x5f3759df;

/**
 * Who watches what. A choice depends on the seed, the cohort, the start's index, its generation (how many sessions its
 * slot had before) and the zap alone: the same for any number of workers and shards.
 */
export class StreamChoice {
  readonly #seed: number;
  readonly #cohort: number;
  readonly #streams: number;
  readonly #popularity: Popularity;
  /** Entry k: the chance of the streams before k; the last is 1. */
  readonly #bounds: Float64Array;

  constructor(streams: number, popularity: Popularity, seed: number, cohort: number) {
    this.#seed = seed;
    this.#cohort = cohort;
    this.#streams = streams;
    this.#popularity = popularity;
    this.#bounds = boundsOf(streams, popularity);
  }

  /** The stream, from 0, that a session begins with. */
  first(index: number, generation: number): number {
    if (this.#popularity.kind === 'uniform') return index % this.#streams;
    return this.#at(this.#chance(index, generation, 0));
  }

  /** The stream that a zapper at `present` goes to with its n-th zap (from 1): by the same law among all others. */
  next(present: number, index: number, generation: number, zap: number): number {
    const bounds = this.#bounds;
    const below = bounds[present]!;
    const taken = bounds[present + 1]! - below;
    const chance = this.#chance(index, generation, zap) * (1 - taken);
    const choice = this.#at(chance < below ? chance : chance + taken);
    // Rounding may lead back to the border of the stream that is left out.
    return choice !== present ? choice : (present + 1) % this.#streams;
  }

  #chance(index: number, generation: number, zap: number): number {
    return chanceOf(this.#seed ^ STREAM_DRAW, this.#cohort, index, generation, zap);
  }

  /** The stream whose part of 0 … 1 the chance falls in. */
  #at(chance: number): number {
    let low = 0;
    let high = this.#streams - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#bounds[middle + 1]! > chance) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** The share of all viewers that each stream gets in the long run, in order. */
export function expectedShares(streams: number, popularity: Popularity): number[] {
  const bounds = boundsOf(streams, popularity);
  return Array.from({ length: streams }, (_, rank) => bounds[rank + 1]! - bounds[rank]!);
}

function boundsOf(streams: number, popularity: Popularity): Float64Array {
  const exponent = popularity.kind === 'zipf' ? popularity.exponent : 0;
  const bounds = new Float64Array(streams + 1);
  for (let rank = 1; rank <= streams; rank++) bounds[rank] = bounds[rank - 1]! + rank ** -exponent;
  const total = bounds[streams]!;
  for (let rank = 1; rank <= streams; rank++) bounds[rank] = bounds[rank]! / total;
  return bounds;
}
