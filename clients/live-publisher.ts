import { backOffMs } from './back-off.ts';
import { Connection, type Endpoint, endpointName } from './connect.ts';
import {
  defaultPublishReconnect,
  defaultPublishTimeouts,
  type Publisher,
  type PublisherOptions,
  type PublisherState,
  type PublishTimeouts,
} from './publisher.ts';
import type { Failure } from './reason.ts';
import { type SendBuffer, sendBuffer } from './send-buffer.ts';
import { SendLog } from './send-log.ts';
import type { SourceTag, TagKind } from './sources/source.ts';
import type { ReconnectPolicy } from './viewer.ts';

/** 8 s at 4 Mbit/s: longer than a hiccup, short of harm. */
const defaultMaxQueueBytes = 4 * 1024 * 1024;
/** A server that takes a stream for less than this has not taken it: its refusal came late, and counts as an attempt. */
const settledMs = 1_000;
/** How long the goodbye may take. */
const stopGraceMs = 1_500;

const headers: readonly TagKind[] = ['metadata', 'video-config', 'audio-config'];

/**
 * What all publishers have in common: time limits, reconnecting with back-off, beginning with headers and a key frame,
 * the bounded queue, figures. A protocol says how a connection is greeted, how tags are written, and what a goodbye is.
 */
export abstract class LivePublisher implements Publisher {
  protected readonly options: PublisherOptions;
  protected readonly timeouts: PublishTimeouts;
  protected readonly random: () => number;
  readonly #reconnect: ReconnectPolicy | null;
  readonly #maxQueueBytes: number;

  #state: PublisherState = 'connecting';
  #connection: Connection | null = null;
  #opened = false;
  /** When the attempt began of which this connection is a part; and when this connection became ready to use. */
  #attemptMs = 0;
  #openedMs = 0;
  #permittedMs = 0;
  #attempt = 0;
  #lostAtMs: number | null = null;
  #everPublished = false;
  /** It comes back from where it went on purpose: that is no reconnect. */
  #returns = false;
  #retryTimer: NodeJS.Timeout | null = null;
  #stopping: Promise<void> | null = null;

  /** Headers as last sent by the source, by kind: a new connection begins with them. */
  readonly #headers = new Map<TagKind, SourceTag>();
  /** Until a key frame comes: after a (re)connect and after frames were dropped. */
  #awaitsKey = true;
  readonly #batch: SourceTag[] = [];
  readonly #log = new SendLog();

  #frames = 0;
  #droppedFrames = 0;
  #sweptMs: number;
  #sentAtSweep = 0;
  #encodedAtSweep = 0;
  #skippedAtSweep = 0;

  constructor(options: PublisherOptions) {
    this.options = options;
    this.timeouts = { ...defaultPublishTimeouts, ...options.timeouts };
    this.#reconnect = options.reconnect === undefined ? defaultPublishReconnect : options.reconnect;
    this.random = options.random ?? Math.random;
    this.#maxQueueBytes = options.maxQueueBytes ?? defaultMaxQueueBytes;
    this.#sweptMs = options.clock.nowMs();
  }

  /** Where the next connection leads. */
  protected abstract endpoint(): Endpoint;
  /** The transport is ready: asks to publish. */
  protected abstract greet(): void;
  /** Takes what the server says, `bytes[0, end)`, which is the thread's receive buffer. May throw: that ends the attempt. */
  protected abstract receive(bytes: Uint8Array, end: number): void;
  /** The server has accepted the connection and not permitted publishing for so long. A failure ends the attempt. */
  protected abstract waited(openMs: number): Failure | null;
  /** Writes tags, in order. */
  protected abstract encode(tags: readonly SourceTag[], out: SendBuffer): void;
  /** Says goodbye on a connection that still is. */
  protected abstract farewell(): void;
  /** The connection is gone: what belongs to it is dropped. */
  protected abstract forget(): void;
  /** A new attempt begins: nothing of the one before counts. */
  protected abstract afresh(): void;
  /** What it means that the server closed the connection in good order. */
  protected abstract closedByPeer(): Failure;
  /** What it means that `greet` or `receive` threw. */
  protected abstract describeThrown(error: unknown): Failure;

  get state(): PublisherState {
    return this.#state;
  }

  start(): void {
    this.options.source.start({
      tags: (due) => this.#send(due),
      ended: (error) =>
        this.#end(
          error === null ? null : { reason: 'bad-media', detail: `The source failed: ${error.message}` },
        ),
    });
    this.#open();
  }

  sweep(nowMs: number): void {
    if (this.#state === 'ended') return;
    this.#reportSecond(nowMs);
    this.#connection?.sweep(nowMs);
    if (this.#state === 'connecting' && this.#opened) {
      const failure = this.waited(nowMs - this.#openedMs);
      if (failure !== null) this.lose(failure);
    } else if (this.#state === 'publishing' && this.#log.stuckMs(nowMs) > this.timeouts.stuckMs) {
      this.lose({
        reason: 'too-slow',
        detail: `${this.where} took no data for ${this.timeouts.stuckMs} ms; the server or the network hangs`,
      });
    }
  }

  leave(how: 'goodbye' | 'cut'): void {
    if (this.#state === 'ended' || this.#state === 'away') return;
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    if (how === 'cut') this.#connection?.cut();
    this.#closeConnection();
    this.#state = 'away';
    this.#returns = how === 'goodbye';
  }

  comeBack(): void {
    if (this.#state !== 'away') return;
    this.#attempt = 0;
    this.#lostAtMs = null;
    this.afresh();
    this.#open();
  }

  stop(): Promise<void> {
    this.#end(null);
    return this.#stopping ?? Promise.resolve();
  }

  protected get where(): string {
    return endpointName(this.endpoint());
  }

  protected has(kind: TagKind): boolean {
    return this.#headers.has(kind);
  }

  /** The server takes the stream. */
  protected permitted(): void {
    if (this.#state !== 'connecting') return;
    const nowMs = this.options.clock.nowMs();
    this.#state = 'publishing';
    this.#awaitsKey = true;
    this.#log.reset(nowMs);
    this.options.observer.connected(nowMs - this.#attemptMs);
    if (this.#everPublished && !this.#returns) this.options.observer.reconnected();
    this.#everPublished = true;
    this.#returns = false;
    this.#permittedMs = nowMs;
    this.afresh();
  }

  /** What the server wants is a new connection (a question that has an answer, a redirect): no failure, the attempt goes on. */
  protected again(): void {
    this.#closeConnection();
    this.#open(this.#attemptMs);
  }

  /** Outside of `encode`: greetings and goodbyes. */
  protected write(pieces: readonly Uint8Array[]): void {
    const connection = this.#connection;
    if (connection === null) return;
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    connection.write(pieces);
    this.#log.wrote(bytes, this.options.clock.nowMs(), connection.queuedBytes);
  }

  /** The connection is lost, or was never had: try again, or end. */
  protected lose(failure: Failure): void {
    if (this.#state !== 'connecting' && this.#state !== 'publishing') return;
    const nowMs = this.options.clock.nowMs();
    if (this.#state === 'publishing' && nowMs - this.#permittedMs >= settledMs) {
      this.#attempt = 0;
      this.#lostAtMs = null;
    }
    this.#closeConnection();
    this.afresh();
    this.#lostAtMs ??= nowMs;
    const policy = this.#reconnect;
    // What is refused for want of permission is refused the next time, too; so is a certificate.
    const hopeless = failure.reason === 'auth' || (failure.reason === 'tls' && !this.#everPublished);
    const final = policy === null || hopeless || (!this.#everPublished && !policy.beforeFirstFrame);
    const delayMs = final ? null : backOffMs(policy, this.#attempt + 1, nowMs - this.#lostAtMs, this.random);
    if (delayMs === null) {
      this.#end(failure);
      return;
    }
    this.#attempt += 1;
    this.#state = 'waiting';
    this.options.observer.retrying(failure, delayMs);
    this.#retryTimer = setTimeout(() => this.#open(), delayMs);
  }

  #open(attemptMs = this.options.clock.nowMs()): void {
    this.#retryTimer = null;
    this.#state = 'connecting';
    this.#opened = false;
    this.#attemptMs = attemptMs;
    const { tls, clock } = this.options;
    const endpoint = this.endpoint();
    const connection = new Connection(
      { ...endpoint, ...(tls && { tls }) },
      {
        opened: () => {
          this.#opened = true;
          this.#openedMs = clock.nowMs();
          this.greet();
        },
        received: (bytes, end) => this.receive(bytes, end),
        finished: () => this.lose(this.closedByPeer()),
        failed: (failure) => this.lose(failure),
        threw: (error) => this.lose(this.describeThrown(error)),
      },
      this.timeouts,
      clock,
    );
    this.#connection = connection;
    connection.open();
  }

  #send(due: readonly SourceTag[]): void {
    const connection = this.#state === 'publishing' ? this.#connection : null;
    const isFull = connection !== null && connection.queuedBytes > this.#maxQueueBytes;
    if (isFull) this.#awaitsKey = true;
    for (const tag of due) {
      if (headers.includes(tag.kind)) this.#headers.set(tag.kind, tag);
      if (connection !== null) this.#choose(tag, isFull);
    }
    if (connection === null || this.#batch.length === 0) return;
    sendBuffer.begin(connection);
    this.encode(this.#batch, sendBuffer);
    const bytes = sendBuffer.flush();
    this.#batch.length = 0;
    this.#log.wrote(bytes, this.options.clock.nowMs(), connection.queuedBytes);
  }

  /** Puts a tag on the batch, behind the headers if it is the one to begin with; or drops it. */
  #choose(tag: SourceTag, isFull: boolean): void {
    const isFrame = tag.kind === 'key' || tag.kind === 'inter';
    if (this.#awaitsKey) {
      // Without video any frame is one to begin with.
      const begins = !isFull && (tag.kind === 'key' || (tag.kind === 'audio' && !this.has('video-config')));
      if (!begins) {
        if (isFrame) this.#droppedFrames += 1;
        return;
      }
      this.#awaitsKey = false;
      for (const kind of headers) {
        const header = this.#headers.get(kind);
        if (header) this.#batch.push({ ...header, timestampMs: tag.timestampMs });
      }
    }
    this.#batch.push(tag);
    if (!isFrame) return;
    this.#frames += 1;
    if (tag.captureMs !== undefined) this.#log.captured(this.options.clock.wallMs() - tag.captureMs);
  }

  #reportSecond(nowMs: number): void {
    const seconds = (nowMs - this.#sweptMs) / 1_000;
    if (seconds <= 0) return;
    const publishing = this.#state === 'publishing';
    if (publishing) this.#log.flushed(this.#connection?.queuedBytes ?? 0, nowMs);
    const { encodedFrames, skippedFrames } = this.options.source.figures;
    const encoded = encodedFrames === null ? null : encodedFrames - this.#encodedAtSweep;
    const due = (encoded ?? 0) + skippedFrames - this.#skippedAtSweep;
    this.options.observer.second({
      up: publishing ? 1 : 0,
      sentBps: ((this.#log.sentBytes - this.#sentAtSweep) * 8) / seconds,
      fps: this.#frames / seconds,
      queueMs: publishing ? this.#log.behindMs(nowMs) : null,
      frames: this.#frames,
      droppedFrames: this.#droppedFrames,
      encoderFps: encoded === null ? null : encoded / seconds,
      encoderSpeed: encoded === null || due <= 0 ? null : encoded / due,
    });
    this.#sweptMs = nowMs;
    this.#sentAtSweep = this.#log.sentBytes;
    this.#frames = 0;
    this.#droppedFrames = 0;
    this.#encodedAtSweep = encodedFrames ?? 0;
    this.#skippedAtSweep = skippedFrames;
  }

  #closeConnection(): void {
    const connection = this.#connection;
    if (connection !== null && connection.phase === 'open') this.farewell();
    this.forget();
    connection?.close();
    this.#connection = null;
  }

  #end(failure: Failure | null): void {
    if (this.#state === 'ended') return;
    this.#reportSecond(this.options.clock.nowMs());
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#closeConnection();
    this.#state = 'ended';
    let grace: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      grace = setTimeout(resolve, stopGraceMs);
    });
    this.#stopping = Promise.race([this.options.source.stop(), patience]).finally(() => clearTimeout(grace));
    this.options.observer.ended(failure);
  }
}
