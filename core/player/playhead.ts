import type { PlayerProfile } from './profile.ts';

export type PlayheadState = 'starting' | 'playing' | 'stalled';

/**
 * How a watcher comes back from a pause: `continue` goes on where it was; `live` goes on with the newest media as soon
 * as it has come; `anew` has thrown away what it had (the connection was closed meanwhile).
 */
export type PauseEnd = 'continue' | 'live' | 'anew';

/** Hears of changes when they become known; the times are when they happened, which may be before. */
export interface PlayheadListener {
  playheadStarted(atMs: number): void;
  /** A stall has reached the profile's 100 ms. */
  playheadStalled(sinceMs: number): void;
  /** Once for each `playheadStalled`. */
  playheadResumed(sinceMs: number, untilMs: number): void;
}

/**
 * A player without a picture: where it would be in the media, given when the media came (design: "the player model").
 *
 *     media   ├──────────────────────┤ end: all media up to here has arrived
 *     playhead        ├─►  advances with wall time … and stalls exactly when it reaches the end
 *
 * It has no timer. Between two arrivals nothing but time changes, so the moment of a stall follows from the position,
 * the rate and the end: `advance` computes it afterwards, to the same figure however late or often it is called.
 * All times are `clock.nowMs()` milliseconds; media times are those of a `Timeline`.
 *
 * Every moment after the start is either playing or stalled: `playingMs + stallMs` is the time since the start. A gap
 * below `minStallMs` counts as playing. Paused time is neither: for the playhead it does not pass.
 */
export class Playhead {
  readonly #profile: PlayerProfile;
  readonly #listener: PlayheadListener;
  #state: PlayheadState = 'starting';
  #hasMedia = false;
  /** Position and time that belong together, and the speed since then. */
  #positionMs = 0;
  #atMs = Number.NEGATIVE_INFINITY;
  #rate = 1;
  #endMs = 0;
  #firstMs = 0;
  #startOffsetMs = 0;

  #stallSinceMs = 0;
  #stallTold = false;
  #paused = false;
  /** Until then the watcher is on the way to the newest media. */
  #seeksLiveUntilMs = Number.NEGATIVE_INFINITY;
  #resumeBufferMs: number;
  #playingMs = 0;
  #stallMs = 0;
  #stallCount = 0;
  #stallCountPlayer = 0;

  constructor(profile: PlayerProfile, listener: PlayheadListener) {
    this.#profile = profile;
    this.#listener = listener;
    this.#resumeBufferMs = profile.resumeBufferMs;
  }

  /** As of the last `media` or `advance`. */
  get state(): PlayheadState {
    return this.#state;
  }

  /** Media time at the playhead, as of the last `media` or `advance`. */
  get positionMs(): number {
    return this.#positionMs;
  }

  /** Media that has arrived and has not been played. */
  get bufferMs(): number {
    return this.#endMs - this.#positionMs;
  }

  /** Media that has arrived at all. */
  get mediaMs(): number {
    return Math.max(0, this.#endMs - this.#firstMs);
  }

  /** Since the start, but for stalls of ≥ `minStallMs`. A gap in progress is in neither figure until it is known which it is. */
  get playingMs(): number {
    return this.#playingMs;
  }

  /** Time in stalls of ≥ `minStallMs`, with what has passed of one in progress. */
  get stallMs(): number {
    return this.#stallTold ? this.#stallMs + (this.#atMs - this.#stallSinceMs) : this.#stallMs;
  }

  /** Stalls of ≥ `minStallMs`, with one in progress. */
  get stallCount(): number {
    return this.#stallCount;
  }

  /** Stalls of ≥ 1,250 ms: those that hls.js would report. */
  get stallCountPlayer(): number {
    return this.#stallTold && this.#atMs - this.#stallSinceMs >= PLAYER_STALL_MS
      ? this.#stallCountPlayer + 1
      : this.#stallCountPlayer;
  }

  /** The player begins so far behind the first picture that comes: within a segment. Before the first `media`. */
  startAt(offsetMs: number): void {
    this.#startOffsetMs = offsetMs;
  }

  /** Jumps forward over media that has arrived, at most to its end; what lies between is never shown. */
  skip(ms: number): void {
    if (this.#state === 'playing') this.#positionMs = Math.min(this.#endMs, this.#positionMs + ms);
  }

  /** All media from `ptsStartMs` on, which is the first picture's time on the first call, up to `ptsEndMs` has arrived by `nowMs`. */
  media(ptsStartMs: number, ptsEndMs: number, nowMs: number): void {
    this.advance(nowMs);
    if (!this.#hasMedia) {
      this.#hasMedia = true;
      this.#positionMs = ptsStartMs + this.#startOffsetMs;
      this.#firstMs = ptsStartMs;
      // With B-frames the first picture is due only after some that are decoded later.
      this.#endMs = Math.min(ptsStartMs, ptsEndMs);
    }
    if (ptsEndMs > this.#endMs) this.#endMs = ptsEndMs;
    if (this.#paused) return;
    if (nowMs <= this.#seeksLiveUntilMs) this.#seekLive();
    switch (this.#state) {
      case 'starting':
        if (this.bufferMs < this.#profile.startBufferMs) return;
        this.#state = 'playing';
        this.#listener.playheadStarted(this.#atMs);
        break;
      case 'stalled':
        if (this.bufferMs <= 0 || this.bufferMs < this.#resumeBufferMs) return;
        this.#endStall();
        this.#state = 'playing';
        break;
    }
    this.#catchUp();
  }

  /** Lets time pass. A `nowMs` before the last one changes nothing. */
  advance(nowMs: number): void {
    if (!(nowMs > this.#atMs)) return;
    if (this.#paused) {
      this.#atMs = nowMs;
      return;
    }
    if (this.#state === 'playing') this.#play(nowMs);
    this.#atMs = nowMs;
    if (
      this.#state === 'stalled' &&
      !this.#stallTold &&
      nowMs - this.#stallSinceMs >= this.#profile.minStallMs
    ) {
      this.#stallTold = true;
      this.#stallCount++;
      this.#listener.playheadStalled(this.#stallSinceMs);
    }
  }

  /** The session ends: a stall in progress ends with it. Nothing may be called after this. */
  finish(nowMs: number): void {
    this.advance(nowMs);
    if (this.#state === 'stalled' && !this.#paused) this.#endStall();
  }

  /** The watcher holds the picture: a stall in progress ends with that. */
  pause(nowMs: number): void {
    this.advance(nowMs);
    if (this.#state === 'stalled' && !this.#paused) this.#countStall();
    this.#paused = true;
  }

  /** The watcher is back. Nothing happens where there was no pause. */
  resume(nowMs: number, how: PauseEnd): void {
    if (!this.#paused) return;
    this.advance(nowMs);
    this.#paused = false;
    // Waiting for media begins anew: what was waited for before the pause has been counted.
    this.#stallSinceMs = nowMs;
    if (how === 'live') this.#seeksLiveUntilMs = nowMs + LIVE_SEEK_MS;
    if (how === 'anew') this.#positionMs = this.#endMs;
  }

  /** Plays until `nowMs` or until the media ends, and slows down on the way when it has caught up. */
  #play(nowMs: number): void {
    let leftMs = nowMs - this.#atMs;
    const { catchUp } = this.#profile;
    if (this.#rate !== 1 && catchUp) {
      const fastMs = Math.min(leftMs, Math.max(0, this.bufferMs - catchUp.targetMs) / this.#rate);
      this.#positionMs += fastMs * this.#rate;
      this.#playingMs += fastMs;
      leftMs -= fastMs;
      if (leftMs > 0) this.#rate = 1;
    }
    if (leftMs < this.bufferMs) {
      this.#positionMs += leftMs;
      this.#playingMs += leftMs;
      return;
    }
    this.#playingMs += this.bufferMs;
    this.#stallSinceMs = nowMs - leftMs + this.bufferMs;
    this.#positionMs = this.#endMs;
    this.#state = 'stalled';
    this.#rate = 1;
  }

  #endStall(): void {
    this.#countStall();
    this.#resumeBufferMs = Math.min(this.#profile.resumeBufferMaxMs, this.#resumeBufferMs * 2);
  }

  #countStall(): void {
    const lastedMs = this.#atMs - this.#stallSinceMs;
    if (this.#stallTold) {
      this.#stallTold = false;
      this.#stallMs += lastedMs;
      if (lastedMs >= PLAYER_STALL_MS) this.#stallCountPlayer++;
      this.#listener.playheadResumed(this.#stallSinceMs, this.#atMs);
    } else {
      this.#playingMs += lastedMs;
    }
  }

  /** Skips what came late, but for as much as a start needs. */
  #seekLive(): void {
    const keepMs = Math.max(this.#profile.startBufferMs, this.#resumeBufferMs);
    if (this.bufferMs > keepMs) this.#positionMs = this.#endMs - keepMs;
  }

  #catchUp(): void {
    const { catchUp } = this.#profile;
    if (catchUp === null || this.bufferMs <= catchUp.whenBehindMs) return;
    if (catchUp.how === 'seek') this.#positionMs = this.#endMs - catchUp.targetMs;
    else this.#rate = catchUp.rate;
  }
}

/** What a server and two kernels have kept during a pause comes in a burst that is shorter than this. */
const LIVE_SEEK_MS = 1_000;
/** hls.js 1.x reports a stall (`bufferStalledError`) after its `detectStallWithCurrentTimeMs`. */
const PLAYER_STALL_MS = 1_250;
