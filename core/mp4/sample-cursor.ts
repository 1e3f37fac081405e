import { read32, readSigned32 } from './box.ts';
import {
  NOT_KEY,
  RUN_COMPOSITION,
  RUN_DURATION,
  RUN_FLAGS,
  RUN_SIZE,
  type Run,
  rowBytes,
} from './fragment.ts';

/**
 * Walks through the samples of a fragment's runs, reading each from its run's table when its turn comes: no list of
 * samples is made.
 */
export class SampleCursor {
  #moof: Uint8Array = EMPTY;
  #runs: readonly Run[] = [];
  #runIndex = 0;
  #sampleIndex = 0;
  #row = 0;
  #stride = 0;
  #decodeTicks = 0;
  #durationTicks = 0;

  /** The present sample; null: there is none (left). */
  run: Run | null = null;
  offset = 0;
  bytes = 0;
  ptsMs = 0;
  dtsMs = 0;
  key = false;

  /** `moof` holds the tables of `runs`, and must stay as it is until the last sample. */
  begin(moof: Uint8Array, runs: readonly Run[]): void {
    this.#moof = moof;
    this.#runs = runs;
    this.#runIndex = -1;
    this.#nextRun();
  }

  clear(): void {
    this.run = null;
    this.#runs = [];
  }

  next(): void {
    if (this.run === null) return;
    if (++this.#sampleIndex === this.run.count) {
      this.#nextRun();
      return;
    }
    this.#row += this.#stride;
    this.offset += this.bytes;
    this.#decodeTicks += this.#durationTicks;
    this.#read(this.run);
  }

  #nextRun(): void {
    do this.#runIndex++;
    while (this.#runs[this.#runIndex]?.count === 0);
    const run = this.#runs[this.#runIndex];
    if (run === undefined) {
      this.clear();
      return;
    }
    this.run = run;
    this.#sampleIndex = 0;
    this.#row = run.table;
    this.#stride = rowBytes(run.flags);
    this.offset = run.offset;
    this.#decodeTicks = run.decodeTicks;
    this.#read(run);
  }

  #read(run: Run): void {
    const { flags, defaults, movieTrack } = run;
    const moof = this.#moof;
    let at = this.#row;
    this.#durationTicks = defaults.duration;
    this.bytes = defaults.bytes;
    let sampleFlags = this.#sampleIndex === 0 ? (run.firstFlags ?? defaults.flags) : defaults.flags;
    let compositionTicks = 0;
    if (flags & RUN_DURATION) {
      this.#durationTicks = read32(moof, at);
      at += 4;
    }
    if (flags & RUN_SIZE) {
      this.bytes = read32(moof, at);
      at += 4;
    }
    if (flags & RUN_FLAGS) {
      sampleFlags = read32(moof, at);
      at += 4;
    }
    // 8.8.8.1: unsigned in version 0; but nobody composes for 13 hours, and some writers put negative ones there.
    if (flags & RUN_COMPOSITION) compositionTicks = readSigned32(moof, at);
    const decodeTicks = this.#decodeTicks - movieTrack.editTicks;
    this.dtsMs = (decodeTicks * 1000) / movieTrack.timescale;
    this.ptsMs = ((decodeTicks + compositionTicks) * 1000) / movieTrack.timescale;
    this.key = movieTrack.track.kind === 'audio' || (sampleFlags & NOT_KEY) === 0;
  }
}

const EMPTY = new Uint8Array(0);
