import { ProtocolError } from '../core/media.ts';
import { type RtmpClientEvent, RtmpClientSession } from '../core/rtmp/client-session.ts';
import { parseRtmpUrl, type RtmpUrl } from '../core/rtmp/url.ts';
import { backOffMs } from './back-off.ts';
import { Connection, endpointName } from './connect.ts';
import {
  defaultPublishReconnect,
  defaultPublishTimeouts,
  type Publisher,
  type PublisherOptions,
  type PublisherState,
  type PublishTimeouts,
} from './publisher.ts';
import type { Failure } from './reason.ts';
import { RtmpAuthentication } from './rtmp-authentication.ts';
import { describeRefusal } from './rtmp-refusal.ts';
import { SendLog } from './send-log.ts';
import type { SourceTag, TagKind } from './sources/source.ts';
import type { ReconnectPolicy } from './viewer.ts';

/** 8 s at 4 Mbit/s: longer than a hiccup, short of harm. */
const defaultMaxQueueBytes = 4 * 1024 * 1024;
/** A batch up to this size is copied into one piece: cheaper than a `writev` of many small ones. */
const copiedBatchBytes = 64 * 1024;
/** How long the goodbye may take. */
const stopGraceMs = 1_500;

const headers: readonly TagKind[] = ['metadata', 'video-config', 'audio-config'];

/** Publishes a source over RTMP or RTMPS: see `Publisher`. */
export class RtmpPublisher implements Publisher {
  readonly #options: PublisherOptions;
  readonly #url: RtmpUrl;
  readonly #authentication: RtmpAuthentication;
  readonly #timeouts: PublishTimeouts;
  readonly #reconnect: ReconnectPolicy | null;
  readonly #random: () => number;
  readonly #maxQueueBytes: number;

  #state: PublisherState = 'connecting';
  #connection: Connection | null = null;
  #session: RtmpClientSession | null = null;
  #opened = false;
  #attemptStartMs = 0;
  #attempt = 0;
  #lostAtMs: number | null = null;
  #everPublished = false;
  #retryTimer: NodeJS.Timeout | null = null;
  #stopping: Promise<void> | null = null;

  /** Headers as last sent by the source, by kind: a new connection begins with them. */
  readonly #headers = new Map<TagKind, SourceTag>();
  /** Until a key frame comes: after a (re)connect and after frames were dropped. */
  #awaitsKey = true;
  #hasVideo = false;
  readonly #batch: Uint8Array[] = [];
  #batching = false;
  readonly #log = new SendLog();

  #frames = 0;
  #droppedFrames = 0;
  #sweptMs: number;
  #sentAtSweep = 0;
  #encodedAtSweep = 0;
  #skippedAtSweep = 0;

  /** @throws Error with one clear sentence when the URL is none of RTMP */
  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#url = parseRtmpUrl(options.url);
    this.#timeouts = { ...defaultPublishTimeouts, ...options.timeouts };
    this.#reconnect = options.reconnect === undefined ? defaultPublishReconnect : options.reconnect;
    this.#random = options.random ?? Math.random;
    this.#authentication = new RtmpAuthentication(this.#url, this.#random);
    this.#maxQueueBytes = options.maxQueueBytes ?? defaultMaxQueueBytes;
    this.#sweptMs = options.clock.nowMs();
  }

  get state(): PublisherState {
    return this.#state;
  }

  start(): void {
    this.#options.source.start({
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
      if (nowMs - this.#attemptStartMs > this.#timeouts.handshakeMs) {
        this.#lose({
          reason: 'first-byte-timeout',
          detail: `${this.#where} accepted the connection but did not permit publishing within ${this.#timeouts.handshakeMs} ms; check that it speaks RTMP`,
        });
      }
    } else if (this.#state === 'publishing' && this.#log.stuckMs(nowMs) > this.#timeouts.stuckMs) {
      this.#lose({
        reason: 'too-slow',
        detail: `${this.#where} took no data for ${this.#timeouts.stuckMs} ms; the server or the network hangs`,
      });
    }
  }

  stop(): Promise<void> {
    this.#end(null);
    return this.#stopping ?? Promise.resolve();
  }

  get #where(): string {
    return endpointName(this.#url);
  }

  get #what(): string {
    return `Publishing ${this.#url.app}/${this.#url.stream.replace(/\?.*$/, '')} to ${this.#where}`;
  }

  /** `startedMs`: when the attempt began of which this connection is a part. */
  #open(startedMs = this.#options.clock.nowMs()): void {
    this.#retryTimer = null;
    this.#state = 'connecting';
    this.#opened = false;
    this.#attemptStartMs = this.#options.clock.nowMs();
    const { tls, clock } = this.#options;
    const connection = new Connection(
      { host: this.#url.host, port: this.#url.port, secure: this.#url.secure, ...(tls && { tls }) },
      {
        opened: () => {
          this.#opened = true;
          this.#attemptStartMs = clock.nowMs();
          session.start();
        },
        received: (bytes, end) => session.receive(bytes, 0, end),
        finished: () =>
          this.#lose({ reason: 'closed', detail: `${this.#where} closed the connection without saying why` }),
        failed: (failure) => this.#lose(failure),
        threw: (error) => this.#lose(describeThrown(error, this.#where)),
      },
      this.#timeouts,
      clock,
    );
    const session = new RtmpClientSession({
      url: this.#authentication.url,
      mode: 'publish',
      random: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(this.#random() * 256)),
      write: (pieces) => {
        if (this.#batching) this.#batch.push(...pieces);
        else this.#write(pieces);
      },
      event: (event) => this.#heed(event, startedMs),
    });
    this.#connection = connection;
    this.#session = session;
    connection.open();
  }

  #heed(event: RtmpClientEvent, startedMs: number): void {
    switch (event.kind) {
      case 'started': {
        this.#state = 'publishing';
        this.#awaitsKey = true;
        this.#log.reset(this.#options.clock.nowMs());
        this.#options.observer.connected(this.#options.clock.nowMs() - startedMs);
        if (this.#everPublished) this.#options.observer.reconnected();
        this.#everPublished = true;
        this.#lostAtMs = null;
        this.#attempt = 0;
        this.#authentication.reset();
        break;
      }
      case 'refused':
        if (this.#authentication.answer(event.description)) {
          // A question, no refusal: the answer goes into a new connection.
          this.#closeConnection();
          this.#open(startedMs);
          break;
        }
        this.#lose(describeRefusal(event.code, event.description, this.#what));
        break;
      case 'ended':
        this.#lose({
          reason: 'closed',
          detail: `${this.#where} ended the publication (${event.code || event.description})`,
        });
        break;
      default:
    }
  }

  #send(due: readonly SourceTag[]): void {
    const session = this.#session;
    const sending = this.#state === 'publishing' && session !== null;
    if (sending && (this.#connection?.queuedBytes ?? 0) > this.#maxQueueBytes) this.#awaitsKey = true;
    this.#batching = sending;
    for (const tag of due) {
      if (headers.includes(tag.kind)) {
        this.#headers.set(tag.kind, tag);
        if (tag.kind === 'video-config') this.#hasVideo = true;
      }
      if (sending) this.#sendOne(session, tag);
    }
    this.#batching = false;
    if (this.#batch.length > 0) {
      this.#write(this.#batch);
      this.#batch.length = 0;
    }
  }

  #sendOne(session: RtmpClientSession, tag: SourceTag): void {
    const isFrame = tag.kind === 'key' || tag.kind === 'inter';
    if (this.#awaitsKey) {
      const full = (this.#connection?.queuedBytes ?? 0) > this.#maxQueueBytes;
      // Without video any frame is one to begin with.
      const begins = !full && (tag.kind === 'key' || (tag.kind === 'audio' && !this.#hasVideo));
      if (!begins) {
        if (isFrame) this.#droppedFrames += 1;
        return;
      }
      this.#awaitsKey = false;
      for (const kind of headers) {
        const header = this.#headers.get(kind);
        if (header) session.sendTag(header.type, tag.timestampMs, ...header.pieces);
      }
    }
    session.sendTag(tag.type, tag.timestampMs, ...tag.pieces);
    if (!isFrame) return;
    this.#frames += 1;
    if (tag.captureMs !== undefined) this.#log.captured(this.#options.clock.wallMs() - tag.captureMs);
  }

  #write(pieces: readonly Uint8Array[]): void {
    const connection = this.#connection;
    if (connection === null) return;
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    connection.write(
      pieces.length > 1 && bytes <= copiedBatchBytes ? [Buffer.concat(pieces, bytes)] : [...pieces],
    );
    this.#log.wrote(bytes, this.#options.clock.nowMs(), connection.queuedBytes);
  }

  #reportSecond(nowMs: number): void {
    const seconds = (nowMs - this.#sweptMs) / 1_000;
    if (seconds <= 0) return;
    const publishing = this.#state === 'publishing';
    if (publishing) this.#log.flushed(this.#connection?.queuedBytes ?? 0, nowMs);
    const { encodedFrames, skippedFrames } = this.#options.source.figures;
    const encoded = encodedFrames === null ? null : encodedFrames - this.#encodedAtSweep;
    const due = (encoded ?? 0) + skippedFrames - this.#skippedAtSweep;
    this.#options.observer.second({
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

  /** The connection is lost, or was never had: try again, or end. */
  #lose(failure: Failure): void {
    if (this.#state === 'ended' || this.#state === 'waiting') return;
    const nowMs = this.#options.clock.nowMs();
    this.#closeConnection();
    this.#authentication.reset();
    this.#lostAtMs ??= nowMs;
    const policy = this.#reconnect;
    // What is refused for want of permission is refused the next time, too; so is a certificate.
    const hopeless = failure.reason === 'auth' || (failure.reason === 'tls' && !this.#everPublished);
    const final = policy === null || hopeless || (!this.#everPublished && !policy.beforeFirstFrame);
    const delayMs = final ? null : backOffMs(policy, this.#attempt + 1, nowMs - this.#lostAtMs, this.#random);
    if (delayMs === null) {
      this.#end(failure);
      return;
    }
    this.#attempt += 1;
    this.#state = 'waiting';
    this.#options.observer.retrying(failure, delayMs);
    this.#retryTimer = setTimeout(() => this.#open(), delayMs);
  }

  #closeConnection(): void {
    this.#session?.close();
    this.#connection?.close();
    this.#session = null;
    this.#connection = null;
  }

  #end(failure: Failure | null): void {
    if (this.#state === 'ended') return;
    this.#reportSecond(this.#options.clock.nowMs());
    this.#state = 'ended';
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#closeConnection();
    let grace: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      grace = setTimeout(resolve, stopGraceMs);
    });
    this.#stopping = Promise.race([this.#options.source.stop(), patience]).finally(() => clearTimeout(grace));
    this.#options.observer.ended(failure);
  }
}

function describeThrown(error: unknown, where: string): Failure {
  if (error instanceof ProtocolError) {
    return {
      reason: 'bad-response',
      detail: `${where} does not speak RTMP as expected (${error.code}: ${error.message})`,
    };
  }
  return {
    reason: 'bad-response',
    detail: `${where}: ${error instanceof Error ? error.message : String(error)}`,
  };
}
