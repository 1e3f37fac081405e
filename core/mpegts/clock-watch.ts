import { TICKS_PER_MS, ticksBetween } from './ticks.ts';
import type { TsViolation } from './violation.ts';

/** TR 101 290, 1.3.a and 1.5.a: PAT and PMT at least every 500 ms. */
export const DEFAULT_MAX_TABLE_GAP_MS = 500;
/** A larger step of the clock is a jump, and says nothing of how long a table has not come. */
const MAX_STEP_TICKS = 1_000 * TICKS_PER_MS;
/** TR 101 290, 2.3: PCR at least every 100 ms. */
const MAX_PCR_GAP_TICKS = 100 * TICKS_PER_MS;

/**
 * Watches how often PCR, PAT and PMT come, on the stream's own clock: a segment arrives in one piece, so the time of
 * arrival says nothing.
 */
export class ClockWatch {
  readonly #violation: (reason: TsViolation) => void;
  readonly #maxTableGapTicks: number;
  #lastPcr = Number.NaN;
  #elapsedTicks = 0;
  #patTicks = Number.NaN;
  #pmtTicks = Number.NaN;

  constructor(violation: (reason: TsViolation) => void, maxTableGapMs: number) {
    this.#violation = violation;
    this.#maxTableGapTicks = maxTableGapMs * TICKS_PER_MS;
  }

  reset(): void {
    this.#lastPcr = Number.NaN;
    this.#patTicks = Number.NaN;
    this.#pmtTicks = Number.NaN;
  }

  pat(): void {
    this.#patTicks = this.#elapsedTicks;
  }

  pmt(): void {
    this.#pmtTicks = this.#elapsedTicks;
  }

  /** `mayJump`: the packet says that its clock is another one (discontinuity_indicator, 2.4.3.5). */
  pcr(ticks: number, mayJump: boolean): void {
    const step = ticksBetween(this.#lastPcr, ticks);
    this.#lastPcr = ticks;
    if (mayJump || Number.isNaN(step)) return;
    if (step > MAX_PCR_GAP_TICKS || step < 0) this.#violation('pcr-gap');
    if (step < 0 || step > MAX_STEP_TICKS) return;
    this.#elapsedTicks += step;
    // Told once per gap: not again until the table has come.
    if (this.#elapsedTicks - this.#patTicks > this.#maxTableGapTicks) {
      this.#violation('pat-gap');
      this.#patTicks = Number.NaN;
    }
    if (this.#elapsedTicks - this.#pmtTicks > this.#maxTableGapTicks) {
      this.#violation('pmt-gap');
      this.#pmtTicks = Number.NaN;
    }
  }
}
