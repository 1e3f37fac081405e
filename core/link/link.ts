import { seedFor } from './chance.ts';
import { Cuts } from './cuts.ts';
import { Line } from './line.ts';
import type { LinkProfile } from './profile.ts';

/**
 * The link of one viewer: one for all of its connections, at a time and one after the other, because they share the
 * line. Pure: time is passed in. The same profile, seed and start give the same link.
 */
export class Link {
  readonly down: Line;
  readonly up: Line;
  readonly #cuts: Cuts;
  readonly #startMs: number;

  /** `startMs`: when the viewer's session begins; cuts and trace count from here. A seed is a whole number below 2³². */
  constructor(profile: LinkProfile, seed: number, startMs: number) {
    const { downBps, upBps, delayMs, jitterMs, trace } = profile;
    this.#cuts = new Cuts(profile.cuts, seedFor(seed, 0));
    this.#startMs = startMs;
    this.down = new Line(
      { bps: downBps, trace, delayMs, jitterMs, first: 'delay' },
      this.#cuts,
      startMs,
      seedFor(seed, 1),
    );
    this.up = new Line(
      { bps: upBps, trace: null, delayMs, jitterMs, first: 'bandwidth' },
      this.#cuts,
      startMs,
      seedFor(seed, 2),
    );
  }

  /** When all connections are next broken, after `nowMs`; `Infinity`: never. */
  nextResetMs(nowMs: number): number {
    return this.#startMs + this.#cuts.nextResetMs(nowMs - this.#startMs);
  }
}
