import { randomUUID } from 'node:crypto';
import type { MultivariantPlaylist } from '../core/hls/multivariant-playlist.ts';
import { BandwidthEstimate } from '../core/hls-player/bandwidth.ts';
import {
  abandonFor,
  hidesTheFall,
  nextLevel,
  startEstimateBps,
  startLevel,
} from '../core/hls-player/choose-level.ts';
import { type Cmcd, cmcdHeaders, withCmcd } from '../core/hls-player/cmcd.ts';
import type { Item } from '../core/hls-player/cursor.ts';
import { audioOf, type Level, levelsOf } from '../core/hls-player/renditions.ts';
import { retryDelayMs } from '../core/hls-player/retry.ts';
import { lengthOf, type Position, targetLatencyMs } from '../core/hls-player/start-position.ts';
import { UnitCount, UnitMeter } from '../core/hls-player/unit-meter.ts';
import { endpointName } from './connect.ts';
import { type Asking, MediaTrack, type TrackOwner } from './hls/media-track.ts';
import { HttpConnections, type HttpRequest } from './http/http-connections.ts';
import type { HttpAsked, HttpHandler } from './http/http-options.ts';
import { parseHttpUrl } from './http-request.ts';
import { type Paced, threadPacer } from './pacer.ts';
import type { Failure } from './reason.ts';
import {
  ASKING,
  BETWEEN,
  CONNECTING,
  describeOverdue,
  ENDED,
  FLOWING,
  IDLE,
  limitOf,
  STARTING,
  type Stage,
  WAITING,
} from './stages.ts';
import type { HlsOptions, ReconnectPolicy, Viewer, ViewerOptions, ViewerState } from './viewer.ts';
import { ViewerSession } from './viewer-session.ts';

/** As hls.js tries playlists and segments again, with the patience of the other viewers. */
const hlsReconnect: ReconnectPolicy = {
  maxAttempts: 6,
  maxElapsedMs: 30_000,
  firstDelayMs: 1_000,
  maxDelayMs: 8_000,
  jitter: 0.5,
  beforeFirstFrame: false,
};
/** hls.js's `maxBufferLength`. */
const MAX_BUFFER_MS = 30_000;
const CMCD_TYPES = { playlist: 'm', init: 'i', key: 'k' } as const;
/** A playlist that has not changed for so many target durations is no longer being made. */
const STALE_TARGETS = 3;
/** Keys of one session; a server that changes them with each segment does not fill memory. */
const MAX_KEYS = 8;

/**
 * A viewer of HLS (RFC 8216bis) as hls.js plays it: `docs/adr` says what is taken from it and what is not.
 *
 *     HttpConnections ── playlists ──► MediaTrack ── what next ──► segments ──► SegmentReader ──► SessionMeter
 *           (one set per viewer)       of pictures, and of sound where that is apart
 *
 * Reloads and retries are due at moments; for the next of them the viewer stands in the thread's one pacer: a timer of its own
 * for each viewer costs more, and lets each wake the thread alone.
 */
export class HlsViewer extends ViewerSession implements Viewer, TrackOwner, Paced {
  #http: HttpConnections;
  readonly #hls: HlsOptions;
  readonly #main: MediaTrack;
  #audio: MediaTrack | null = null;
  readonly #keys = new Map<string, Uint8Array>();
  readonly lowLatency: boolean;

  #stage: Stage = IDLE;
  #stageSinceMs = 0;
  /** The pacer's. */
  slot: number | null = null;
  #armedAtMs = Number.POSITIVE_INFINITY;
  /** The same on the pacer's clock. */
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #retryAtMs = Number.POSITIVE_INFINITY;
  /** The playlist has ended: the session does, too, when what is loaded has been played. */
  #overAtMs = Number.POSITIVE_INFINITY;
  #isRecorded = false;
  #accounted = 0;
  /** Put away by a pause that closes what is open. */
  #held = false;

  #playlist: MultivariantPlaylist | null = null;
  #levels: readonly Level[] = [];
  #level = 0;
  #bandwidth: BandwidthEstimate | null = null;
  /** Of CMCD: the buffer was empty since the last request. */
  #starved = false;
  readonly #sessionId: string;

  /** Throws an Error of one sentence if the URL or a header cannot be used. */
  constructor(options: ViewerOptions) {
    super(options, hlsReconnect);
    const { url, tls } = options;
    parseHttpUrl(url, tls);
    if (options.tap) {
      throw new Error(
        'a probe cannot look into HLS streams in this version; watch them with viewers, or probe the stream as RTMP or FLV',
      );
    }
    this.#hls = options.hls ?? {};
    this.lowLatency = this.#hls.lowLatency ?? true;
    this.#sessionId = this.#hls.cmcd ? randomUUID() : '';
    this.#http = this.#connections();
    this.#main = new MediaTrack(this, url, new UnitMeter(this.meter), this.headBytes);
  }

  #connections(): HttpConnections {
    const { url, tls, headers, timeouts, clock, link, localAddress } = this.options;
    return new HttpConnections({
      clock,
      url,
      ...(headers && { headers }),
      ...(tls && { tls }),
      ...(link && { link }),
      ...(localAddress !== undefined && { localAddress }),
      timeouts: {
        connectMs: this.timeouts.connectMs,
        tlsMs: this.timeouts.tlsMs,
        firstByteMs: this.timeouts.firstByteMs,
        headMs: this.timeouts.firstByteMs,
        ...(timeouts?.silenceMs !== undefined && { silenceMs: timeouts.silenceMs }),
      },
      connected: () => {
        if (this.hasEnded) return;
        this.connectedAt(this.tick());
        if (this.#stage === CONNECTING) this.#enter(ASKING);
      },
    });
  }

  get state(): ViewerState {
    if (this.#stage === ENDED) return 'ended';
    if (this.isPaused) return 'paused';
    if (this.isLost) return 'reconnecting';
    return this.#stage < WAITING ? 'connecting' : this.meter.state;
  }

  get eventMs(): number {
    return this.nowMs;
  }

  start(): void {
    if (this.#stage !== IDLE) return;
    this.compareClocks();
    this.#enter(CONNECTING);
    this.#main.load();
    this.#arm();
  }

  stop(): void {
    if (this.#stage !== ENDED) this.end({ result: 'ended', reason: null, detail: 'the viewer left' });
  }

  sweep(nowMs: number): void {
    if (this.#stage === IDLE || this.#stage === ENDED) return;
    this.#account();
    this.report(nowMs);
    // Before the requests' own limits: what a viewer misses says more than what a connection does.
    const failure = this.#stage === BETWEEN || this.isPaused ? null : this.#overdue(nowMs);
    if (failure) this.#lost(failure);
    if (!this.hasEnded) this.#http.sweep(nowMs);
    if (this.hasEnded) return;
    this.#due(nowMs);
    if (this.hasEnded || this.#stage === BETWEEN || this.isPaused) return;
    const { changedMs, playlist } = this.#main;
    if (playlist !== null && !playlist.ended) this.observer.playlistAge?.(nowMs - changedMs);
    this.#watchDownload();
    this.#catchUp();
  }

  // TrackOwner

  get(track: MediaTrack, asking: Asking, asked: HttpAsked, handler: HttpHandler): HttpRequest {
    const { cmcd } = this.#hls;
    if (!cmcd) return this.#http.request(asked, handler);
    const data = this.#cmcdOf(track, asking);
    return this.#http.request(
      cmcd === 'query'
        ? { ...asked, url: withCmcd(asked.url, data) }
        : { ...asked, headers: cmcdHeaders(data) },
      handler,
    );
  }

  arrived(): void {
    this.#account();
  }

  answered(): void {
    this.firstByteAt(this.nowMs);
    if (this.#stage < WAITING) this.#enter(WAITING);
  }

  multivariant(playlist: MultivariantPlaylist): void {
    if (this.#playlist !== null) {
      this.fail({
        reason: 'bad-response',
        detail: `${this.#where} has a variant that is a playlist of variants again; it must be one of segments`,
      });
      return;
    }
    const levels = levelsOf(playlist, this.#hls);
    if (levels.length === 0) {
      this.fail({
        reason: 'no-media',
        detail: `${this.#where} answered with a playlist that lists neither segments nor variants; check that the stream is being published`,
      });
      return;
    }
    this.#playlist = playlist;
    this.#levels = levels;
    const firstListed = playlist.variants[0]?.bandwidth ?? 0;
    const estimateBps = startEstimateBps(firstListed);
    this.#bandwidth = new BandwidthEstimate(estimateBps);
    const quality = this.#hls.quality ?? 'auto';
    if (quality === 'highest') this.#level = levels.length - 1;
    else this.#level = quality === 'lowest' ? 0 : startLevel(levels, estimateBps);
    this.#main.variables = playlist.variables;
    const { variant } = this.#chosen!;
    this.#tellRendition(false);
    const sound = audioOf(playlist, variant);
    this.#main.switchTo(variant.url);
    if (sound?.url) {
      this.#audio = new MediaTrack(this, sound.url, new UnitCount(this.meter), 0);
      this.#audio.variables = playlist.variables;
      this.#audio.load();
    }
  }

  playlistLoaded(): void {
    this.#arm();
  }

  placed(track: MediaTrack, { offsetMs }: Position): void {
    if (track !== this.#main) return;
    this.#isRecorded = track.playlist?.ended ?? false;
    this.meter.startAt(offsetMs);
  }

  fellBehind(track: MediaTrack): void {
    if (track === this.#main) this.meter.discontinuity();
  }

  wants(track: MediaTrack): boolean {
    if (this.hasEnded || this.#held || this.#retryAtMs !== Number.POSITIVE_INFINITY) return false;
    if (track === this.#main) return this.meter.bufferMs(this.nowMs) < MAX_BUFFER_MS;
    // Sound is loaded in step with the pictures, not ahead of them.
    return track.cursor.sequence <= this.#main.cursor.sequence;
  }

  discontinuity(track: MediaTrack): void {
    if (track === this.#main) this.meter.discontinuity();
  }

  loaded(track: MediaTrack, item: Item, request: HttpRequest): void {
    const elapsedMs = this.nowMs - request.sentMs;
    if (item.kind !== 'hint') {
      this.observer.segmentTtfb?.(request.firstByteMs - request.sentMs);
      if (item.durationMs > 0) this.observer.segmentDownload?.(elapsedMs / item.durationMs);
    }
    if (track === this.#main) {
      this.meter.append();
      // A hint's time is the server's, who waited for it to be made.
      if (item.kind !== 'hint') this.#bandwidth?.add(elapsedMs, request.wireBytes);
      this.checkRecovery();
      if (track.cursor.part === 0) this.#chooseLevel();
      this.#audio?.pump();
    }
    this.#arm();
  }

  over(track: MediaTrack): void {
    if (track !== this.#main) return;
    this.#overAtMs = this.nowMs + this.meter.bufferMs(this.nowMs);
    this.#arm();
  }

  failed(track: MediaTrack, asking: Asking, failure: Failure, status: number | null): void {
    if (this.hasEnded) return;
    this.#account();
    if (track === this.#main) this.meter.drop();
    // Below 400: the answer was a yes, and broke off.
    if (typeof asking !== 'object' || status === null || status < 400) {
      this.#lost(failure);
      return;
    }
    // The server has an answer, and it is no: a matter of this segment, not of the connection.
    if (asking.kind === 'hint') track.forgetHint();
    else {
      track.failures++;
      const delayMs = retryDelayMs(track.failures, status, this.#newerThan(track, asking));
      if (delayMs === null) track.pass(asking);
      else track.retryAtMs = this.nowMs + delayMs;
      if (delayMs === null) track.pump();
    }
    this.#arm();
  }

  key(url: string): Uint8Array | undefined {
    return this.#keys.get(url);
  }

  keepKey(url: string, key: Uint8Array): void {
    const [oldest] = this.#keys.keys();
    if (this.#keys.size >= MAX_KEYS && oldest !== undefined) this.#keys.delete(oldest);
    this.#keys.set(url, key);
  }

  protected release(): void {
    this.#account();
    threadPacer().remove(this);
    this.#http.close();
    this.#stage = ENDED;
  }

  /** What is under way is given up, and nothing more asked for; a player that is put away begins at the given URL again. */
  protected hold(close: boolean): void {
    this.#held = true;
    this.#account();
    this.meter.drop();
    this.#main.abort();
    this.#audio?.abort();
    this.#arm();
    if (!close) return;
    this.#main.forget(this.options.url);
    this.#audio = null;
    this.#playlist = null;
    this.#levels = [];
    this.#bandwidth = null;
    this.#http.close();
    this.#http = this.#connections();
    this.#accounted = 0;
    this.#retryAtMs = Number.POSITIVE_INFINITY;
    this.#arm();
  }

  protected goOn(anew: boolean): void {
    this.#held = false;
    if (anew) this.#enter(ASKING);
    this.#main.mayRestart();
    this.#audio?.mayRestart();
    this.#main.resume();
    this.#audio?.resume();
  }

  get #where(): string {
    return endpointName(parseHttpUrl(this.#main.url, this.options.tls).endpoint);
  }

  /** What CTA-5004-B has words for, of this request. */
  #cmcdOf(track: MediaTrack, asking: Asking): Cmcd {
    const { state } = this;
    const bufferMs = this.meter.bufferMs(this.nowMs);
    const isMedia = typeof asking === 'object';
    const isSound = track === this.#audio;
    const playlist = this.#main.playlist;
    const chosen = this.#chosen;
    const stalled = state === 'stalled' || state === 'reconnecting';
    const started = this.meter.hasFirstFrame;
    const wasEmpty = isMedia && this.#starved;
    if (isMedia) this.#starved = false;
    return {
      v: 2,
      sf: 'h',
      sid: this.#sessionId,
      cid: (this.options.url.split(/[?#]/, 1)[0] ?? '').replace(/^[a-z]+:\/\/[^/]*\//i, '').slice(0, 64),
      sta: stalled ? 'r' : started ? 'p' : 's',
      su: stalled || !started,
      ot: isMedia ? (isSound ? 'a' : this.#audio === null ? 'av' : 'v') : CMCD_TYPES[asking],
      ...(playlist && {
        st: playlist.ended ? 'v' : playlist.partTargetMs !== null && this.lowLatency ? 'll' : 'l',
      }),
      ...(isMedia && { d: asking.durationMs, bl: bufferMs, bs: wasEmpty }),
      ...(isMedia && started && { dl: bufferMs }),
      ...(isMedia && chosen && !isSound && { br: chosen.bps / 1_000 }),
      ...(isMedia && chosen && { tb: this.#levels.at(-1)!.bps / 1_000 }),
      ...(this.#bandwidth && started && { mtp: this.#bandwidth.bps / 1_000 }),
    };
  }

  override stalled(startMs: number): void {
    this.#starved = true;
    super.stalled(startMs);
  }

  get #chosen(): Level | undefined {
    return this.#levels[this.#level];
  }

  #enter(stage: Stage): void {
    if (this.#stage === ENDED) return;
    this.#stage = stage;
    this.#stageSinceMs = this.nowMs;
  }

  /** What has come off the wire since the last time. */
  #account(): void {
    const bytes = this.#http.bytesReceived;
    if (bytes > this.#accounted) this.took(bytes - this.#accounted);
    this.#accounted = bytes;
  }

  #newerThan({ playlist }: MediaTrack, { sequence }: Item): number {
    return playlist === null ? 0 : playlist.mediaSequence + playlist.segments.length - 1 - sequence;
  }

  #lost(failure: Failure): void {
    if (this.hasEnded || this.#retryAtMs !== Number.POSITIVE_INFINITY) return;
    const delayMs = this.lostBy(failure);
    if (delayMs === null) return;
    this.meter.drop();
    this.meter.reconnected();
    this.#main.abortMedia();
    this.#main.mayRestart();
    this.#audio?.mayRestart();
    this.#enter(BETWEEN);
    this.#retryAtMs = this.nowMs + delayMs;
    this.#arm();
  }

  /** Does what is due by now, and waits for the next. */
  #due(nowMs: number): void {
    if (nowMs >= this.#overAtMs) {
      this.#finish();
      return;
    }
    if (nowMs >= this.#retryAtMs) {
      this.#retryAtMs = Number.POSITIVE_INFINITY;
      this.#enter(ASKING);
      this.#main.resume();
      this.#audio?.resume();
    } else if (this.#retryAtMs === Number.POSITIVE_INFINITY) {
      this.#main.wake(nowMs);
      this.#audio?.wake(nowMs);
    }
    this.#arm();
  }

  /** To be woken for the next thing that is due. */
  #arm(): void {
    if (this.hasEnded || this.#stage === ENDED) return;
    const atMs = this.#nextDueMs();
    if (atMs === this.#armedAtMs) return;
    this.#armedAtMs = atMs;
    const pacer = threadPacer();
    this.#wakeAtMs = atMs - this.clock.nowMs() + pacer.nowMs();
    pacer.at(this.#wakeAtMs, this);
  }

  /** Of the pacer: what was asked for is due, or so far away that it has to be asked for again. */
  wake(pacerMs: number): void {
    if (pacerMs < this.#wakeAtMs) {
      threadPacer().at(this.#wakeAtMs, this);
      return;
    }
    const atMs = this.#armedAtMs;
    this.#armedAtMs = Number.POSITIVE_INFINITY;
    // The two clocks are read one after the other.
    this.nowMs = Math.max(this.clock.nowMs(), atMs);
    if (!this.hasEnded) this.#due(this.nowMs);
  }

  #nextDueMs(): number {
    if (this.#retryAtMs !== Number.POSITIVE_INFINITY) return Math.min(this.#retryAtMs, this.#overAtMs);
    let atMs = this.#overAtMs;
    atMs = this.#trackDueMs(this.#main, atMs);
    if (this.#audio !== null) atMs = this.#trackDueMs(this.#audio, atMs);
    return atMs;
  }

  #trackDueMs({ reloadAtMs, retryAtMs }: MediaTrack, untilMs: number): number {
    return Math.min(untilMs, reloadAtMs, retryAtMs > this.nowMs ? retryAtMs : untilMs);
  }

  #finish(): void {
    if (this.#isRecorded) this.end({ result: 'ended', reason: null, detail: 'played to the end' });
    else
      this.fail({
        reason: 'publisher-gone',
        detail: `${this.#where} ended the playlist in good order (EXT-X-ENDLIST); the publisher has left`,
      });
  }

  /** hls.js chooses before each segment; what is chosen is loaded from the next one on. */
  #chooseLevel(): void {
    if (this.#bandwidth === null || (this.#hls.quality ?? 'auto') !== 'auto') return;
    this.#switchTo(nextLevel(this.#levels, this.#level, this.#bandwidth.bps));
  }

  #switchTo(level: number): void {
    if (level === this.#level) return;
    this.#level = level;
    this.#main.switchTo(this.#chosen!.variant.url);
    this.#tellRendition(true);
  }

  #tellRendition(switched: boolean): void {
    const { name, bps } = this.#chosen!;
    this.observer.rendition?.(name, bps, switched);
  }

  /** A download that will come too late is given up for a lower rendition of the same segment. */
  #watchDownload(): void {
    const { item, request } = this.#main;
    if (item === null || request === null || item.kind !== 'segment' || this.#bandwidth === null) return;
    if (this.#hls.quality !== undefined && this.#hls.quality !== 'auto') return;
    if (Number.isNaN(request.sentMs)) return;
    const elapsedMs = this.nowMs - request.sentMs;
    const level = abandonFor(this.#levels, this.#level, {
      elapsedMs,
      bytes: request.wireBytes,
      totalBytes: null,
      segmentMs: item.durationMs,
      bufferMs: this.meter.bufferMs(this.nowMs),
    });
    if (level === null) return;
    this.#bandwidth.add(elapsedMs, request.wireBytes);
    const { bps } = this.#levels[level]!;
    if (hidesTheFall(this.#bandwidth.bps, bps)) this.#bandwidth = new BandwidthEstimate(bps);
    this.#main.abortMedia();
    this.meter.drop();
    this.#switchTo(level);
  }

  /** hls.js's `liveMaxLatencyDuration`: too far behind the live edge it jumps to where it would start. */
  #catchUp(): void {
    const { maxLatencyMs } = this.#hls;
    const { playlist, cursor, playlistMs } = this.#main;
    if (maxLatencyMs === undefined || playlist === null || playlist.ended) return;
    const aheadMs = playlist.segments
      .filter(({ sequence }) => sequence >= cursor.sequence)
      .reduce((sum, { durationMs }) => sum + durationMs, lengthOf(playlist.parts));
    const behindMs = this.meter.bufferMs(this.nowMs) + aheadMs + this.nowMs - playlistMs;
    if (behindMs > maxLatencyMs) this.meter.skip(behindMs - targetLatencyMs(playlist, this.lowLatency));
  }

  /** What has taken too long by now, if anything. Moves on to the next stage where media has come. */
  #overdue(nowMs: number): Failure | null {
    const { meter } = this;
    if (this.#stage === WAITING && meter.hasMedia) this.#enter(STARTING);
    if (this.#stage === STARTING && meter.decodable) this.#enter(FLOWING);
    const isFlowing = this.#stage === FLOWING;
    // A recording that plays brings nothing new while its buffer is full; one that does not begin is late like any other.
    if (this.#stage < WAITING || (isFlowing && this.#main.playlist?.ended)) return null;
    const targetMs = this.#main.playlist?.targetDurationMs ?? 0;
    const isWaiting = isFlowing && !meter.tagUnderWay;
    const limitMs = Math.max(limitOf(this.#stage, this.timeouts), isWaiting ? STALE_TARGETS * targetMs : 0);
    const sinceMs = isFlowing ? this.lastMediaMs : this.#stageSinceMs;
    // With a full buffer nothing is asked for.
    if (nowMs - sinceMs < limitMs || meter.bufferMs(nowMs) >= MAX_BUFFER_MS - targetMs) return null;
    const { playlistMs } = this.#main;
    if (isFlowing && playlistMs > sinceMs && nowMs - playlistMs < limitMs && !meter.tagUnderWay) {
      return {
        reason: 'publisher-gone',
        detail: `${this.#where} still answers, but its playlist has brought no media for ${Math.round(nowMs - sinceMs)} ms; the publisher has probably left`,
      };
    }
    const limits = { ...this.timeouts, silenceMs: Math.max(this.timeouts.silenceMs, limitMs) };
    const heard = isFlowing ? nowMs - this.lastByteMs < limitMs : this.lastByteMs >= this.#stageSinceMs;
    return describeOverdue(this.#stage, limits, this.#where, meter, heard);
  }
}
