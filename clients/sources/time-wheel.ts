import type { Clock } from '../../core/clock.ts';

/** How finely time is cut: nobody is called earlier than asked, and this much later at most (and the timer's own slack). */
const SLOT_MS = 4;
/** Two seconds around; who asks for a later moment is called then, early, and asks again. */
const SLOTS = 512;

/** Called with the clock's monotonic and wall time of one and the same moment. */
export type OnDue = (nowMs: number, wallMs: number) => void;

/**
 * One timer for all that replays something on a thread: each is called when its next frame is due, and only then, so
 * that a thousand streams cost a thousand calls per frame interval and not one each per tick.
 *
 *     … │ 4 ms │ 4 ms │ 4 ms │ …      who is due when the slot has ended
 *          ▲ now        └ at(due)
 */
export class TimeWheel {
  readonly #clock: Clock;
  readonly #slots: OnDue[][] = Array.from({ length: SLOTS }, () => []);
  #spare: OnDue[] = [];
  #waiting = 0;
  /** Number of the slot that is looked at next, counted from the clock's zero. */
  #next = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls once, at `dueMs` of the monotonic clock or shortly after it. */
  at(dueMs: number, onDue: OnDue): void {
    const nowMs = this.#clock.nowMs();
    if (this.#waiting === 0) this.#next = Math.ceil(nowMs / SLOT_MS);
    const wanted = Math.max(this.#next, Math.ceil(dueMs / SLOT_MS));
    const slot = Math.min(wanted, this.#next + SLOTS - 1);
    this.#slots[slot % SLOTS]!.push(onDue);
    this.#waiting += 1;
    if (this.#timer === null) this.#arm(nowMs);
  }

  /** Takes back what was asked for. */
  remove(onDue: OnDue): void {
    for (const slot of this.#slots) {
      const place = slot.indexOf(onDue);
      if (place < 0) continue;
      slot.splice(place, 1);
      this.#waiting -= 1;
    }
    if (this.#waiting > 0 || this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Calls everybody who is due; for tests, which have no timer, also from outside. */
  turn(): void {
    const nowMs = this.#clock.nowMs();
    const last = Math.floor(nowMs / SLOT_MS);
    // After a pause of this process all slots are due, each once.
    if (last - this.#next >= SLOTS) this.#next = last - SLOTS + 1;
    while (this.#next <= last) {
      const index = this.#next % SLOTS;
      this.#next += 1;
      const due = this.#slots[index]!;
      if (due.length === 0) continue;
      // Who asks again from within goes to another list than the one that is gone through.
      this.#slots[index] = this.#spare;
      this.#waiting -= due.length;
      const wallMs = this.#clock.wallMs();
      for (const onDue of due) onDue(nowMs, wallMs);
      due.length = 0;
      this.#spare = due;
    }
  }

  #arm(nowMs: number): void {
    let slot = this.#next;
    while (this.#slots[slot % SLOTS]!.length === 0) slot += 1;
    this.#timer = setTimeout(this.#fire, slot * SLOT_MS - nowMs);
  }

  readonly #fire = (): void => {
    this.turn();
    this.#timer = null;
    if (this.#waiting > 0) this.#arm(this.#clock.nowMs());
  };
}
