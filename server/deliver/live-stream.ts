/**
 * One published stream and its packagers.
 *
 *     live ── publisher gone ──► interrupted ── grace over ──► ended ── kept for a while ──► (removed)
 *      ▲                              │ published again: discontinuity
 *      └──────────────────────────────┘
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { codecString } from '../../core/hls/codec-string.ts';
import type { Container } from '../../core/hls/segment-muxer.ts';
import type { MediaTag } from '../../core/media.ts';
import { CaptureClock } from './capture-clock.ts';
import type { HlsOptions } from './deliver-options.ts';
import { FlvPull } from './flv-pull.ts';
import { FrameRate, pictureSize } from './picture-facts.ts';
import { Rendition } from './rendition.ts';
import { SegmentKeys } from './segment-keys.ts';

export interface LiveStreamOptions {
  /** `live/room`. */
  readonly name: string;
  readonly hls: HlsOptions;
  readonly pullUrl: () => string;
  readonly pullIdleMs: number;
  readonly republishGraceMs: number;
  readonly keepEndedMs: number;
  readonly maxBytes: number;
  readonly log: Logger;
  readonly wallMs: () => number;
  /** Its time is over: nobody should find it any more. */
  readonly removed: () => void;
  readonly counted: StreamCounters;
}

/** What all streams of the process count together. */
export interface StreamCounters {
  pullFailures: number;
  badConfigurations: number;
  bytesIn: number;
}

export type StreamState = 'live' | 'interrupted' | 'ended';

/** 2026-01-01: what sequence numbers count from. */
const EPOCH_MS = Date.UTC(2026, 0, 1);
/** A first segment may be three times as long as wished, and an open one counts too. */
const SEGMENTS_WITHIN_BOUND = 4;

export class LiveStream {
  readonly name: string;
  readonly renditions: ReadonlyMap<Container, Rendition>;
  readonly startedWallMs: number;
  readonly #options: LiveStreamOptions;
  readonly #frameRate = new FrameRate();
  #clock = new CaptureClock();
  #pull: FlvPull | null = null;
  #timer: NodeJS.Timeout | null = null;
  #state: StreamState = 'live';
  #hasMedia = false;
  bytesIn = 0;
  /** How often media began anew, the first time included. */
  beginnings = 0;
  viewers = 0;

  constructor(options: LiveStreamOptions) {
    this.#options = options;
    this.name = options.name;
    this.startedWallMs = options.wallMs();
    const { containers, segmentMs } = options.hls;
    // Numbers grow faster than segments can be made: a later life of this process, or of the stream, never falls back behind an earlier one.
    const firstSequence = Math.floor((this.startedWallMs - EPOCH_MS) / (segmentMs / 2));
    const namePrefix = `${firstSequence.toString(36)}-`;
    this.renditions = new Map(
      containers.map((container) => [container, this.#rendition(container, firstSequence, namePrefix)]),
    );
    this.publish();
  }

  get state(): StreamState {
    return this.#state;
  }

  get fps(): number | null {
    return this.#frameRate.fps;
  }

  /** Of media that is kept. */
  get bytes(): number {
    return [...this.renditions.values()].reduce((sum, { packager }) => sum + packager.bytes, 0);
  }

  /** For CODECS and RESOLUTION. */
  facts(container: Container): { codecs: string[]; width: number | null; height: number | null } {
    const tracks = this.renditions.get(container)?.packager.tracks ?? [];
    const size = pictureSize(tracks);
    const codecs = tracks.map(codecString).filter((codec) => codec !== null);
    return { codecs, width: size?.width ?? null, height: size?.height ?? null };
  }

  limitBytes(maxBytes: number): void {
    for (const { packager } of this.renditions.values()) packager.limitBytes(this.#share(maxBytes));
  }

  /** The publisher is there (again). */
  publish(): void {
    if (this.#state === 'ended' || this.#pull !== null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#state = 'live';
    const { pullUrl, pullIdleMs, log, counted, name } = this.#options;
    this.#pull = new FlvPull({
      url: pullUrl,
      idleMs: pullIdleMs,
      begun: () => this.#begin(),
      tag: (tag) => this.#take(tag),
      failed: (reason) => {
        counted.pullFailures++;
        log.warn({ stream: name, reason }, 'pull from the ingest ended, will be tried again');
      },
    });
  }

  /** The publisher has gone, and may come back. */
  unpublish(): void {
    if (this.#pull === null) return;
    this.#pull.stop();
    this.#pull = null;
    this.#state = 'interrupted';
    // What was captured last is shown: nothing would come to close its segment.
    for (const rendition of this.renditions.values()) rendition.restart();
    this.#timer = setTimeout(() => this.#end(), this.#options.republishGraceMs);
  }

  /** Takes it away at once. */
  close(): void {
    this.#pull?.stop();
    this.#pull = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const rendition of this.renditions.values()) rendition.release();
  }

  #end(): void {
    this.#state = 'ended';
    for (const rendition of this.renditions.values()) rendition.end();
    this.#timer = setTimeout(() => {
      this.close();
      this.#options.removed();
    }, this.#options.keepEndedMs);
  }

  #begin(): void {
    this.beginnings++;
    this.#clock = new CaptureClock();
    if (this.#hasMedia) for (const rendition of this.renditions.values()) rendition.restart();
    this.#hasMedia = true;
  }

  #take(tag: MediaTag): void {
    const { wallMs, counted, log, name } = this.#options;
    this.bytesIn += tag.body.length;
    counted.bytesIn += tag.body.length;
    this.#frameRate.note(tag);
    const capturedMs = this.#clock.captured(tag.timestampMs, wallMs());
    for (const rendition of this.renditions.values()) {
      try {
        rendition.push(tag, capturedMs);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        // The first of each thousand: a broken publisher must not fill the log.
        if (counted.badConfigurations++ % 1_000 === 0)
          log.warn({ stream: name, container: rendition.container, code, message }, 'media not packaged');
      }
    }
  }

  #share(maxBytes: number): number {
    const { hls } = this.#options;
    return Math.floor(maxBytes / hls.containers.length / (hls.encrypt ? 2 : 1));
  }

  #rendition(container: Container, firstSequence: number, namePrefix: string): Rendition {
    const { hls, maxBytes } = this.#options;
    // Parts are pieces of a segment, and a segment is encrypted as a whole.
    const hasParts = container === 'fmp4' && hls.partMs > 0 && !hls.encrypt;
    const share = this.#share(maxBytes);
    return new Rendition(
      {
        container,
        segmentMs: hls.segmentMs,
        partMs: hasParts ? hls.partMs : null,
        deltaUpdates: hasParts,
        windowSegments: hls.windowSegments,
        maxBytes: share,
        maxSegmentBytes: Math.floor(share / SEGMENTS_WITHIN_BOUND),
        namePrefix,
        firstSequence,
        firstDiscontinuity: firstSequence,
      },
      hls.encrypt ? new SegmentKeys(randomBytes(32), namePrefix, hls.segmentsPerKey) : null,
    );
  }
}
