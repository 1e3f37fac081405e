import { backOffMs } from '../supervision/back-off.ts';

/** A ladder that ran for so long was well: what befalls it then is a new misfortune, not the old one again. */
const WELL_AFTER_MS = 10_000;

/** When a ladder that died is started anew. Pure: told how long it ran, and the chance. */
export class Restarts {
  #inARow = 0;
  #total = 0;

  /** How often in all. */
  get total(): number {
    return this.#total;
  }

  /** @param ranMs how long it ran @param random 0 ≤ random < 1 @returns how long to wait, in milliseconds */
  next(ranMs: number, random: number): number {
    if (ranMs >= WELL_AFTER_MS) this.#inARow = 0;
    this.#total++;
    return backOffMs(this.#inARow++, random);
  }
}
