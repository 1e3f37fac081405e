import { ProtocolError } from '../core/media.ts';
import { Connection, type ConnectionOwner, type Endpoint, endpointName } from './connect.ts';
import type { Failure } from './reason.ts';
import {
  ANSWERING,
  ASKING,
  BETWEEN,
  CONNECTING,
  describeOverdue,
  ENDED,
  FLOWING,
  GREETING,
  IDLE,
  limitOf,
  STARTING,
  type Stage,
  WAITING,
} from './stages.ts';
import { defaultReconnect, type Viewer, type ViewerOptions, type ViewerState } from './viewer.ts';
import { ViewerSession } from './viewer-session.ts';

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
export abstract class SocketViewer extends ViewerSession implements Viewer, ConnectionOwner {
  #connection: Connection | null = null;
  #stage: Stage = IDLE;
  #stageSinceMs = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #retryAtMs = 0;

  constructor(options: ViewerOptions) {
    super(options, defaultReconnect);
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

  get state(): ViewerState {
    if (this.#stage === ENDED) return 'ended';
    if (this.isPaused) return 'paused';
    if (this.isLost) return 'reconnecting';
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
    this.end({ result: 'ended', reason: null, detail: 'the viewer left' });
  }

  sweep(nowMs: number): void {
    if (this.#stage === IDLE || this.#stage === ENDED) return;
    this.report(nowMs);
    if (this.isPaused) return;
    if (this.#stage === BETWEEN) {
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
    this.tick();
    this.begin();
  }

  received(bytes: Uint8Array, end: number): void {
    this.took(end);
    if (this.#stage === ASKING) this.#enter(ANSWERING);
    this.parse(bytes, end);
    this.checkRecovery();
  }

  finished(): void {
    this.tick();
    this.#lost(this.closedByPeer());
  }

  failed(failure: Failure): void {
    this.tick();
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
    this.connectedAt(this.nowMs);
    this.#enter(ASKING);
  }

  /** The handshake was question and yes in one (WebSocket): connected in every respect, and media comes next. */
  protected agreed(): void {
    this.asking();
    this.#enter(WAITING);
  }

  /** The answer is yes: media comes next. Called once, at the earliest when the first byte that counts has come. */
  protected waiting(): void {
    // `#stageSinceMs` is when ANSWERING was entered: at the first byte, which may have come before this one.
    this.firstByteAt(this.#stage === ANSWERING ? this.#stageSinceMs : this.nowMs);
    this.#enter(WAITING);
  }

  #enter(stage: Stage): void {
    if (this.#stage === ENDED) return;
    this.#stage = stage;
    this.#stageSinceMs = this.nowMs;
  }

  #dial(): void {
    if (this.#stage === ENDED) return;
    clearTimeout(this.#retryTimer);
    this.compareClocks();
    this.#enter(CONNECTING);
    const { localAddress } = this.options;
    const endpoint = localAddress === undefined ? this.endpoint() : { ...this.endpoint(), localAddress };
    this.#connection = new Connection(endpoint, this, this.timeouts, this.clock, this.options);
    this.#connection.open();
  }

  /** The connection is gone or of no use: tries again, or ends. */
  #lost(failure: Failure): void {
    if (this.#stage === ENDED) return;
    this.#connection?.close();
    this.#connection = null;
    const delayMs = this.lostBy(failure);
    if (delayMs === null) return;
    this.meter.reconnected();
    this.afresh();
    this.#enter(BETWEEN);
    this.#retryAtMs = this.nowMs + delayMs;
    // A timer of its own: if all waited for the common sweep, they would all come back in the same instant.
    this.#retryTimer = setTimeout(() => this.#dial(), delayMs);
  }

  /** What has taken too long by now, if anything. Moves on to the next stage where media has come. */
  #overdue(nowMs: number): Failure | null {
    const { meter } = this;
    if (this.#stage === WAITING && meter.hasMedia) this.#enter(STARTING);
    if (this.#stage === STARTING && meter.decodable) this.#enter(FLOWING);
    const flowing = this.#stage === FLOWING;
    const limitMs = limitOf(this.#stage, this.timeouts);
    if (nowMs - (flowing ? this.lastMediaMs : this.#stageSinceMs) < limitMs) return null;
    const heard = flowing ? nowMs - this.lastByteMs < limitMs : this.lastByteMs >= this.#stageSinceMs;
    return describeOverdue(this.#stage, this.timeouts, this.where, meter, heard);
  }

  protected hold(close: boolean): void {
    if (!close) {
      this.#connection?.pauseReading();
      return;
    }
    if (this.#connection) this.goodbye();
    this.#connection?.close();
    this.#connection = null;
    this.#enter(BETWEEN);
  }

  protected goOn(anew: boolean): void {
    if (anew) {
      this.afresh();
      this.#dial();
    } else this.#connection?.resumeReading();
  }

  protected release(): void {
    clearTimeout(this.#retryTimer);
    this.#connection?.close();
    this.#connection = null;
    this.#stage = ENDED;
  }
}
