import type { Clock } from '../core/clock.ts';
import type { Link } from '../core/link/link.ts';
import type { TagSink } from '../core/media.ts';
import type { PlayerProfile } from '../core/player/profile.ts';
import type { Reason } from './reason.ts';

/**
 * One simulated viewer of one stream, whatever the protocol.
 *
 *     connecting ─ starting ─ playing ⇄ stalled ─ ended
 *                      ├──────────┴───── reconnecting ─┘ (goes on where it was)
 *                      └ paused (only where it has played; goes on as the watcher wants)
 *
 * A viewer has no timer of its own but the one that waits to reconnect: whoever holds it calls `sweep` once a second,
 * which enforces the time limits, sees a stall in progress, and samples latency. After `ended` was reported, nothing
 * more is reported and no socket is open.
 */
export interface Viewer {
  start(): void;
  /** Once a second, by the one timer that all viewers share. `nowMs` is the clock's. */
  sweep(nowMs: number): void;
  /** The watcher leaves: closes everything; `ended` has been reported when this returns. May be called at any moment, and twice. */
  stop(): void;
  /**
   * The watcher holds the picture: until `resume` nothing is read (HLS: nothing more than its buffer holds), or, with
   * `close`, the connection is closed. Does nothing while there is no picture. Paused time is neither watched nor stalled.
   */
  pause(connection?: 'keep' | 'close'): void;
  /**
   * The watcher is back, and goes on where it was, or with the newest media (`live`). A connection that was closed, or
   * lost meanwhile, is made anew; the time until it plays again is a `reconnected`. Does nothing where there was no pause.
   */
  resume(to?: 'continue' | 'live'): void;
  /** Bytes from the socket so far, in all connections of this session (TLS: after decryption). */
  readonly bytesReceived: number;
  readonly state: ViewerState;
}

export type ViewerState =
  | 'connecting'
  | 'starting'
  | 'playing'
  | 'stalled'
  | 'paused'
  | 'reconnecting'
  | 'ended';

export interface ViewerOptions {
  readonly url: string;
  /** Left out: as the URL tells. */
  readonly protocol?: 'rtmp' | 'http-flv' | 'ws-flv' | 'hls';
  readonly player: PlayerProfile;
  readonly clock: Clock;
  readonly observer: ViewerObserver;
  /** When the schedule wanted this viewer to start, in `clock.nowMs()` time: all `…Ms` figures count from here, so a late start counts against the figures. */
  readonly intendedStartMs: number;
  readonly timeouts?: Partial<Timeouts>;
  /** `null`: never. Left out: `defaultReconnect`. */
  readonly reconnect?: ReconnectPolicy | null;
  /** 0 ≤ x < 1, for jitter and the RTMP handshake. Left out: `Math.random`. */
  readonly random?: () => number;
  /** Extra request headers (HTTP and WebSocket only), e.g. `{ referer: … }`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: TlsOptions;
  /** Address of this machine to connect from. Left out: the system's choice. */
  readonly localAddress?: string;
  /** The network between this viewer and everything else, for all of its connections. Its start is in the time of `performance.now`. */
  readonly link?: Link;
  /** How an HLS viewer chooses and asks. Other viewers pay no heed to it. */
  readonly hls?: HlsOptions;
  /** Left out: it watches. */
  readonly only?: ConnectOnly;
  /** Sees every tag too, before the figures do. For probes: a whole head costs what it costs. */
  readonly tap?: ViewerTap;
}

export interface HlsOptions {
  /** Parts, blocking reload, preload hints and delta updates where the server offers them. Default `true`. */
  readonly lowLatency?: boolean;
  /** Variants with a larger picture or more bits per second (BANDWIDTH) than this are not chosen. */
  readonly maxHeight?: number;
  readonly maxBps?: number;
  /** `lowest`, `highest`: no adaptation. Default `auto`: by throughput, as hls.js does. */
  readonly quality?: 'auto' | 'lowest' | 'highest';
  /** Further behind the live edge than this the player jumps forward to where it would start (hls.js: `liveMaxLatencyDuration`). Left out: never. */
  readonly maxLatencyMs?: number;
  /** CTA-5004-B (CMCD) with each request: in the query, in headers, or (default) not at all. */
  readonly cmcd?: 'query' | 'headers' | false;
}

/** What a visitor does that watches nothing. */
export type ConnectOnly =
  /** Connects, with or without the handshake of RTMP or WebSocket, and leaves after so long; 0: at once. */
  | { readonly kind: 'connect-only'; readonly handshake: boolean; readonly holdMs: number }
  /** Connects, says nothing, and stays until it is stopped or the server closes. */
  | { readonly kind: 'idle' };

/** A second reader of the tags that a viewer receives. What it throws ends the session as `bad-media`. */
export interface ViewerTap extends TagSink {
  /** How much of each tag body it wants. */
  readonly headBytes: number;
}

export interface TlsOptions {
  /** `false` accepts any certificate (self-signed servers in a laboratory). Default `true`. */
  readonly rejectUnauthorized?: boolean;
  /** Certificate authorities to trust instead of the well-known ones, PEM. */
  readonly ca?: string;
}

/** How long each phase may take, each counted from the end of the one before. Enforced by `sweep`, so up to a second late. */
export interface Timeouts {
  /** Resolving the name and making the TCP connection. */
  readonly connectMs: number;
  readonly tlsMs: number;
  /** RTMP and WebSocket: the handshake. */
  readonly handshakeMs: number;
  /** Until the first byte of the answer, and again until the answer is complete (HTTP header; RTMP: `play` accepted). WebSocket: not used. */
  readonly firstByteMs: number;
  /** Until the first audio or video. */
  readonly firstMediaMs: number;
  /** Until the first decodable key picture is complete. Longer than the longest GOP that is to be accepted. */
  readonly firstFrameMs: number;
  /** Longest silence in mid-stream. */
  readonly silenceMs: number;
}

export const defaultTimeouts: Timeouts = {
  connectMs: 5_000,
  tlsMs: 5_000,
  handshakeMs: 5_000,
  firstByteMs: 10_000,
  firstMediaMs: 10_000,
  firstFrameMs: 15_000,
  silenceMs: 10_000,
};

/** Exponential back-off: attempt n (from 1) waits `min(maxDelayMs, firstDelayMs · 2^(n-1))`, of which the share `jitter` is random. */
export interface ReconnectPolicy {
  /** In a row; a connection that brings a key picture starts the count anew. */
  readonly maxAttempts: number;
  /** From the loss on; after that no further attempt is made. */
  readonly maxElapsedMs: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** 0 to 1: the share of the delay that is random, so that thousands do not come back in the same instant. */
  readonly jitter: number;
  /**
   * Whether a session that has shown no picture yet tries again. `false` by default: a failed start is a failure to
   * be counted, and must not hide as a slow start.
   */
  readonly beforeFirstFrame: boolean;
}

export const defaultReconnect: ReconnectPolicy = {
  maxAttempts: 5,
  maxElapsedMs: 30_000,
  firstDelayMs: 250,
  maxDelayMs: 5_000,
  jitter: 0.5,
  beforeFirstFrame: false,
};

/**
 * Hears what happens to the viewers of one series (cohort, stream, protocol), as it happens. It is shared by many viewers
 * and gets numbers only, so that a thousand viewers need no closures; tags belong to whoever made the observer.
 *
 * All `ms` figures of the start (`connected` … `startup`) count from the intended start and are reported once per
 * session; nothing of them is reported again after a reconnect.
 */
export interface ViewerObserver {
  /** Transport, TLS and handshake (RTMP, WebSocket) are ready. */
  connected(ms: number): void;
  /** First byte of the answer (RTMP: the first after the handshake; WebSocket: of the first message), told when it has turned out to be a yes. */
  firstByte(ms: number): void;
  /** First audio or video tag. */
  firstMedia(ms: number): void;
  /** Last byte of the first decodable key picture (a stream without video: of the first audio frame). */
  firstFrame(ms: number): void;
  /** The playhead has started. */
  startup(ms: number): void;
  /** Glass-to-glass latency of the first picture shown. Only for streams with the stamp. */
  joinLag(ms: number): void;
  /** Glass-to-glass latency at the playhead: once per sweep while playing. Only for streams with the stamp. */
  latency(ms: number): void;
  /** Arrival of a stamped frame − its capture time: every stamped frame. */
  delivery(ms: number): void;
  /** A stall has reached 100 ms. `startMs` is the exact start, in `clock.nowMs()` time: it lies in the past. */
  stalled(startMs: number): void;
  /** Exactly once for each `stalled`; at the latest when the session ends. */
  stallEnded(durationMs: number): void;
  /** Playing again after the connection was lost; `ms` since the loss. */
  reconnected(ms: number): void;
  // HLS only: an observer that does not want them leaves them out.
  /** How long ago the playlist last changed: once per sweep. */
  playlistAge?(ms: number): void;
  /** A segment or part: from the request to its first byte. A preload hint is not among them: it waits by design. */
  segmentTtfb?(ms: number): void;
  /** A segment or part: download time / media duration. */
  segmentDownload?(ratio: number): void;
  /** The rendition that is loaded from now on; `switched`: it is not the first. `name` is one of the few that the stream has. */
  rendition?(name: string, bitsPerSecond: number, switched: boolean): void;
  /** Each sweep and once right before `ended`: what was added since the last call. The object is reused: read it, do not keep it. */
  progress(increment: Readonly<SessionProgress>): void;
  /** The server has closed an idle connection (`only`) after so long. */
  idleClosed?(ms: number): void;
  /** The last call for this viewer. */
  ended(outcome: SessionOutcome): void;
}

/** Increments since the previous report. Over a session they add up to the figures of its outcome. */
export interface SessionProgress {
  watchedMs: number;
  playingMs: number;
  /** Time in stalls of ≥ 100 ms; of a stall in progress: so far. */
  stallMs: number;
  bytesReceived: number;
  /** Bodies of the audio and video tags. */
  mediaBytes: number;
  /** Media time received. */
  mediaMs: number;
  frames: number;
  framesMissing: number;
}

export interface SessionOutcome {
  /** `ended`: the watcher left. `failed`: anything else. */
  readonly result: 'ended' | 'failed';
  readonly phase: 'before-first-frame' | 'after-first-frame';
  /** `null` when the watcher left. */
  readonly reason: Reason | null;
  /** One clear sentence: what happened, where, and what may help. */
  readonly detail: string;
  /** Intended start to end, pauses included. */
  readonly lastedMs: number;
  readonly figures: SessionFigures;
}

/** What one session came to. Times in ms count from the intended start; `null`: the session never got there. */
export interface SessionFigures {
  readonly connectMs: number | null;
  readonly firstByteMs: number | null;
  readonly firstMediaMs: number | null;
  readonly firstFrameMs: number | null;
  readonly startupMs: number | null;
  readonly joinLagMs: number | null;
  /** Stalls of ≥ 100 ms, and those of them of ≥ 1,250 ms. */
  readonly stallCount: number;
  readonly stallCountPlayer: number;
  readonly stallMs: number;
  /** Intended start to end, start-up and stalls included, pauses not. */
  readonly watchedMs: number;
  readonly playingMs: number;
  readonly bytesReceived: number;
  readonly mediaBytes: number;
  /** Media time received. */
  readonly mediaMs: number;
  /** Video frames received (a stream without video: audio frames), each stamped frame once. */
  readonly frames: number;
  /** Frames that by the stamp's numbers should have come between the first and the last that did. */
  readonly framesMissing: number;
  readonly reconnects: number;
}
