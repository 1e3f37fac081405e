import type { SessionMeter } from '../core/player/session-meter.ts';
import type { SessionProgress, ViewerObserver } from './viewer.ts';

/** Tells an observer what a session has added since it was last told. */
export class ProgressReport {
  readonly #told = noProgress();

  /** Written out field by field: 2,000 viewers do this once a second, and names that are values cost ten times as much. */
  tell(
    observer: ViewerObserver,
    meter: SessionMeter,
    watchedMs: number,
    bytesReceived: number,
    framesMissing: number,
  ): void {
    const told = this.#told;
    const { playingMs, stallMs, mediaBytes, mediaMs, frames } = meter;
    increment.watchedMs = watchedMs - told.watchedMs;
    told.watchedMs = watchedMs;
    increment.playingMs = playingMs - told.playingMs;
    told.playingMs = playingMs;
    increment.stallMs = stallMs - told.stallMs;
    told.stallMs = stallMs;
    increment.bytesReceived = bytesReceived - told.bytesReceived;
    told.bytesReceived = bytesReceived;
    increment.mediaBytes = mediaBytes - told.mediaBytes;
    told.mediaBytes = mediaBytes;
    increment.mediaMs = mediaMs - told.mediaMs;
    told.mediaMs = mediaMs;
    increment.frames = frames - told.frames;
    told.frames = frames;
    increment.framesMissing = framesMissing - told.framesMissing;
    told.framesMissing = framesMissing;
    observer.progress(increment);
  }
}

/** Increments of a session of which nothing was watched. */
export function noProgress(): SessionProgress {
  return {
    watchedMs: 0,
    playingMs: 0,
    stallMs: 0,
    bytesReceived: 0,
    mediaBytes: 0,
    mediaMs: 0,
    frames: 0,
    framesMissing: 0,
  };
}

/** Handed to all observers of this thread, and filled anew for each call. */
const increment = noProgress();
