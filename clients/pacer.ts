import type { Clock } from '../core/clock.ts';
import { systemClock } from './system-clock.ts';

/** Something that wants to be woken. It stands in one slot at a time, which the pacer keeps in it. */
export interface Paced {
  wake(nowMs: number): void;
  /** The pacer's own: in which slot it stands; `null`: in none. */
  slot: number | null;
}

/** What is due is seen to this often; nothing comes sooner than its time, and so much later at most. */
const TICK_MS = 4;
/** A power of two. What is due beyond the wheel's 2 s is woken once a turn and asks again. */
const SLOTS = 512;

export type StartTimer = (callback: () => void, ms: number) => { clear(): void };

/**
 * One timer for all links of a thread: a wheel of slots of 4 ms each, in which those stand who wait.
 *
 *     now ─► [ ][a b][ ][ ][c][ ] … 512 slots        setting, moving and taking out: O(1)
 *
 * There is a timer only while somebody waits, for the first slot with anybody in it. So a thousand linked viewers
 * cost at most 250 timers a second together, and one that waits for nothing costs nothing.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #startTimer: StartTimer;
  readonly #slots: Set<Paced>[] = Array.from({ length: SLOTS }, () => new Set<Paced>());
  #spare = new Set<Paced>();
  /** The slot that is being woken now. */
  #waking: Set<Paced> | null = null;
  #running = false;
  /** All slots up to this tick have been seen to. */
  #tick: number;
  #waiting = 0;
  #timer: { clear(): void } | null = null;
  #timerTick = Number.POSITIVE_INFINITY;

  constructor(clock: Clock = systemClock, startTimer: StartTimer = realTimer) {
    this.#clock = clock;
    this.#startTimer = startTimer;
    this.#tick = this.#now();
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** Wakes it once, not before `ms`; what was agreed before is forgotten. `Infinity`: not at all. */
  at(ms: number, who: Paced): void {
    if (ms === Number.POSITIVE_INFINITY) {
      this.remove(who);
      return;
    }
    // Where nobody waited time has gone on.
    if (this.#waiting === 0 && !this.#running) this.#tick = Math.max(this.#tick, this.#now());
    const tick = Math.min(Math.max(Math.ceil(ms / TICK_MS), this.#tick + 1), this.#tick + SLOTS - 1);
    const slot = tick & (SLOTS - 1);
    if (who.slot !== slot) {
      this.remove(who);
      this.#slots[slot]!.add(who);
      who.slot = slot;
      this.#waiting++;
    }
    if (tick < this.#timerTick && !this.#running) this.#setTimer(tick);
  }

  remove(who: Paced): void {
    if (who.slot === null) return;
    this.#slots[who.slot]!.delete(who);
    this.#waking?.delete(who);
    who.slot = null;
    if (--this.#waiting === 0) this.#dropTimer();
  }

  #run(): void {
    this.#timer = null;
    this.#timerTick = Number.POSITIVE_INFINITY;
    this.#running = true;
    const nowMs = this.nowMs();
    const until = Math.floor(nowMs / TICK_MS);
    // After a long pause of the thread each slot once is enough.
    for (let tick = Math.max(this.#tick + 1, until - SLOTS + 1); tick <= until; tick++) {
      this.#tick = tick;
      this.#wakeSlot(tick & (SLOTS - 1), nowMs);
    }
    this.#tick = Math.max(this.#tick, until);
    this.#running = false;
    this.#setTimerForFirst();
  }

  #wakeSlot(slot: number, nowMs: number): void {
    const due = this.#slots[slot]!;
    if (due.size === 0) return;
    // Whoever is woken may ask for this very slot again, a turn of the wheel later.
    this.#slots[slot] = this.#spare;
    this.#waking = due;
    for (const who of due) {
      who.slot = null;
      this.#waiting--;
      who.wake(nowMs);
    }
    this.#waking = null;
    due.clear();
    this.#spare = due;
  }

  #setTimerForFirst(): void {
    if (this.#waiting === 0) return;
    let tick = this.#tick + 1;
    while (this.#slots[tick & (SLOTS - 1)]!.size === 0) tick++;
    this.#setTimer(tick);
  }

  #setTimer(tick: number): void {
    this.#dropTimer();
    this.#timerTick = tick;
    this.#timer = this.#startTimer(() => this.#run(), Math.max(1, Math.ceil(tick * TICK_MS - this.nowMs())));
  }

  #dropTimer(): void {
    this.#timer?.clear();
    this.#timer = null;
    this.#timerTick = Number.POSITIVE_INFINITY;
  }

  #now(): number {
    return Math.floor(this.nowMs() / TICK_MS);
  }
}

const realTimer: StartTimer = (callback, ms) => {
  const timer = setTimeout(callback, ms);
  return { clear: () => clearTimeout(timer) };
};

let shared: Pacer | undefined;

/** The pacer of this thread. */
export function threadPacer(): Pacer {
  shared ??= new Pacer();
  return shared;
}
