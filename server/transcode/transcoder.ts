/**
 * Gives each published stream its ladder of rungs, as streams of the ingest's own:
 *
 *     ingest ──HTTP-FLV──► SourcePull ──stdin──► one ffmpeg ──RTMP──► ingest, as APP/NAME_720p, APP/NAME_audio …
 *
 * Who closes whom: the end of the source, or of our process, ends ffmpeg's stdin, and with it ffmpeg and its rungs.
 */
import { type Logger, pino } from 'pino';
import { signUrl } from '../gate/sign.ts';
import type { StreamEvent } from '../ingest/stats.ts';
import { refuseLadder } from './admission.ts';
import { checkEncoder } from './encoders.ts';
import { Ladder, type LadderOptions } from './ladder.ts';
import { AUDIO_RUNG, isRung, matchesPattern } from './rung-names.ts';
import type { LadderStats, TranscodeStats } from './stats.ts';
import { defaultTranscodeOptions, rungName, type TranscodeOptions } from './transcode-options.ts';

export interface TranscoderOptions extends Partial<TranscodeOptions> {
  /** The ingest's `rtmp://…` and `http://…`, asked at each start of a ladder. */
  readonly ingest: { readonly rtmpUrl: string; readonly httpUrl: string };
  /** The stack's own: what is pulled and pushed is signed with it, and no limit or list is in its way. */
  readonly internalSecret?: string;
  /** The ingest's limit; 8 MiB unless told. */
  readonly maxMessageBytes?: number;
  readonly log?: Logger;
  /** For tests. */
  readonly createLadder?: (options: LadderOptions) => LadderLike;
  readonly nowMs?: () => number;
  readonly epochS?: () => number;
  readonly random?: () => number;
}

/** What the transcoder knows of a ladder. */
export type LadderLike = Pick<
  Ladder,
  'stream' | 'active' | 'strained' | 'restarts' | 'pid' | 'stop' | 'stats'
>;

export interface TranscoderHandle {
  /** Told by the ingest. */
  streamEvent(event: StreamEvent): void;
  /** Of the ffmpegs that run now. */
  readonly pids: readonly number[];
  stats(): TranscodeStats;
  /** Ends all ladders, within a time limit. May be called twice. */
  stop(): Promise<void>;
}

/** A signature is for the next connection only. */
const SIGNED_FOR_S = 60;
/** How often it is looked whether there is room for a ladder that was refused. */
const LOOK_AGAIN_MS = 2_000;
const DEFAULT_MAX_TAG_BYTES = 8 * 1024 * 1024;

/** Starts nothing before a stream is published. Without rungs it never does. */
export function startTranscoder(options: TranscoderOptions): TranscoderHandle {
  return new Transcoder(options);
}

class Transcoder implements TranscoderHandle {
  readonly #given: TranscoderOptions;
  readonly #options: TranscodeOptions;
  readonly #log: Logger;
  readonly #rungNames: readonly string[];
  readonly #ladders = new Map<string, LadderLike>();
  /** Streams that wait for room, with the sentence that says why. */
  readonly #refused = new Map<string, string>();
  /** Ladders on their way out: a stream that comes back waits for its old ffmpeg to be gone. */
  readonly #leaving = new Map<string, Promise<void>>();
  #refusals = 0;
  #pastRestarts = 0;
  #problem: string | null = null;
  #lookAgain: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(given: TranscoderOptions) {
    this.#given = given;
    this.#options = { ...defaultTranscodeOptions, ...given };
    this.#log = given.log ?? pino({ level: 'silent' });
    this.#rungNames = [...this.#options.rungs.map(rungName), AUDIO_RUNG];
    // Said at the start, not only when the first stream comes.
    if (this.#options.rungs.length > 0) void this.#checkEncoder();
  }

  get pids(): readonly number[] {
    return [...this.#ladders.values()].flatMap(({ pid }) => pid ?? []);
  }

  streamEvent({ kind, stream }: StreamEvent): void {
    if (this.#stopped || !this.#concerns(stream)) return;
    if (kind === 'published') void this.#begin(stream);
    else this.#end(stream);
  }

  stats(): TranscodeStats {
    const ladders = [...this.#ladders.values()];
    return {
      encoder: this.#options.encoder,
      problem: this.#problem,
      refused: this.#refusals,
      restarts: ladders.reduce((sum, ladder) => sum + ladder.restarts, this.#pastRestarts),
      ladders: [
        ...ladders.map((ladder) => ladder.stats()),
        ...[...this.#refused].map(([stream, reason]) => refusedStats(stream, reason)),
      ],
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#lookAgain !== null) clearInterval(this.#lookAgain);
    this.#refused.clear();
    for (const stream of [...this.#ladders.keys()]) this.#end(stream);
    await Promise.all(this.#leaving.values());
  }

  #concerns(stream: string): boolean {
    const { rungs, streams } = this.#options;
    return rungs.length > 0 && matchesPattern(stream, streams) && !isRung(stream, this.#rungNames);
  }

  async #begin(stream: string): Promise<void> {
    const leaving = this.#leaving.get(stream);
    if (leaving !== undefined) {
      this.#refused.set(stream, 'its last ladder is ending');
      await leaving;
      // It may have gone again, or been begun by the timer.
      if (!this.#refused.delete(stream)) return;
    }
    if (this.#stopped || this.#ladders.has(stream)) return;
    const why = refuseLadder(
      [...this.#ladders.values()].filter(({ active }) => active),
      this.#options.maxLadders,
    );
    if (why === null) this.#start(stream);
    else this.#refuse(stream, why);
  }

  #start(stream: string): void {
    const { ingest, maxMessageBytes, nowMs, random, createLadder } = this.#given;
    const create = createLadder ?? ((options: LadderOptions) => new Ladder(options));
    this.#ladders.set(
      stream,
      create({
        stream,
        options: this.#options,
        pullUrl: (path) => this.#signed(`${ingest.httpUrl}/${path}.flv`),
        pushUrl: (path) => this.#signed(`${ingest.rtmpUrl}/${path}`),
        maxTagBytes: maxMessageBytes ?? DEFAULT_MAX_TAG_BYTES,
        nowMs: nowMs ?? (() => performance.now()),
        random: random ?? Math.random,
        log: this.#log,
      }),
    );
  }

  #refuse(stream: string, reason: string): void {
    this.#refusals++;
    this.#refused.set(stream, reason);
    this.#log.warn({ stream, reason }, 'ladder refused: the source alone is served');
    this.#lookAgain ??= setInterval(() => this.#admitRefused(), LOOK_AGAIN_MS);
  }

  #admitRefused(): void {
    for (const stream of this.#refused.keys()) {
      if (this.#leaving.has(stream)) continue;
      const running = [...this.#ladders.values()].filter(({ active }) => active);
      const why = refuseLadder(running, this.#options.maxLadders);
      if (why !== null) {
        this.#refused.set(stream, why);
        return;
      }
      this.#refused.delete(stream);
      this.#log.info({ stream }, 'there is room for its ladder now');
      this.#start(stream);
    }
    if (this.#refused.size > 0 || this.#lookAgain === null) return;
    clearInterval(this.#lookAgain);
    this.#lookAgain = null;
  }

  #end(stream: string): void {
    this.#refused.delete(stream);
    const ladder = this.#ladders.get(stream);
    if (ladder === undefined) return;
    this.#ladders.delete(stream);
    const gone = ladder.stop().then(() => {
      this.#pastRestarts += ladder.restarts;
      if (this.#leaving.get(stream) === gone) this.#leaving.delete(stream);
    });
    this.#leaving.set(stream, gone);
  }

  #signed(url: string): string {
    const { internalSecret } = this.#given;
    if (internalSecret === undefined) return url;
    return signUrl(url, internalSecret, (this.#given.epochS?.() ?? Date.now() / 1_000) + SIGNED_FOR_S);
  }

  async #checkEncoder(): Promise<void> {
    const { encoder, device } = this.#options;
    try {
      await checkEncoder(encoder, device);
      this.#problem = null;
    } catch (error) {
      this.#problem = (error as Error).message;
      this.#log.error({ problem: this.#problem }, 'no ladders: the encoder is not there');
    }
  }
}

function refusedStats(stream: string, reason: string): LadderStats {
  return {
    stream,
    state: 'refused',
    reason,
    source: null,
    rungs: [],
    leftOut: [],
    pid: null,
    runMs: 0,
    restarts: 0,
    speed: null,
    slow: false,
    fps: 0,
    frames: 0,
    droppedFrames: 0,
    duplicatedFrames: 0,
    waitingBytes: 0,
  };
}
