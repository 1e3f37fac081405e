import type { Stamp } from '../../../core/stamp/stamp.ts';
import type { Protocol } from '../settings.ts';
import { CaptureTimes } from '../watching/capture-times.ts';
import { StallCounter, type Stalls } from '../watching/stall-counter.ts';
import { playFlv } from './flv-source.ts';
import { playHls } from './hls-source.ts';
import { PictureReader } from './picture-stamp.ts';
import type { Source } from './source.ts';

/** Half a frame at 25 a second: a frame's time on the timeline is off by roundings of its container. */
const NEAR_MS = 20;
/** Reading pixels back costs some milliseconds, so not at each frame. */
const PICTURE_EVERY_MS = 1_000;
/** The first frame is shown at once; it starts to move when so much lies ahead of it, or the first hiccup would be a stall. */
const START_BUFFER_MS = 500;
const LOOK_AT_BUFFER_MS = 50;
/** Media that begins with sound has its first picture a little later: players jump such a gap. */
const GAP_SECONDS = 0.5;
/** A figure that nothing renews is not shown for longer. */
const STALE_MS = 3_000;

export interface SessionFigures {
  readonly firstFrameMs: number | null;
  /** Capture to display, by the stamp in the stream; null: it has none, or the player does not hand it out. */
  readonly latencyMs: number | null;
  /** The same by the cells in the picture. */
  readonly pictureLatencyMs: number | null;
  readonly bufferMs: number | null;
  readonly stalls: Stalls;
  readonly bitsPerSecond: number | null;
  readonly droppedFrames: number;
  readonly totalFrames: number;
}

export interface SessionEvents {
  firstFrame(afterMs: number): void;
  /** It is over, by itself. */
  over(sentence: string): void;
}

interface Reading {
  readonly latencyMs: number;
  readonly atMs: number;
}

/** One stream by one protocol, from being asked for to its end. */
export class Session {
  readonly #video: HTMLVideoElement;
  readonly #events: SessionEvents;
  readonly #startMs = performance.now();
  readonly #captureTimes = new CaptureTimes();
  readonly #stalls = new StallCounter();
  readonly #pictures = new PictureReader();
  readonly #listening = new AbortController();
  #source: Source | null = null;
  #firstFrameMs: number | null = null;
  #latency: Reading | null = null;
  #pictureLatency: Reading | null = null;
  #pictureLookedAtMs = 0;
  #isOver = false;

  constructor(
    video: HTMLVideoElement,
    url: string,
    protocol: Exclude<Protocol, 'whep'>,
    events: SessionEvents,
  ) {
    this.#video = video;
    this.#events = events;
    this.#watchElement();
    const play = protocol === 'hls' ? playHls : playFlv;
    play(video, url, {
      stamp: (mediaMs, stamp) => this.#captureTimes.add(mediaMs, stamp),
      failed: (sentence) => this.#finish(sentence),
      ended: () => this.#finish('The stream has ended.'),
    }).then(
      (source) => {
        this.#source = source;
        if (this.#isOver) source.stop();
        else this.#startWhenBuffered();
      },
      (error: Error) => this.#finish(error.message),
    );
  }

  figures(): SessionFigures {
    const video = this.#video;
    const nowMs = performance.now();
    const { droppedVideoFrames = 0, totalVideoFrames = 0 } = video.getVideoPlaybackQuality?.() ?? {};
    return {
      firstFrameMs: this.#firstFrameMs,
      latencyMs: fresh(this.#latency, nowMs),
      pictureLatencyMs: fresh(this.#pictureLatency, nowMs),
      bufferMs: bufferedAhead(video),
      stalls: this.#stalls.read(nowMs),
      bitsPerSecond: this.#source?.bitsPerSecond() ?? null,
      droppedFrames: droppedVideoFrames,
      totalFrames: totalVideoFrames,
    };
  }

  /** Skips what was missed in a pause. */
  goLive(): void {
    const live = this.#source?.liveSeconds() ?? null;
    if (live !== null && live > this.#video.currentTime) this.#video.currentTime = live;
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listening.abort();
    this.#source?.stop();
  }

  #finish(sentence: string): void {
    if (this.#isOver) return;
    this.stop();
    this.#events.over(sentence);
  }

  #startWhenBuffered(): void {
    const video = this.#video;
    const timer = setInterval(() => {
      const isReady = toPlayMs(video) >= START_BUFFER_MS;
      if (isReady || !video.paused || this.#isOver) clearInterval(timer);
      // Refused where a browser allows no autoplay: the button still starts it.
      if (isReady && video.paused && !this.#isOver) video.play().catch(() => {});
    }, LOOK_AT_BUFFER_MS);
  }

  #watchElement(): void {
    const video = this.#video;
    const on = (type: string, listener: () => void): void =>
      video.addEventListener(type, listener, { signal: this.#listening.signal });
    on('waiting', () => {
      if (this.#firstFrameMs !== null && !video.seeking && !video.paused)
        this.#stalls.waiting(performance.now());
    });
    on('playing', () => this.#stalls.playing(performance.now()));
    on('pause', () => this.#stalls.forget());
    on('seeking', () => this.#stalls.forget());
    // Firefox has it since 132.
    if (typeof video.requestVideoFrameCallback === 'function') this.#watchFrames();
    else on('timeupdate', () => this.#shown(video.currentTime * 1000, performance.now()));
  }

  #watchFrames(): void {
    this.#video.requestVideoFrameCallback((_, { mediaTime, expectedDisplayTime }) => {
      if (this.#isOver) return;
      this.#shown(mediaTime * 1000, expectedDisplayTime);
      this.#watchFrames();
    });
  }

  /** @param displayMs when the frame is seen, by the monotonic clock */
  #shown(mediaMs: number, displayMs: number): void {
    const nowMs = performance.now();
    if (this.#firstFrameMs === null) {
      this.#firstFrameMs = nowMs - this.#startMs;
      this.#events.firstFrame(this.#firstFrameMs);
    }
    const displayWallMs = Date.now() + displayMs - nowMs;
    const read = (stamp: Stamp | null): Reading | null =>
      stamp === null ? null : { latencyMs: displayWallMs - stamp.captureUs / 1000, atMs: nowMs };
    this.#latency = read(this.#captureTimes.at(mediaMs, NEAR_MS)) ?? this.#latency;
    if (nowMs - this.#pictureLookedAtMs < PICTURE_EVERY_MS) return;
    this.#pictureLookedAtMs = nowMs;
    this.#pictureLatency = read(this.#pictures.read(this.#video)) ?? this.#pictureLatency;
  }
}

function fresh(reading: Reading | null, nowMs: number): number | null {
  return reading !== null && nowMs - reading.atMs < STALE_MS ? reading.latencyMs : null;
}

function bufferedAhead({ buffered, currentTime }: HTMLVideoElement): number | null {
  for (let range = 0; range < buffered.length; range++) {
    if (buffered.start(range) - GAP_SECONDS <= currentTime && currentTime <= buffered.end(range))
      return (buffered.end(range) - currentTime) * 1000;
  }
  return buffered.length === 0 ? null : 0;
}

/** Media that can be played from here on, behind a gap too: libraries jump gaps only once the element is to play. */
function toPlayMs({ buffered, currentTime }: HTMLVideoElement): number {
  if (buffered.length === 0) return 0;
  return (buffered.end(buffered.length - 1) - Math.max(currentTime, buffered.start(0))) * 1000;
}
