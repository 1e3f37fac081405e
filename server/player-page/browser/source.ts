import type { Stamp } from '../../../core/stamp/stamp.ts';

/** What a player library tells the page. */
export interface SourceEvents {
  /** A stamped frame, and when it is shown on the video element's timeline. */
  stamp(mediaMs: number, stamp: Stamp): void;
  /** It cannot go on: why, as a sentence. */
  failed(sentence: string): void;
  /** The publisher has gone. */
  ended(): void;
}

/** A stream that a player library feeds into the video element. */
export interface Source {
  /** Null: not known yet. */
  bitsPerSecond(): number | null;
  /** Where on the timeline "now" is; null: not known. */
  liveSeconds(): number | null;
  stop(): void;
}
