import type { TagType } from '../../core/media.ts';

/** What a tag is to whoever sends it: headers are sent again after a reconnect, which then begins at a key frame. */
export type TagKind = 'metadata' | 'video-config' | 'audio-config' | 'key' | 'inter' | 'audio';

/**
 * One tag on its way to a publisher. Its body is `pieces` one after another, so that a recorded frame is sent with a
 * fresh stamp between two views of the recording and nothing is copied. They may not be changed once handed over.
 */
export interface SourceTag {
  readonly type: TagType;
  readonly kind: TagKind;
  /** Decode time. Continuous over loops of the source. */
  readonly timestampMs: number;
  readonly pieces: readonly Uint8Array[];
  /** Video frames with a stamp: its capture time, wall clock. */
  readonly captureMs?: number;
}

export interface SourceSink {
  /** All tags that are due at one moment, in order: they go out in one write. The array may be reused by the source. */
  tags(due: readonly SourceTag[]): void;
  /** Nothing follows: the source has come to its end, or failed. */
  ended(error: Error | null): void;
}

/** Figures of a source about itself since its start; null where it has no encoder. */
export interface SourceFigures {
  readonly encodedFrames: number | null;
  /** Frames that were due but not made, because the encoder was behind. */
  readonly skippedFrames: number;
}

/** Live media, in real time, for one publisher. */
export interface Source {
  /** For people: `testcard 640×360@25 600 kbit/s`. */
  readonly description: string;
  readonly figures: SourceFigures;
  start(out: SourceSink): void;
  /** Ends it and all that it started; resolves when nothing of it runs any more. May be called twice. */
  stop(): Promise<void>;
}
