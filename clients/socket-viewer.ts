import type { Clock } from '../core/clock.ts';
import { ProtocolError, type TagSink } from '../core/media.ts';
import { METER_HEAD_BYTES, type SessionListener, SessionMeter } from '../core/player/session-meter.ts';
import { backOffMs } from './back-off.ts';
import { Connection, type ConnectionOwner, type Endpoint, endpointName } from './connect.ts';
import { ProgressReport } from './progress.ts';
import { type Failure, isWorthRetrying } from './reason.ts';
import {
  ANSWERING,
  ASKING,
  CONNECTING,
  describeOverdue,
  ENDED,
  FLOWING,
  GREETING,
  IDLE,
  limitOf,
  PAUSING,
  STARTING,
  type Stage,
  WAITING,
} from './stages.ts';
import { TappedSink } from './tapped-sink.ts';
import {
  defaultReconnect,
  defaultTimeouts,
  type ReconnectPolicy,
  type SessionFigures,
  type SessionOutcome,
  type Timeouts,
  type Viewer,
  type ViewerObserver,
  type ViewerOptions,
  type ViewerState,
} from './viewer.ts';

/** Thrown by a protocol in the middle of its bytes: this connection has come to its end, for this reason. */
export class Ending extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.detail);
    this.failure = failure;
  }
}

/** Thrown by a protocol in the middle of its bytes: drop this connection and open another to the new `endpoint()`. */
export class Elsewhere extends Error {}

/**
 * What all viewers have in common that hold one TCP connection: dialling, time limits, reconnecting, measuring, and
 * ending with one reason. A protocol adds how to ask (`begin`), how to read (`parse`) and what an end means.
 *
 *     socket ── received ──► parse ── tags ──► SessionMeter ── figures ──► observer
 *                 (one clock reading for all that a read brought)
 *
 * The stages of one connection, each with its time limit, checked by `sweep`:
 *
 *     connecting ─ greeting (handshake) ─ asking (first byte) ─ answering (header) ─ waiting (media) ─ flowing
 */
export abstract class SocketViewer implements Viewer, ConnectionOwner, SessionListener {
  protected readonly meter: SessionMeter;
  /** Where the protocol's tags go, … */
  protected readonly tags: TagSink;
  /** … and how much of each body is wanted there. */
  protected readonly headBytes: number;
  protected readonly options: ViewerOptions;
  readonly #clock: Clock;
  readonly #observer: ViewerObserver;
  readonly #timeouts: Timeouts;
  readonly #policy: ReconnectPolicy | null;

  #connection: Connection | null = null;
  #stage: Stage = IDLE;
  #stageSinceMs = 0;
  #nowMs = 0;
  #wallOffsetMs = 0;
  #bytesReceived = 0;
  #lastByteMs = 0;

  #connectMs = Number.NaN;
  #firstByteMs = Number.NaN;

  /** Set from the loss of a connection until the next has brought a picture. */
  #loss: Failure | null = null;
  #lostAtMs = 0;
  #attempts = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #retryAtMs = 0;
  #reconnects = 0;
  /** The connection is back; told when the playhead moves again. */
  #recovering = false;

  readonly #progress = new ProgressReport();

  constructor(options: ViewerOptions) {
    this.options = options;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#timeouts = options.timeouts ? { ...defaultTimeouts, ...options.timeouts } : defaultTimeouts;
    this.#policy = options.reconnect === undefined ? defaultReconnect : options.reconnect;
    this.meter = new SessionMeter(options.player, options.intendedStartMs, this);
    const { tap } = options;
    this.tags = tap ? new TappedSink(tap, this.meter) : this.meter;
    this.headBytes = tap ? Math.max(tap.headBytes, METER_HEAD_BYTES) : METER_HEAD_BYTES;
  }

  /** Where to connect now. */
  protected abstract endpoint(): Endpoint;
  /** The connection is open: send the request, forget what an earlier connection left. */
  protected abstract begin(): void;
  /** Takes `bytes[0, end)`. Throws `Ending` or `Elsewhere`, or a ProtocolError. */
  protected abstract parse(bytes: Uint8Array, end: number): void;
  /** The peer has closed its side: what that means now. */
  protected abstract closedByPeer(): Failure;
  /** The connection is lost and another attempt will be made: from the URL that was given, whatever came of it last time. */
  protected afresh(): void {}
  /** The watcher leaves: says so, where the protocol has words for it. */
  protected goodbye(): void {}

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  get state(): ViewerState {
    if (this.#stage === ENDED) return 'ended';
    if (this.#loss !== null) return 'reconnecting';
    return this.#stage < WAITING ? 'connecting' : this.meter.state;
  }

  /** Where this viewer is connected to, for sentences. */
  protected get where(): string {
    return endpointName(this.endpoint());
  }

  start(): void {
    if (this.#stage === IDLE) this.#dial();
  }

  stop(): void {
    if (this.#stage === ENDED) return;
    if (this.#stage > CONNECTING && this.#connection) this.goodbye();
    this.#end({ result: 'ended', reason: null, detail: 'the viewer left' });
  }

  sweep(nowMs: number): void {
    if (this.#stage === IDLE || this.#stage === ENDED) return;
    this.#nowMs = nowMs;
    this.#wallOffsetMs = this.#clock.wallMs() - this.#clock.nowMs();
    this.meter.sweep(nowMs, nowMs + this.#wallOffsetMs);
    this.#tellProgress(nowMs);
    if (this.#stage === PAUSING) {
      if (nowMs >= this.#retryAtMs) this.#dial();
      return;
    }
    const connection = this.#connection;
    if (this.#stage === CONNECTING) connection?.sweep(nowMs);
    else {
      const failure = this.#overdue(nowMs);
      if (failure) this.#lost(failure);
    }
  }

  // ConnectionOwner

  opened(): void {
    this.#nowMs = this.#clock.nowMs();
    this.begin();
  }

  received(bytes: Uint8Array, end: number): void {
    const nowMs = this.#clock.nowMs();
    this.#nowMs = nowMs;
    this.#lastByteMs = nowMs;
    this.#bytesReceived += end;
    this.meter.arrive(nowMs, nowMs + this.#wallOffsetMs);
    if (this.#stage === ASKING) this.#enter(ANSWERING);
    this.parse(bytes, end);
    if (this.#loss !== null || this.#recovering) this.#checkRecovery();
  }

  finished(): void {
    this.#nowMs = this.#clock.nowMs();
    this.#lost(this.closedByPeer());
  }

  failed(failure: Failure): void {
    this.#nowMs = this.#clock.nowMs();
    this.#lost(failure);
  }

  threw(error: unknown): void {
    if (error instanceof Elsewhere) this.#dial();
    else if (error instanceof Ending) this.#lost(error.failure);
    else {
      const what =
        error instanceof ProtocolError ? `${error.message} (${error.code})` : `reading it failed: ${error}`;
      this.#lost({
        reason: this.badBytesReason(error),
        detail: `${this.where} sent what is not understood: ${what}`,
      });
    }
  }

  /** Broken bytes: of the media, or of the protocol that should carry it. */
  protected badBytesReason(_error: unknown): 'bad-media' | 'bad-response' {
    return 'bad-media';
  }

  // For the protocols

  protected write(pieces: readonly Uint8Array[]): void {
    this.#connection?.write(pieces);
  }

  /** Bytes written that the kernel has not taken: a peer that does not read must not fill memory with answers to it. */
  protected get queuedBytes(): number {
    return this.#connection?.queuedBytes ?? 0;
  }

  /** The transport is open, but must first be agreed on (handshake of RTMP or WebSocket). */
  protected greeting(): void {
    this.#enter(GREETING);
  }

  /** Connected in every respect; the question is on its way. */
  protected asking(): void {
    if (Number.isNaN(this.#connectMs)) {
      this.#connectMs = this.#sinceIntended();
      this.#observer.connected(this.#connectMs);
    }
    this.#enter(ASKING);
  }

  /** The handshake was question and yes in one (WebSocket): connected in every respect, and media comes next. */
  protected agreed(): void {
    this.asking();
    this.#enter(WAITING);
  }

  /** The answer is yes: media comes next. Called once, at the earliest when the first byte that counts has come. */
  protected waiting(): void {
    if (Number.isNaN(this.#firstByteMs)) {
      // `#stageSinceMs` is when ANSWERING was entered: at the first byte, which may have come before this one.
      this.#firstByteMs =
        (this.#stage === ANSWERING ? this.#stageSinceMs : this.#nowMs) - this.options.intendedStartMs;
      this.#observer.firstByte(this.#firstByteMs);
    }
    this.#enter(WAITING);
  }

  // SessionListener: the meter's figures go straight on, but for those that a parser still finds after `stop`

  firstMedia(ms: number): void {
    if (this.#stage !== ENDED) this.#observer.firstMedia(ms);
  }
  firstFrame(ms: number): void {
    if (this.#stage !== ENDED) this.#observer.firstFrame(ms);
  }
  startup(ms: number): void {
    if (this.#stage !== ENDED) this.#observer.startup(ms);
  }
  joinLag(ms: number): void {
    if (this.#stage !== ENDED) this.#observer.joinLag(ms);
  }
  latency(ms: number): void {
    if (this.#stage !== ENDED) this.#observer.latency(ms);
  }
  delivery(ms: number): void {
    if (this.#stage !== ENDED) this.#observer.delivery(ms);
  }
  stalled(startMs: number): void {
    if (this.#stage !== ENDED) this.#observer.stalled(startMs);
  }
  stallEnded(durationMs: number): void {
    if (this.#stage !== ENDED) this.#observer.stallEnded(durationMs);
  }

  #enter(stage: Stage): void {
    if (this.#stage === ENDED) return;
    this.#stage = stage;
    this.#stageSinceMs = this.#nowMs;
  }

  #sinceIntended(): number {
    return this.#nowMs - this.options.intendedStartMs;
  }

  #dial(): void {
    if (this.#stage === ENDED) return;
    clearTimeout(this.#retryTimer);
    this.#nowMs = this.#clock.nowMs();
    this.#wallOffsetMs = this.#clock.wallMs() - this.#nowMs;
    this.#enter(CONNECTING);
    this.#connection = new Connection(this.endpoint(), this, this.#timeouts, this.#clock);
    this.#connection.open();
  }

  /** The connection is gone or of no use: tries again, or ends. */
  #lost(failure: Failure): void {
    if (this.#stage === ENDED) return;
    this.#connection?.close();
    this.#connection = null;
    const firstLoss = this.#loss === null;
    if (firstLoss) {
      this.#attempts = 0;
      // Media is lost from the last that came, not from when its absence was noticed.
      this.#lostAtMs = this.meter.hasMedia ? this.meter.lastMediaMs : this.#nowMs;
    }
    const delayMs = this.#delayBeforeRetry(failure);
    if (delayMs === null) {
      this.#end({ result: 'failed', ...this.#summary(failure) });
      return;
    }
    this.#loss ??= failure;
    this.#recovering = false;
    this.#attempts++;
    this.meter.reconnected();
    this.afresh();
    this.#enter(PAUSING);
    this.#retryAtMs = this.#nowMs + delayMs;
    // A timer of its own: if all waited for the common sweep, they would all come back in the same instant.
    this.#retryTimer = setTimeout(() => this.#dial(), delayMs);
  }

  /** `null`: no further attempt. */
  #delayBeforeRetry(failure: Failure): number | null {
    const policy = this.#policy;
    if (policy === null || !isWorthRetrying(failure.reason)) return null;
    if (!this.meter.hasFirstFrame && !policy.beforeFirstFrame) return null;
    const random = this.options.random ?? Math.random;
    return backOffMs(policy, this.#attempts + 1, this.#nowMs - this.#lostAtMs, random);
  }

  /** What ended the session is what first went wrong, not what the last attempt to mend it met. */
  #summary(last: Failure): Failure {
    const first = this.#loss;
    if (first === null) return last;
    const seconds = ((this.#nowMs - this.#lostAtMs) / 1_000).toFixed(1);
    return {
      reason: first.reason,
      detail: `${first.detail}; ${this.#attempts} attempts to reconnect within ${seconds} s failed, the last one because ${last.detail}`,
    };
  }

  #checkRecovery(): void {
    if (this.#loss !== null) {
      if (!this.meter.decodable) return;
      this.#loss = null;
      this.#attempts = 0;
      this.#reconnects++;
      this.#recovering = true;
    }
    if (this.meter.state !== 'playing' || this.#stage === ENDED) return;
    this.#recovering = false;
    this.#observer.reconnected(this.#nowMs - this.#lostAtMs);
  }

  /** What has taken too long by now, if anything. Moves on to the next stage where media has come. */
  #overdue(nowMs: number): Failure | null {
    const { meter } = this;
    if (this.#stage === WAITING && meter.hasMedia) this.#enter(STARTING);
    if (this.#stage === STARTING && meter.decodable) this.#enter(FLOWING);
    const flowing = this.#stage === FLOWING;
    const limitMs = limitOf(this.#stage, this.#timeouts);
    if (nowMs - (flowing ? meter.lastMediaMs : this.#stageSinceMs) < limitMs) return null;
    const heard = flowing ? nowMs - this.#lastByteMs < limitMs : this.#lastByteMs >= this.#stageSinceMs;
    return describeOverdue(this.#stage, this.#timeouts, this.where, meter, heard);
  }

  #end(ending: Pick<SessionOutcome, 'result' | 'reason' | 'detail'>): void {
    this.#nowMs = this.#clock.nowMs();
    clearTimeout(this.#retryTimer);
    this.#connection?.close();
    this.#connection = null;
    this.meter.finish(this.#nowMs);
    this.#tellProgress(this.#nowMs, this.meter.figures().framesMissing);
    this.#stage = ENDED;
    this.#observer.ended({
      ...ending,
      detail: oneLine(ending.detail),
      phase: this.meter.hasFirstFrame ? 'after-first-frame' : 'before-first-frame',
      figures: this.#figures(),
    });
  }

  #figures(): SessionFigures {
    return {
      ...this.meter.figures(),
      connectMs: Number.isNaN(this.#connectMs) ? null : this.#connectMs,
      firstByteMs: Number.isNaN(this.#firstByteMs) ? null : this.#firstByteMs,
      watchedMs: this.#sinceIntended(),
      bytesReceived: this.#bytesReceived,
      reconnects: this.#reconnects,
    };
  }

  #tellProgress(nowMs: number, framesMissing = this.meter.framesMissingSettled): void {
    const watchedMs = Math.max(0, nowMs - this.options.intendedStartMs);
    this.#progress.tell(this.#observer, this.meter, watchedMs, this.#bytesReceived, framesMissing);
  }
}

/** Servers' own words are part of some sentences: they may not break lines, nor fill pages. */
function oneLine(sentence: string): string {
  return sentence.replace(/\p{Cc}+/gu, ' ').slice(0, MAX_DETAIL);
}

const MAX_DETAIL = 400;
