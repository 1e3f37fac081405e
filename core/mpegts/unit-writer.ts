import type { AccessUnitSink, MediaTrack } from '../access-unit.ts';
import { ProtocolError } from '../media.ts';
import { TICKS_PER_MS } from './ticks.ts';

/**
 * Decides from its head whether a unit is a key picture; null: not from this much of it, so what the container says counts. `toSlice`:
 * only if a slice begins in there.
 */
export type KeyOf = (bytes: Uint8Array, start: number, end: number, toSlice: boolean) => boolean | null;

/**
 * Hands the units of one track to the sink: the head in one piece, from where it lies if it does lie in one, else from
 * a scratch that grows as bytes come in. What follows the head is only counted.
 */
export class UnitWriter {
  readonly #sink: AccessUnitSink;
  readonly #track: MediaTrack;
  readonly #headBytes: number;
  readonly #maxUnitBytes: number;
  readonly #keyOf: KeyOf | null;
  readonly #endsAtSlice: boolean;
  #scratch = EMPTY;
  #held = 0;
  #bytes = 0;
  #wanted = 0;
  #headGiven = false;
  #ptsTicks = 0;
  #dtsTicks = 0;
  #marked = false;
  isOpen = false;

  /** `keyOf` null: all units are key. `endsAtSlice`: a first piece in which a slice begins is enough of a head. */
  constructor(
    sink: AccessUnitSink,
    track: MediaTrack,
    headBytes: number,
    maxUnitBytes: number,
    keyOf: KeyOf | null,
    endsAtSlice = false,
  ) {
    this.#sink = sink;
    this.#track = track;
    this.#headBytes = headBytes;
    this.#maxUnitBytes = maxUnitBytes;
    this.#keyOf = keyOf;
    this.#endsAtSlice = endsAtSlice;
  }

  /** `unitBytes` is infinite where the length shows only at the end. */
  begin(ptsTicks: number, dtsTicks: number, marked: boolean, unitBytes: number): void {
    this.isOpen = true;
    this.#ptsTicks = ptsTicks;
    this.#dtsTicks = dtsTicks;
    this.#marked = marked;
    this.#held = 0;
    this.#bytes = 0;
    this.#headGiven = false;
    this.#wanted = Math.min(this.#headBytes, unitBytes);
    if (this.#wanted === 0) this.#giveHead(EMPTY, 0, 0);
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes += end - start;
    if (this.#bytes > this.#maxUnitBytes) {
      throw new ProtocolError(
        'TS_UNIT_TOO_LARGE',
        `expected an access unit of at most ${this.#maxUnitBytes} bytes, got a longer one`,
      );
    }
    if (this.#headGiven || end === start) return;
    const missing = this.#wanted - this.#held;
    if (this.#held === 0 && end - start >= missing) {
      this.#giveHead(bytes, start, start + missing);
      return;
    }
    if (this.#held === 0 && this.#endsAtSlice && this.#keyOf !== null) {
      const key = this.#keyOf(bytes, start, end, true);
      if (key !== null) {
        this.#giveHeadOf(key, bytes, start, end);
        return;
      }
    }
    this.#hold(bytes, start, Math.min(end, start + missing));
    if (this.#held === this.#wanted) this.#giveHead(this.#scratch, 0, this.#held);
  }

  finish(): void {
    if (!this.isOpen) return;
    if (!this.#headGiven) this.#giveHead(this.#scratch, 0, this.#held);
    this.isOpen = false;
    this.#sink.end(this.#track, this.#bytes);
  }

  #giveHead(bytes: Uint8Array, start: number, end: number): void {
    const key = this.#keyOf === null || (this.#keyOf(bytes, start, end, false) ?? this.#marked);
    this.#giveHeadOf(key, bytes, start, end);
  }

  #giveHeadOf(key: boolean, bytes: Uint8Array, start: number, end: number): void {
    this.#headGiven = true;
    const ptsMs = this.#ptsTicks / TICKS_PER_MS;
    this.#sink.head(this.#track, ptsMs, this.#dtsTicks / TICKS_PER_MS, key, bytes, start, end);
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#held + end - start;
    if (this.#scratch.length < needed) {
      const scratch = new Uint8Array(Math.max(needed, Math.min(this.#wanted, this.#scratch.length * 2), 256));
      scratch.set(this.#scratch.subarray(0, this.#held));
      this.#scratch = scratch;
    }
    // By hand: a view of each packet would cost more than copying it does.
    const scratch = this.#scratch;
    for (let from = start, to = this.#held; from < end; ) scratch[to++] = bytes[from++]!;
    this.#held = needed;
  }
}

const EMPTY = new Uint8Array(0);
