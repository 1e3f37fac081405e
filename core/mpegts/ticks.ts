/** PTS, DTS and the base of PCR count 90,000 to the second in 33 bits (ISO/IEC 13818-1, 2.4.3.7): 26.5 hours. */
export const TICKS_PER_MS = 90;
export const TICKS_WRAP = 2 ** 33;

/** 33 bits in the layout of PTS and DTS: 3, 15 and 15 bits, each with a marker bit behind it. */
export function readTimestamp(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! >> 1) & 7) * 2 ** 30 +
    ((bytes[at + 1]! << 22) | ((bytes[at + 2]! >> 1) << 15) | (bytes[at + 3]! << 7) | (bytes[at + 4]! >> 1))
  );
}

/** program_clock_reference_base (2.4.3.5); the 300 steps between two ticks are left out. */
export function readClockReference(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0) * 2 +
    (bytes[at + 4]! >> 7)
  );
}

/** How far `to` is from `from` on the circle, the shorter way: −2³² to 2³² − 1. */
export function ticksBetween(from: number, to: number): number {
  // Nearly always; two divisions with remainder per packet would show.
  const step = to - from;
  if (step >= -TICKS_WRAP / 2 && step < TICKS_WRAP / 2) return step;
  const ahead = ((step % TICKS_WRAP) + TICKS_WRAP) % TICKS_WRAP;
  return ahead < TICKS_WRAP / 2 ? ahead : ahead - TICKS_WRAP;
}

/** Unrolls the 33-bit clock that the streams of a program share, so that all of them wrap together. */
export class Unroller {
  #last = Number.NaN;

  /** The next time begins anew, wherever it is. */
  reset(): void {
    this.#last = Number.NaN;
  }

  /** `raw` as ticks on a line that goes on beyond 33 bits; the first is as it is. */
  place(raw: number): number {
    this.#last = Number.isNaN(this.#last) ? raw : this.#last + ticksBetween(this.#last, raw);
    return this.#last;
  }
}

/** Milliseconds as ticks of 33 bits. */
export function ticksOf(ms: number): number {
  const ticks = Math.round(ms * TICKS_PER_MS) % TICKS_WRAP;
  return ticks < 0 ? ticks + TICKS_WRAP : ticks;
}

/** `ticks` in the layout that `readTimestamp` reads; `prefix` are the four bits before: 2 a PTS alone, 3 a PTS, 1 its DTS. */
export function writeTimestamp(bytes: Uint8Array, at: number, prefix: number, ticks: number): void {
  const high = Math.floor(ticks / 2 ** 30);
  const low = ticks % 2 ** 30;
  bytes[at] = (prefix << 4) | (high << 1) | 1;
  bytes[at + 1] = low >> 22;
  bytes[at + 2] = ((low >> 14) & 0xfe) | 1;
  bytes[at + 3] = low >> 7;
  bytes[at + 4] = ((low << 1) & 0xfe) | 1;
}

/** What `readClockReference` reads, and the nine bits behind it as zero: 6 bytes. */
export function writeClockReference(bytes: Uint8Array, at: number, ticks: number): void {
  const high = Math.floor(ticks / 2);
  bytes[at] = high >>> 24;
  bytes[at + 1] = high >>> 16;
  bytes[at + 2] = high >>> 8;
  bytes[at + 3] = high;
  bytes[at + 4] = ((ticks % 2) << 7) | 0x7e;
  bytes[at + 5] = 0;
}
