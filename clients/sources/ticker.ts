import type { Clock } from '../../core/clock.ts';

/** How often sources look whether something is due: well below a frame interval, rare enough to cost nothing. */
export const TICK_MS = 20;

/** Called with the clock's monotonic time. */
export type OnTick = (nowMs: number) => void;

/** One timer for all paced sources of a thread; it runs only while somebody listens. */
export class Ticker {
  readonly #clock: Clock;
  readonly #listeners = new Set<OnTick>();
  #timer: NodeJS.Timeout | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(onTick: OnTick): void {
    this.#listeners.add(onTick);
    this.#timer ??= setInterval(() => {
      const nowMs = this.#clock.nowMs();
      for (const listener of this.#listeners) listener(nowMs);
    }, TICK_MS);
  }

  remove(onTick: OnTick): void {
    this.#listeners.delete(onTick);
    if (this.#listeners.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
