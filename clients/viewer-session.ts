import type { Clock } from '../core/clock.ts';
import type { TagSink } from '../core/media.ts';
import { METER_HEAD_BYTES, type SessionListener, SessionMeter } from '../core/player/session-meter.ts';
import { backOffMs } from './back-off.ts';
import { ProgressReport } from './progress.ts';
import { type Failure, isWorthRetrying } from './reason.ts';
import { TappedSink } from './tapped-sink.ts';
import {
  defaultTimeouts,
  type ReconnectPolicy,
  type SessionFigures,
  type SessionOutcome,
  type Timeouts,
  type ViewerObserver,
  type ViewerOptions,
} from './viewer.ts';

/**
 * What the sessions of all viewers have in common, over one connection or several: the meter and who hears its
 * figures, what a loss is and when it is mended, and ending once, with one reason.
 */
export abstract class ViewerSession implements SessionListener {
  protected readonly meter: SessionMeter;
  /** Where the protocol's tags go, … */
  protected readonly tags: TagSink;
  /** … and how much of each body is wanted there. */
  protected readonly headBytes: number;
  protected readonly options: ViewerOptions;
  protected readonly clock: Clock;
  protected readonly observer: ViewerObserver;
  protected readonly timeouts: Timeouts;
  readonly #policy: ReconnectPolicy | null;

  /** As of the last event or sweep. */
  protected nowMs = 0;
  protected wallOffsetMs = 0;
  protected lastByteMs = 0;
  #bytesReceived = 0;
  #hasEnded = false;

  #connectMs = Number.NaN;
  #firstByteMs = Number.NaN;

  /** Set from a loss until media has come again. */
  #loss: Failure | null = null;
  #lostAtMs = 0;
  #attempts = 0;
  #reconnects = 0;
  /** Media is back; told when the playhead moves again. */
  #recovering = false;

  /** When the pause began; `NaN`: there is none. */
  #pausedSinceMs = Number.NaN;
  /** In pauses that are over. */
  #pausedMs = 0;
  /** The connection was closed, or lost, during the pause. */
  #goneInPause = false;
  #resumedMs = Number.NEGATIVE_INFINITY;

  readonly #progress = new ProgressReport();

  constructor(options: ViewerOptions, policy: ReconnectPolicy) {
    this.options = options;
    this.clock = options.clock;
    this.observer = options.observer;
    this.timeouts = options.timeouts ? { ...defaultTimeouts, ...options.timeouts } : defaultTimeouts;
    this.#policy = options.reconnect === undefined ? policy : options.reconnect;
    this.meter = new SessionMeter(options.player, options.intendedStartMs, this);
    const { tap } = options;
    this.tags = tap ? new TappedSink(tap, this.meter) : this.meter;
    this.headBytes = tap ? Math.max(tap.headBytes, METER_HEAD_BYTES) : METER_HEAD_BYTES;
  }

  /** Closes all that is open. The session has not been told to have ended yet. */
  protected abstract release(): void;

  /** Reads nothing more until `goOn`; `close`: closes what is open. */
  protected abstract hold(close: boolean): void;
  /** Reads again; `anew`: nothing is open. */
  protected abstract goOn(anew: boolean): void;

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  protected get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Lost, and not yet back with something to decode. */
  protected get isLost(): boolean {
    return this.#loss !== null;
  }

  protected get isPaused(): boolean {
    return !Number.isNaN(this.#pausedSinceMs);
  }

  /** When media last came; of a session that was paused: when it was resumed, if that was later. */
  protected get lastMediaMs(): number {
    return Math.max(this.meter.lastMediaMs, this.#resumedMs);
  }

  pause(connection: 'keep' | 'close' = 'keep'): void {
    if (this.#hasEnded || this.isPaused || this.#loss !== null || this.meter.state === 'starting') return;
    this.#pausedSinceMs = this.tick();
    this.#goneInPause = connection === 'close';
    this.meter.pause(this.nowMs);
    this.hold(this.#goneInPause);
  }

  resume(to: 'continue' | 'live' = 'continue'): void {
    if (this.#hasEnded || !this.isPaused) return;
    this.#resumedMs = this.tick();
    this.#pausedMs += this.nowMs - this.#pausedSinceMs;
    this.#pausedSinceMs = Number.NaN;
    const anew = this.#goneInPause;
    this.meter.resume(this.nowMs, anew ? 'anew' : to);
    if (anew) {
      this.meter.reconnected();
      this.#loss = RETURNED;
      this.#lostAtMs = this.nowMs;
      this.#attempts = 0;
    }
    this.goOn(anew);
  }

  /** Takes the time from the clock. */
  protected tick(): number {
    this.nowMs = this.clock.nowMs();
    return this.nowMs;
  }

  /** As `tick`, and compares the clock with the wall's anew. */
  protected compareClocks(): void {
    this.tick();
    this.wallOffsetMs = this.clock.wallMs() - this.nowMs;
  }

  /** Bytes have come in: the first thing to be told of them. */
  protected took(bytes: number): void {
    const nowMs = this.tick();
    this.lastByteMs = nowMs;
    this.#bytesReceived += bytes;
    this.meter.arrive(nowMs, nowMs + this.wallOffsetMs);
  }

  /** Once a second, before anything else: latency, a stall in progress, and what was added. */
  protected report(nowMs: number): void {
    this.nowMs = nowMs;
    this.wallOffsetMs = this.clock.wallMs() - this.clock.nowMs();
    this.meter.sweep(nowMs, nowMs + this.wallOffsetMs);
    this.#tellProgress(nowMs);
  }

  /** Connected in every respect; told once. */
  protected connectedAt(atMs: number): void {
    if (!Number.isNaN(this.#connectMs)) return;
    this.#connectMs = atMs - this.options.intendedStartMs;
    this.observer.connected(this.#connectMs);
  }

  /** The first byte of an answer that has turned out to be a yes; told once. */
  protected firstByteAt(atMs: number): void {
    if (!Number.isNaN(this.#firstByteMs)) return;
    this.#firstByteMs = atMs - this.options.intendedStartMs;
    this.observer.firstByte(this.#firstByteMs);
  }

  /** Media is lost for a reason: the delay before another attempt, or null when the session has ended with it. */
  protected lostBy(failure: Failure): number | null {
    if (this.#hasEnded) return null;
    if (this.isPaused) {
      // Nobody watches: it matters when the watcher is back.
      this.#goneInPause = true;
      this.hold(true);
      return null;
    }
    if (this.#loss === RETURNED) this.#loss = failure;
    if (this.#loss === null) {
      this.#attempts = 0;
      // Media is lost from the last that came, not from when its absence was noticed.
      this.#lostAtMs = this.meter.hasMedia ? this.lastMediaMs : this.nowMs;
    }
    const delayMs = this.#delayBeforeRetry(failure);
    if (delayMs === null) {
      this.end({ result: 'failed', ...this.#summary(failure) });
      return null;
    }
    this.#loss ??= failure;
    this.#recovering = false;
    this.#attempts++;
    return delayMs;
  }

  /** Ends for a reason at once: no further attempt. */
  protected fail(failure: Failure): void {
    if (!this.#hasEnded) this.end({ result: 'failed', ...this.#summary(failure) });
  }

  /** After media came: whether what was lost is back. */
  protected checkRecovery(): void {
    if (this.#loss !== null) {
      if (!this.meter.decodable) return;
      this.#loss = null;
      this.#attempts = 0;
      this.#reconnects++;
      this.#recovering = true;
    }
    if (!this.#recovering || this.meter.state !== 'playing' || this.#hasEnded) return;
    this.#recovering = false;
    this.observer.reconnected(this.nowMs - this.#lostAtMs);
  }

  protected end(ending: Pick<SessionOutcome, 'result' | 'reason' | 'detail'>): void {
    if (this.#hasEnded) return;
    this.tick();
    this.release();
    this.meter.finish(this.nowMs);
    this.#tellProgress(this.nowMs, this.meter.figures().framesMissing);
    this.#hasEnded = true;
    this.observer.ended({
      ...ending,
      detail: oneLine(ending.detail),
      phase: this.meter.hasFirstFrame ? 'after-first-frame' : 'before-first-frame',
      lastedMs: this.nowMs - this.options.intendedStartMs,
      figures: this.#figures(),
    });
  }

  // SessionListener: the meter's figures go straight on, but for those that a parser still finds after `stop`

  firstMedia(ms: number): void {
    if (!this.#hasEnded) this.observer.firstMedia(ms);
  }
  firstFrame(ms: number): void {
    if (!this.#hasEnded) this.observer.firstFrame(ms);
  }
  startup(ms: number): void {
    if (!this.#hasEnded) this.observer.startup(ms);
  }
  joinLag(ms: number): void {
    if (!this.#hasEnded) this.observer.joinLag(ms);
  }
  latency(ms: number): void {
    if (!this.#hasEnded) this.observer.latency(ms);
  }
  delivery(ms: number): void {
    if (!this.#hasEnded) this.observer.delivery(ms);
  }
  stalled(startMs: number): void {
    if (!this.#hasEnded) this.observer.stalled(startMs);
  }
  stallEnded(durationMs: number): void {
    if (!this.#hasEnded) this.observer.stallEnded(durationMs);
  }

  /** `null`: no further attempt. */
  #delayBeforeRetry(failure: Failure): number | null {
    const policy = this.#policy;
    if (policy === null || !isWorthRetrying(failure.reason)) return null;
    if (!this.meter.hasFirstFrame && !policy.beforeFirstFrame) return null;
    const random = this.options.random ?? Math.random;
    return backOffMs(policy, this.#attempts + 1, this.nowMs - this.#lostAtMs, random);
  }

  /** What ended the session is what first went wrong, not what the last attempt to mend it met. */
  #summary(last: Failure): Failure {
    const first = this.#loss;
    if (first === null || this.#attempts === 0) return last;
    const seconds = ((this.nowMs - this.#lostAtMs) / 1_000).toFixed(1);
    return {
      reason: first.reason,
      detail: `${first.detail}; ${this.#attempts} attempts to reconnect within ${seconds} s failed, the last one because ${last.detail}`,
    };
  }

  #figures(): SessionFigures {
    return {
      ...this.meter.figures(),
      connectMs: Number.isNaN(this.#connectMs) ? null : this.#connectMs,
      firstByteMs: Number.isNaN(this.#firstByteMs) ? null : this.#firstByteMs,
      watchedMs: this.#watchedMs(this.nowMs),
      bytesReceived: this.#bytesReceived,
      reconnects: this.#reconnects,
    };
  }

  /** From the intended start, but for pauses. */
  #watchedMs(nowMs: number): number {
    const untilMs = this.isPaused ? this.#pausedSinceMs : nowMs;
    return untilMs - this.options.intendedStartMs - this.#pausedMs;
  }

  #tellProgress(nowMs: number, framesMissing = this.meter.framesMissingSettled): void {
    const watchedMs = Math.max(0, this.#watchedMs(nowMs));
    this.#progress.tell(this.observer, this.meter, watchedMs, this.#bytesReceived, framesMissing);
  }
}

/** The watcher is back from a pause without a connection: nothing has failed, but the picture is lost until it is made. */
const RETURNED: Failure = { reason: 'closed', detail: 'the viewer closed the connection for a pause' };

/** Servers' own words are part of some sentences: they may not break lines, nor fill pages. */
function oneLine(sentence: string): string {
  return sentence.replace(/\p{Cc}+/gu, ' ').slice(0, MAX_DETAIL);
}

const MAX_DETAIL = 400;
