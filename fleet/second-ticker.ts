import type { Clock } from '../core/clock.ts';

/**
 * Calls at each whole second of the wall clock, so that the seconds of all threads (and of all machines) are the
 * same seconds and can be laid over each other. Late calls are not made up for: the next whole second is next.
 */
export class SecondTicker {
  readonly #clock: Clock;
  readonly #tick: (secondMs: number) => void;
  readonly #delayMs: number;
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param tick gets the wall-clock milliseconds of the second that has ended: a multiple of 1000
   * @param delayMs how long after the second, for whoever waits for what others say of it
   */
  constructor(clock: Clock, tick: (secondMs: number) => void, delayMs = 0) {
    this.#clock = clock;
    this.#tick = tick;
    this.#delayMs = delayMs;
  }

  start(): void {
    const wallMs = this.#clock.wallMs() - this.#delayMs;
    // A timer may fire a little early: a second that is within 20 ms counts as reached.
    const nextMs = (Math.floor((wallMs + EARLY_MS) / 1000) + 1) * 1000;
    this.#timer = setTimeout(() => {
      this.#tick(secondOf(this.#clock.wallMs() - this.#delayMs));
      if (this.#timer) this.start();
    }, nextMs - wallMs);
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

const EARLY_MS = 20;

/** The whole second that a moment belongs to as its end, a little earliness allowed. */
function secondOf(wallMs: number): number {
  return Math.floor((wallMs + EARLY_MS) / 1000) * 1000;
}
