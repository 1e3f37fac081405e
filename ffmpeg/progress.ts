/** What one block of `-progress` says: once a second, and once at the end. Counters are since ffmpeg's start. */
export interface FfmpegProgress {
  /** Pictures written by the first video output. */
  readonly frames: number;
  /** Pictures per second since the start, as ffmpeg averages it. */
  readonly fps: number;
  /** How far the output has come in media time, from its own beginning; null before the first packet. */
  readonly outTimeMs: number | null;
  readonly droppedFrames: number;
  readonly duplicatedFrames: number;
  /** The last block: ffmpeg ends. */
  readonly end: boolean;
}

/** A line of ffmpeg's is short; more without a line end is not ffmpeg's. */
const MAX_LINE_CHARS = 4_096;

/** Reads what `-progress` writes (`key=value` lines; `progress=` ends a block), piece by piece. */
export class ProgressReader {
  readonly #tell: (progress: FfmpegProgress) => void;
  #rest = '';
  #values = new Map<string, string>();

  constructor(tell: (progress: FfmpegProgress) => void) {
    this.#tell = tell;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-MAX_LINE_CHARS);
    for (const line of lines) {
      const mark = line.indexOf('=');
      if (mark <= 0) continue;
      const key = line.slice(0, mark);
      const value = line.slice(mark + 1).trim();
      if (key === 'progress') this.#endBlock(value === 'end');
      // `stream_0_0_q` and the like: bounded by what one block of any ffmpeg has.
      else if (this.#values.size < 256) this.#values.set(key, value);
    }
  }

  #endBlock(end: boolean): void {
    const values = this.#values;
    this.#values = new Map();
    const number = (key: string) => {
      const value = Number.parseFloat(values.get(key) ?? '');
      return Number.isFinite(value) ? value : null;
    };
    // `out_time_ms` is in microseconds, too (ffmpeg's ticket 7345); before the first packet it is N/A, or very negative.
    const outTimeUs = number('out_time_us');
    this.#tell({
      frames: number('frame') ?? 0,
      fps: number('fps') ?? 0,
      outTimeMs: outTimeUs === null || outTimeUs < 0 ? null : outTimeUs / 1_000,
      droppedFrames: number('drop_frames') ?? 0,
      duplicatedFrames: number('dup_frames') ?? 0,
      end,
    });
  }
}
