import type { SessionOutcome, SessionProgress, ViewerObserver } from '../clients/viewer.ts';
import type { Tags } from '../metrics/catalogue.ts';
import type { Registry, Series } from '../metrics/registry.ts';
import { qoeScore } from './qoe.ts';

/** The stall that hls.js would report. */
const PLAYER_STALL_MS = 1_250;
/** Less media than this in one sweep says too little about a bit rate (one frame more or less). */
const MIN_MEDIA_MS = 500;

/**
 * Hears all viewers of one series (cohort, stream, protocol) and adds what they report to the registry. There is one
 * for thousands of viewers, and a report costs an addition to a series whose handle is at hand: nothing is allocated.
 */
export class SeriesObserver implements ViewerObserver {
  readonly tags: Tags;
  /** Sessions under way. */
  active = 0;
  /** Visitors that watch nothing have connections, and neither pictures nor shares of sessions without one. */
  readonly #watches: boolean;
  readonly #registry: Registry;
  readonly #onEnded: (outcome: SessionOutcome, observer: SeriesObserver) => void;
  readonly #series: ReturnType<typeof openSeries>;
  /** Where the rest of doubtful stalls goes. */
  readonly #apart: { readonly registry: Registry; readonly nowMs: () => number } | undefined;
  /** The session that reports now stalls since a second in which the thread was too busy. */
  doubtful = false;
  /** End of the last such second (clock time). */
  doubtUntilMs = Number.NEGATIVE_INFINITY;
  #hlsSeries: ReturnType<typeof openHlsSeries> | null = null;
  /** Of this second: for the mean frame interval, which bounds how exactly a latency can be known. */
  #mediaMs = 0;
  #frames = 0;
  #latencySamples = 0;
  #stampedFrames = 0;
  #framesMissing = 0;

  constructor(
    registry: Registry,
    tags: Tags,
    onEnded: (outcome: SessionOutcome, observer: SeriesObserver) => void,
    watches = true,
    apart?: { readonly registry: Registry; readonly nowMs: () => number },
  ) {
    this.#apart = apart;
    this.tags = tags;
    this.#watches = watches;
    this.#registry = registry;
    this.#onEnded = onEnded;
    this.#series = openSeries(registry, tags);
  }

  started(): void {
    this.active++;
    const series = this.#series;
    series.sessionsStarted.add(1);
    if (!this.#watches) return;
    series.startFailureRatio.add(0, 1);
    series.exitBeforeStartRatio.add(0, 1);
    series.playFailureRatio.add(0, 1);
  }
  connected(ms: number): void {
    this.#series.connectMs.add(ms);
  }
  firstByte(ms: number): void {
    this.#series.firstByteMs.add(ms);
  }
  firstMedia(): void {}
  firstFrame(ms: number): void {
    this.#series.firstFrameMs.add(ms);
  }
  startup(ms: number): void {
    this.#series.startupMs.add(ms);
    this.#series.sessionsPlaying.add(1);
  }
  joinLag(ms: number): void {
    this.#series.joinLagMs.add(ms);
  }
  latency(ms: number): void {
    this.#latencySamples++;
    this.#series.latencyMs.add(ms);
  }
  delivery(ms: number): void {
    this.#stampedFrames++;
    this.#series.deliveryMs.add(ms);
  }
  stalled(): void {
    this.#series.stallCount.add(1);
  }
  stallEnded(durationMs: number): void {
    if (durationMs < PLAYER_STALL_MS) return;
    const apart = this.#apart;
    if (apart && apart.nowMs() - durationMs < this.doubtUntilMs)
      apart.registry.series('stall_count_player', this.tags).add(1);
    else this.#series.stallCountPlayer.add(1);
  }
  reconnected(ms: number): void {
    this.#series.reconnectMs.add(ms);
  }
  playlistAge(ms: number): void {
    this.#hls().playlistAgeMs.add(ms);
  }
  segmentTtfb(ms: number): void {
    this.#hls().segmentTtfbMs.add(ms);
  }
  segmentDownload(ratio: number): void {
    this.#hls().segmentDownloadRatio.add(ratio);
  }
  rendition(name: string, bitsPerSecond: number, switched: boolean): void {
    const tags = { ...this.tags, rendition: name };
    this.#registry.series('rendition_bps', tags).add(bitsPerSecond);
    if (switched) this.#registry.series('rendition_switches', tags).add(1);
  }
  progress(increment: Readonly<SessionProgress>): void {
    const series = this.#series;
    const { watchedMs, playingMs, stallMs, bytesReceived, mediaBytes, mediaMs, frames, framesMissing } =
      increment;
    series.bytesReceived.add(bytesReceived);
    if (!this.#watches) return;
    series.watchedMs.add(watchedMs);
    const stalls = this.doubtful && this.#apart ? this.#openApart(this.#apart.registry) : series;
    stalls.stallMs.add(stallMs);
    stalls.stallRatio.add(stallMs, watchedMs);
    stalls.rebufferRatio.add(stallMs, playingMs + stallMs);
    if (mediaMs >= MIN_MEDIA_MS) series.mediaBps.add((mediaBytes * 8000) / mediaMs);
    this.#mediaMs += mediaMs;
    this.#frames += frames;
    this.#framesMissing += framesMissing;
  }
  #openApart(
    registry: Registry,
  ): Pick<ReturnType<typeof openSeries>, 'stallMs' | 'stallRatio' | 'rebufferRatio'> {
    return {
      stallMs: registry.series('stall_ms', this.tags),
      stallRatio: registry.series('stall_ratio', this.tags),
      rebufferRatio: registry.series('rebuffer_ratio_conviva', this.tags),
    };
  }

  /** A whole second of one session that was under way from its beginning to its end. */
  received(bitsPerSecond: number): void {
    this.#series.receivedBps.add(bitsPerSecond);
  }
  idleClosed(ms: number): void {
    this.#registry.series('idle_tolerated_ms', this.tags).add(ms);
  }
  ended(outcome: SessionOutcome): void {
    this.active--;
    const { result, phase, reason } = outcome;
    const beforeFirstFrame = phase === 'before-first-frame';
    if (result === 'failed') {
      this.#registry.series('sessions_failed', { ...this.tags, reason: reason ?? 'closed' }).add(1);
      if (this.#watches)
        (beforeFirstFrame ? this.#series.startFailureRatio : this.#series.playFailureRatio).add(1, 0);
    } else {
      this.#series.sessionsEnded.add(1);
      if (beforeFirstFrame && this.#watches) this.#series.exitBeforeStartRatio.add(1, 0);
    }
    const score = this.#watches ? qoeScore(outcome) : null;
    if (score !== null) this.#series.qoeScore.add(score);
    this.#onEnded(outcome, this);
  }

  /** Opened with the first figure: other protocols have no such series. */
  #hls(): ReturnType<typeof openHlsSeries> {
    this.#hlsSeries ??= openHlsSeries(this.#registry, this.tags);
    return this.#hlsSeries;
  }

  /** Ends a second: says how exactly its latencies are known, where there are any. */
  endSecond(clockBoundMs: number, eventLoopLagMs: number): void {
    if (this.#latencySamples > 0 && this.#frames > 0)
      this.#series.latencyUncertaintyMs.add(clockBoundMs + this.#mediaMs / this.#frames + eventLoopLagMs);
    // Frames without a stamp have no number: what is missing among them nobody can know.
    const expectedFrames = this.#stampedFrames + this.#framesMissing;
    if (expectedFrames > 0) this.#series.framesMissing.add(this.#framesMissing, expectedFrames);
    this.#latencySamples = 0;
    this.#mediaMs = 0;
    this.#frames = 0;
    this.#stampedFrames = 0;
    this.#framesMissing = 0;
  }
}

function openHlsSeries(registry: Registry, tags: Tags) {
  return {
    playlistAgeMs: registry.series('playlist_age_ms', tags),
    segmentTtfbMs: registry.series('segment_ttfb_ms', tags),
    segmentDownloadRatio: registry.series('segment_download_ratio', tags),
  };
}

function openSeries(registry: Registry, tags: Tags) {
  const open = (name: Parameters<Registry['series']>[0]): Series => registry.series(name, tags);
  // A metric of the stream, whoever watches it.
  const { cohort: _, ...ofStream } = tags;
  return {
    connectMs: open('connect_ms'),
    firstByteMs: open('first_byte_ms'),
    firstFrameMs: open('first_frame_ms'),
    startupMs: open('startup_ms'),
    joinLagMs: open('join_lag_ms'),
    latencyMs: open('latency_ms'),
    latencyUncertaintyMs: open('latency_uncertainty_ms'),
    deliveryMs: open('delivery_ms'),
    stallCount: open('stall_count'),
    stallCountPlayer: open('stall_count_player'),
    stallMs: open('stall_ms'),
    watchedMs: open('watched_ms'),
    stallRatio: open('stall_ratio'),
    rebufferRatio: open('rebuffer_ratio_conviva'),
    receivedBps: open('received_bps'),
    mediaBps: open('media_bps'),
    bytesReceived: open('bytes_received'),
    sessionsStarted: open('sessions_started'),
    sessionsPlaying: open('sessions_playing'),
    sessionsEnded: open('sessions_ended'),
    startFailureRatio: open('start_failure_ratio'),
    exitBeforeStartRatio: open('exit_before_start_ratio'),
    playFailureRatio: open('play_failure_ratio'),
    reconnectMs: open('reconnect_ms'),
    qoeScore: open('qoe_score'),
    framesMissing: registry.series('frames_missing', ofStream),
  };
}
