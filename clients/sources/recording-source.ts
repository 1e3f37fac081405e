import type { Clock } from '../../core/clock.ts';
import { type Entry, type Recording, stampedPieces } from './recording.ts';
import type { Source, SourceFigures, SourceSink, SourceTag } from './source.ts';
import type { TimeWheel } from './time-wheel.ts';

export interface RecordingSourceOptions {
  readonly recording: Recording;
  /** Number in the stamps: different for each publisher of a run. */
  readonly publisher: number;
  readonly clock: Clock;
  /** Shared by all sources of the thread. */
  readonly wheel: TimeWheel;
  /** How far into the recording to begin, so that a thousand publishers do not send their key frames at once. Default 0. */
  readonly phaseMs?: number;
}

/** After a longer pause of this process (suspended, starved) what was missed is skipped, not sent in one burst. */
const MAX_CATCH_UP_MS = 2_000;

/**
 * A recording replayed as a live stream: timestamps are continuous over the loops, and each picture's capture time is
 * the moment at which it is due.
 */
export class RecordingSource implements Source {
  readonly description: string;
  readonly #options: RecordingSourceOptions;
  readonly #figures = { encodedFrames: null, skippedFrames: 0 };
  readonly #due: SourceTag[] = [];
  #out: SourceSink | null = null;
  /** Monotonic time at which timestamp 0 was due. */
  #startMs = 0;
  #next = 0;
  /** Media time of the beginning of the current loop. */
  #loopStartMs = 0;
  #frame = 0;

  constructor(options: RecordingSourceOptions) {
    const { recording, phaseMs = 0 } = options;
    this.#options = options;
    const bps = (recording.bytes * 8_000) / recording.loopMs;
    this.description = `recording of ${(recording.loopMs / 1_000).toFixed(1)} s, ${Math.round(bps / 1_000)} kbit/s`;
    const intoMs = phaseMs % recording.loopMs;
    // Begins at the first key frame from there on (or at the top), at timestamp 0.
    const at = recording.entries.findIndex(
      ({ kind, timestampMs }) => kind !== 'inter' && kind !== 'audio' && timestampMs >= intoMs,
    );
    this.#next = Math.max(0, at);
    this.#loopStartMs = -(recording.entries[this.#next]?.timestampMs ?? 0);
  }

  get figures(): SourceFigures {
    return this.#figures;
  }

  start(out: SourceSink): void {
    this.#out = out;
    this.#startMs = this.#options.clock.nowMs();
    out.tags(this.#options.recording.headers);
    this.#wait();
  }

  async stop(): Promise<void> {
    this.#out = null;
    this.#options.wheel.remove(this.#turn);
  }

  readonly #turn = (nowMs: number, wallMs: number): void => {
    if (this.#out === null) return;
    const behindMs = nowMs - this.#startMs - this.#nextDueMs();
    if (behindMs > MAX_CATCH_UP_MS) this.#skip(behindMs);
    const { entries, loopMs } = this.#options.recording;
    for (;;) {
      const timestampMs = this.#nextDueMs();
      const dueMs = this.#startMs + timestampMs;
      if (dueMs > nowMs) break;
      this.#due.push(this.#tag(entries[this.#next]!, timestampMs >>> 0, wallMs - (nowMs - dueMs)));
      this.#next += 1;
      if (this.#next === entries.length) {
        this.#next = 0;
        this.#loopStartMs += loopMs;
      }
    }
    if (this.#due.length > 0) this.#out.tags(this.#due);
    this.#due.length = 0;
    // The publisher may have stopped it.
    if (this.#out !== null) this.#wait();
  };

  /** The picture was made when it was due: what passes until it is sent is delay, as with a camera. */
  #tag(entry: Entry, timestampMs: number, captureMs: number): SourceTag {
    const { type, kind } = entry;
    if (entry.stamp === null) return { type, kind, timestampMs, pieces: [entry.body] };
    const captureUs = Math.round(captureMs * 1_000);
    const pieces = stampedPieces(entry, this.#options.publisher, this.#frame, captureUs);
    // A number that no stamp carries would be missed by viewers.
    this.#frame = (this.#frame + 1) >>> 0;
    return { type, kind, timestampMs, pieces, captureMs };
  }

  #wait(): void {
    const { recording, wheel } = this.#options;
    wheel.at(this.#startMs + this.#loopStartMs + recording.sendMs[this.#next]!, this.#turn);
  }

  #nextDueMs(): number {
    return this.#loopStartMs + this.#options.recording.entries[this.#next]!.timestampMs;
  }

  /** The media that should have been sent meanwhile is lost; timestamps go on without a gap. */
  #skip(behindMs: number): void {
    const { frames, loopMs } = this.#options.recording;
    this.#figures.skippedFrames += Math.round((behindMs / loopMs) * frames);
    this.#startMs += behindMs;
  }
}
