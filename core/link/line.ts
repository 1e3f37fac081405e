import { chanceAt } from './chance.ts';
import type { Cuts } from './cuts.ts';
import type { LinkTrace } from './profile.ts';

/** One direction of a link. */
export interface LineShape {
  /** Bits per second; `null`: as fast as the machine. */
  readonly bps: number | null;
  /** Instead of `bps`. */
  readonly trace: LinkTrace | null;
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Which comes first. Bandwidth and cuts are the viewer's last mile: down it is behind the long way, up before it. */
  readonly first: 'delay' | 'bandwidth';
}

/**
 * The burst of the token bucket: a line that was idle carries at once what it would have carried in so long.
 * Small, so that no frame comes sooner than a real line would bring it; and long enough that a thread which looks at
 * its connections a little late loses nothing of the bandwidth.
 */
export const BURST_MS = 20;
/** A line with more than this to carry takes nothing more from its sender, … */
const FULL_MS = 60;
/** … and takes more again when it has less than this. Busy lines are so never idle in between. */
const READY_MS = 40;
/** The delay changes this often. */
const JITTER_EVERY_MS = 20;
/** How much is read at once: what the line carries in so long, within bounds. */
const READ_MS = 10;
const MIN_READ_BYTES = 512;
const MAX_READ_BYTES = 64 * 1024;

/**
 * One direction of one viewer's link, as a pure function of time: bytes go in when they are there, and it says when
 * the last of them comes out.
 *
 *     down: in ── delay ± jitter ──► token bucket, cuts ──► out        (the last mile is at the viewer)
 *     up:   in ── token bucket, cuts ──► delay ± jitter ──► out
 *
 * Times are absolute and are worked out when bytes go in, so that late timers delay single pieces but never add up.
 * Order is always kept, as TCP keeps it. All `…Ms` are of the caller's clock.
 */
export class Line {
  readonly #shape: LineShape;
  readonly #cuts: Cuts;
  readonly #startMs: number;
  readonly #seed: number;
  /** When the bucket has tokens again for the next byte. */
  #freeMs = Number.NEGATIVE_INFINITY;
  /** What went in last comes out then; nothing after it may be sooner. */
  #outMs = Number.NEGATIVE_INFINITY;

  constructor(shape: LineShape, cuts: Cuts, startMs: number, seed: number) {
    this.#shape = shape;
    this.#cuts = cuts;
    this.#startMs = startMs;
    this.#seed = seed;
  }

  /** When the last of so many bytes comes out that go in now. */
  pass(nowMs: number, bytes: number): number {
    const outMs =
      this.#shape.first === 'delay'
        ? this.#carry(this.#delayed(nowMs), bytes)
        : this.#delayed(this.#carry(nowMs, bytes));
    this.#outMs = Math.max(this.#outMs, outMs);
    return this.#outMs;
  }

  /** When a packet without content comes out that goes in at `ms` (of a handshake, or the end): it waits in line, and weighs nothing. */
  cross(ms: number): number {
    if (this.#shape.first === 'delay') return this.#clear(Math.max(this.#delayed(ms), this.#freeMs));
    return this.#delayed(this.#clear(Math.max(ms, this.#freeMs)));
  }

  /** Whether the sender must wait. Bytes that are under way (delay) do not press back. */
  full(nowMs: number): boolean {
    return this.#aheadMs(nowMs) > FULL_MS;
  }

  /** The moment from which on the sender may go on that had to wait. */
  readyMs(nowMs: number): number {
    return nowMs + Math.max(0, this.#aheadMs(nowMs) - READY_MS);
  }

  /** How many bytes to take at once now: a power of two. More would come out in lumps, less costs more. */
  readBytes(nowMs: number): number {
    const { bps, trace } = this.#shape;
    const rate = trace === null ? bps : trace.bps[stepAt(trace, nowMs - this.#startMs)]!;
    if (rate === null) return MAX_READ_BYTES;
    const wanted = Math.min(MAX_READ_BYTES, Math.max(MIN_READ_BYTES, (rate / 8_000) * READ_MS));
    return 2 ** Math.floor(Math.log2(wanted));
  }

  #aheadMs(nowMs: number): number {
    const { first, delayMs, jitterMs } = this.#shape;
    return this.#freeMs - (first === 'delay' ? nowMs + delayMs + jitterMs : nowMs);
  }

  /** Through token bucket and cuts: when the last of the bytes is through that are all there at `atMs`. */
  #carry(atMs: number, bytes: number): number {
    const sinceStartMs = Math.max(this.#freeMs, atMs - BURST_MS) - this.#startMs;
    const throughMs = this.#startMs + this.#carriedMs(sinceStartMs, bytes);
    const outMs = this.#clear(Math.max(atMs, throughMs));
    // Where there is no limit to fill the line, what waits for the end of a cut still presses back.
    this.#freeMs = this.#limited ? throughMs : outMs;
    return outMs;
  }

  get #limited(): boolean {
    return this.#shape.bps !== null || this.#shape.trace !== null;
  }

  /** Walks from step to step and from cut to cut until the bytes are carried. Times since the session's start. */
  #carriedMs(fromMs: number, bytes: number): number {
    const { bps, trace } = this.#shape;
    let atMs = this.#cuts.clear(fromMs);
    if (!this.#limited) return atMs;
    let bits = bytes * 8;
    for (;;) {
      const cutMs = this.#cuts.next(atMs)?.startMs ?? Number.POSITIVE_INFINITY;
      const step = trace === null ? 0 : stepAt(trace, atMs);
      const stepEndMs = trace === null ? Number.POSITIVE_INFINITY : stepEnd(trace, step, atMs);
      const rate = (trace === null ? bps! : trace.bps[step]!) / 1_000;
      const endMs = Math.min(cutMs, stepEndMs);
      if (bits <= (endMs - atMs) * rate) return atMs + bits / rate;
      bits -= (endMs - atMs) * rate;
      atMs = this.#cuts.clear(endMs);
    }
  }

  #clear(ms: number): number {
    return this.#startMs + this.#cuts.clear(ms - this.#startMs);
  }

  #delayed(ms: number): number {
    const { delayMs, jitterMs } = this.#shape;
    if (jitterMs === 0) return ms + delayMs;
    const slot = Math.floor((ms - this.#startMs) / JITTER_EVERY_MS);
    return ms + delayMs + (2 * chanceAt(this.#seed, slot) - 1) * jitterMs;
  }
}

/** The step that holds at `ms` since the start: by halves, because traces have thousands. */
function stepAt({ startsMs, periodMs }: LinkTrace, ms: number): number {
  const inPeriodMs = timeInPeriod(ms, periodMs);
  let low = 0;
  let high = startsMs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (startsMs[middle]! <= inPeriodMs) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** When the step that holds at `ms` ends: always later than `ms`, whatever rounding does. */
function stepEnd({ startsMs, periodMs }: LinkTrace, step: number, ms: number): number {
  const endInPeriodMs = startsMs[step + 1] ?? periodMs;
  const endMs = ms - timeInPeriod(ms, periodMs) + endInPeriodMs;
  return endMs > ms ? endMs : ms + 1e-6;
}

function timeInPeriod(ms: number, periodMs: number): number {
  return ((ms % periodMs) + periodMs) % periodMs;
}
