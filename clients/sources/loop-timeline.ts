import { TAG_AUDIO, TAG_SCRIPT } from '../../core/media.ts';
import type { KnownTag } from './flv-tags.ts';

/** A tag with its time on the timeline that runs over all passes; a fraction, so that nothing adds up. */
export interface TimedTag {
  readonly tag: KnownTag;
  readonly timeMs: number;
}

/** A longer gap between two pictures is taken for the end of the picture; no sound is kept for what comes after. */
const MAX_HELD_MS = 10_000;

/**
 * Lays the passes of a looped file end to end, with no gap and no step back.
 *
 *     video  ├──┼──┼──┼──┼──┼──┤├──┼──┼──┼──         a pass lasts as long as its pictures do, the last one
 *     audio  ├─┼─┼─┼─┼─┼─┼─┼─┼─┤├─┼─┼─┼─┼─┼─         included; what sound goes beyond that is left out
 *
 * Sound is held until the next picture shows that the pass goes on, because its end is known only then. Everything
 * before the first key frame of a pass is left out: no decoder could show it.
 */
export class LoopTimeline {
  readonly #hasVideo: boolean;
  readonly #out: (timed: TimedTag) => void;
  readonly #held: TimedTag[] = [];
  /** Where the current pass begins on the timeline. */
  #passStartMs = 0;
  #isFirstPass = true;
  /** Timestamp of the first frame in the current pass, null before it. */
  #originMs: number | null = null;
  #lastMs = 0;
  #frames = 0;
  /**
   * How long after the first picture is due to be decoded sound begins: with B-frames that is some frames earlier
   * than it is due to be shown, and sound goes by the latter.
   */
  #soundStartMs: number | null = null;

  constructor(hasVideo: boolean, out: (timed: TimedTag) => void) {
    this.#hasVideo = hasVideo;
    this.#out = out;
  }

  take(tag: KnownTag): void {
    if (tag.type === TAG_SCRIPT || tag.kind === 'video-config' || tag.kind === 'audio-config') {
      // The same file says the same in each pass.
      if (this.#isFirstPass) this.#out({ tag, timeMs: 0 });
      return;
    }
    const paces = this.#hasVideo ? tag.type !== TAG_AUDIO : true;
    if (this.#originMs === null) {
      if (!paces || tag.kind === 'inter') return;
      this.#originMs = tag.timestampMs;
    }
    const intoMs = tag.timestampMs - this.#originMs;
    if (intoMs < 0) return;
    const timed = { tag, timeMs: this.#passStartMs + intoMs };
    if (!paces) {
      this.#soundStartMs ??= intoMs;
      if (intoMs - this.#lastMs <= MAX_HELD_MS) this.#held.push(timed);
      return;
    }
    this.#release(timed.timeMs);
    this.#lastMs = intoMs;
    this.#frames += 1;
    this.#out(timed);
  }

  /**
   * The pass has ended; the next tag is of the next one. Gives the length of the pass, 0 if it had fewer than two
   * frames: then it cannot be looped.
   */
  endPass(): number {
    // The mean distance, because FLV has rounded each one to milliseconds.
    const passMs = this.#frames > 1 ? (this.#lastMs * this.#frames) / (this.#frames - 1) : 0;
    this.#passStartMs += passMs;
    // What is left goes out among the pictures of the next pass, as far as its own sound does not take the place.
    const soundEndMs = this.#passStartMs + (this.#soundStartMs ?? 0);
    const kept = this.#held.findIndex(({ timeMs }) => timeMs >= soundEndMs);
    if (kept >= 0) this.#held.length = kept;
    this.#isFirstPass = false;
    this.#originMs = null;
    this.#lastMs = 0;
    this.#frames = 0;
    return passMs;
  }

  /** Lets go of the sound before `untilMs`. */
  #release(untilMs: number): void {
    let gone = 0;
    while (gone < this.#held.length && this.#held[gone]!.timeMs < untilMs) this.#out(this.#held[gone++]!);
    this.#held.splice(0, gone);
  }
}
