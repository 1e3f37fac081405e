import type { Clock } from '../core/clock.ts';
import type { Failure } from './reason.ts';
import type { Source } from './sources/source.ts';
import type { ReconnectPolicy, TlsOptions } from './viewer.ts';

/**
 * One publisher of one stream, whatever the protocol.
 *
 *     connecting ─ publishing ─ ended
 *          ├─ waiting ─┤ (to reconnect, with back-off)
 *          └─── away ──┘ (between `leave` and `comeBack`)
 *
 * The source runs from `start` to the end, also while there is no connection: live media does not wait.
 */
export interface Publisher {
  start(): void;
  /** Once a second: enforces time limits and reports `second`. `nowMs` is the clock's. */
  sweep(nowMs: number): void;
  /** Says goodbye to the server, stops the source; resolves when both are gone. May be called at any moment, and twice. */
  stop(): Promise<void>;
  /**
   * Leaves for a while, with a goodbye or as if the cable had been cut, and publishes nothing until `comeBack`. The
   * source goes on.
   */
  leave(how: 'goodbye' | 'cut'): void;
  comeBack(): void;
  readonly state: PublisherState;
}

export type PublisherState = 'connecting' | 'publishing' | 'waiting' | 'away' | 'ended';

export interface PublisherOptions {
  readonly url: string;
  readonly source: Source;
  readonly clock: Clock;
  readonly observer: PublisherObserver;
  readonly timeouts?: Partial<PublishTimeouts>;
  /** `null`: never. Left out: `defaultPublishReconnect`. */
  readonly reconnect?: ReconnectPolicy | null;
  /** Bytes that may wait for a slow server before frames are dropped up to the next key frame. */
  readonly maxQueueBytes?: number;
  readonly random?: () => number;
  readonly tls?: TlsOptions;
}

export interface PublishTimeouts {
  readonly connectMs: number;
  readonly tlsMs: number;
  /** Handshake, `connect`, `createStream` and `publish` together. */
  readonly handshakeMs: number;
  /** How long the server may take nothing at all while something waits to be sent. */
  readonly stuckMs: number;
}

export const defaultPublishTimeouts: PublishTimeouts = {
  connectMs: 5_000,
  tlsMs: 5_000,
  handshakeMs: 8_000,
  stuckMs: 15_000,
};

/** A publisher is the source of all: it tries for longer than a viewer, also when its first attempt fails. */
export const defaultPublishReconnect: ReconnectPolicy = {
  maxAttempts: 20,
  maxElapsedMs: 120_000,
  firstDelayMs: 250,
  maxDelayMs: 5_000,
  jitter: 0.5,
  beforeFirstFrame: true,
};

/** What happened in the last second. */
export interface PublisherSecond {
  readonly up: 0 | 1;
  readonly sentBps: number;
  readonly fps: number;
  /** How far sending is behind capture: encoding, and what waits in the queue. null while not publishing. */
  readonly queueMs: number | null;
  readonly frames: number;
  readonly droppedFrames: number;
  /** null: the source has no encoder. */
  readonly encoderFps: number | null;
  /** Frames encoded over frames due; 1 keeps up. null: no encoder, or nothing was due. */
  readonly encoderSpeed: number | null;
}

/** Hears what happens to the publishers of one series; like a viewer's observer it may be shared. */
export interface PublisherObserver {
  /** Publishing may begin; `ms` since this attempt began. */
  connected(ms: number): void;
  /** The connection was lost or refused; it will be tried again. */
  retrying(failure: Failure, delayMs: number): void;
  /** Publishing again after a loss. */
  reconnected(): void;
  second(second: PublisherSecond): void;
  /** The last call: `failure` is null when it was stopped, or the source came to its end. */
  ended(failure: Failure | null): void;
}
