import { TagSamples } from '../flv/tag-samples.ts';
import type { MediaTag } from '../media.ts';
import type { MediaSample, SampleTrack } from '../media-sample.ts';
import { type PackagedPart, type PackagedSegment, PackagerWindow } from './packager-window.ts';
import { type Container, carries, createSegmentMuxer, type SegmentMuxer } from './segment-muxer.ts';
import { isUsable } from './usable-sample.ts';
import type { WrittenPlaylist } from './write-media-playlist.ts';

/**
 * Makes a live HLS stream from tags, as pure code: whoever calls keeps the clock, the sockets and the files.
 *
 *     MediaTag ──► samples ──► open part ──► open segment ──► window ──► playlist(), segment(), part(), init()
 *                 (jumps,      cut by its    cut at key       bounded in
 *                  new codec    length        pictures         segments and bytes
 *                  ⇒ discontinuity)
 *
 * A part or segment is closed by the sample that comes after it, because only that one tells its duration.
 */
export interface PackagerOptions {
  readonly container: Container;
  /** Segments are cut at the first key picture that is so far from their beginning. */
  readonly segmentMs: number;
  /** Longest part of low-latency HLS; null: no parts. Parts are made of whole samples, so that most are somewhat shorter. */
  readonly partMs?: number | null;
  /** TARGETDURATION, where it is known how far key pictures may be apart; null: as the first segment comes out. */
  readonly targetDurationMs?: number | null;
  /** `event` keeps all; both end by `end()`. Default `live`. */
  readonly type?: 'live' | 'event';
  /** Segments that a live playlist has; more if they would be shorter than three target durations. Default 6. */
  readonly windowSegments?: number;
  /** Segments that can still be had after they left the playlist (RFC 8216bis, 6.2.2). Default `windowSegments`. */
  readonly keptSegments?: number;
  /** Bytes of all segments that are kept: the oldest go first. An event playlist ends when they are full. Default 256 MiB. */
  readonly maxBytes?: number;
  /** A larger segment is cut wherever it is. Default 32 MiB. */
  readonly maxSegmentBytes?: number;
  /** A longer step of the clock forwards is a discontinuity, as is any step back. Default 3,000. */
  readonly maxGapMs?: number;
  /** CAN-SKIP-UNTIL. Default false. */
  readonly deltaUpdates?: boolean;
  /** EXT-X-PROGRAM-DATE-TIME. Default true. */
  readonly programDateTime?: boolean;
  /** Stands before each name, e.g. what makes names unique over restarts. Default none. */
  readonly namePrefix?: string;
  /** Media and discontinuity sequence number to begin with: a server that starts anew must not fall back behind what it said. Default 0. */
  readonly firstSequence?: number;
  readonly firstDiscontinuity?: number;
}

/** Key pictures a little early count as in time: FLV has whole milliseconds, and 30 pictures a second have not. */
const KEY_TOLERANCE_MS = 20;
/** How many times the wanted length the first segment may have; it sets the target duration. */
const MAX_FIRST_SEGMENTS = 3;
/** So much sound without a picture's configuration, and there are no pictures. */
const WAIT_FOR_VIDEO_MS = 1_000;
/** The programme's date is carried on with the media, and set anew when it is so far from the clock on the wall. */
const MAX_DATE_DRIFT_MS = 500;
/** Sound and pictures are interleaved: one may be so much behind the other, or behind itself. */
const MAX_STEP_BACK_MS = 100;

interface OpenSegment {
  readonly sequence: number;
  readonly startMs: number;
  readonly programDateTimeMs: number;
  readonly startsDiscontinuity: boolean;
  readonly independent: boolean;
  readonly parts: PackagedPart[];
  /** Of its closed parts. */
  bytes: number;
  /** What has not been made a part of yet. */
  samples: MediaSample[];
  sampleBytes: number;
  partStartMs: number;
}

export class HlsPackager {
  readonly #options: Required<PackagerOptions>;
  readonly #window: PackagerWindow;
  readonly #unwrap = new TagSamples();

  #video: SampleTrack | null = null;
  #audio: SampleTrack | null = null;
  #muxer: SegmentMuxer | null = null;
  #init = -1;
  #open: OpenSegment | null = null;
  #nextSequence: number;
  #discontinuity: number;
  #breaks = false;
  /** Last sample of each track, whose duration the next one tells. */
  readonly #last: { video: MediaSample | null; audio: MediaSample | null } = { video: null, audio: null };
  #firstSoundMs = Number.NaN;
  /** The newest, to learn from what no configuration says (MP3). */
  #sound: MediaSample | null = null;
  /** Wall clock at media time 0. */
  #dateZeroMs = Number.NaN;
  #ended = false;
  #droppedSamples = 0;
  #forcedCuts = 0;
  readonly #leftOut = new Set<string>();

  constructor(options: PackagerOptions) {
    const windowSegments = options.windowSegments ?? 6;
    this.#options = {
      partMs: null,
      targetDurationMs: null,
      type: 'live',
      windowSegments,
      keptSegments: windowSegments,
      maxBytes: 256 * 1024 * 1024,
      maxSegmentBytes: 32 * 1024 * 1024,
      maxGapMs: 3_000,
      deltaUpdates: false,
      programDateTime: true,
      namePrefix: '',
      firstSequence: 0,
      firstDiscontinuity: 0,
      ...options,
    };
    this.#nextSequence = this.#options.firstSequence;
    this.#discontinuity = this.#options.firstDiscontinuity;
    this.#window = new PackagerWindow(this.#options);
  }

  /** Counts up with each change of the playlist. */
  get revision(): number {
    return this.#window.revision;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Codecs that came and that the container has no place for. */
  get leftOut(): readonly string[] {
    return [...this.#leftOut];
  }

  /** Samples that came before a key picture, and such as could not be read. */
  get droppedSamples(): number {
    return this.#droppedSamples;
  }

  /** Segments that were cut with no key picture to begin the next one: the stream's GOP is too long. */
  get forcedCuts(): number {
    return this.#forcedCuts;
  }

  /** Sequence number of the segment that is being made. */
  get openSequence(): number {
    return this.#open?.sequence ?? this.#nextSequence;
  }

  /** Parts of it that are ready. */
  get openParts(): number {
    return this.#open?.parts.length ?? 0;
  }

  /** Bytes of all segments that are kept, and of the parts of the open one. */
  get bytes(): number {
    return this.#window.bytes + (this.#open?.bytes ?? 0) + (this.#open?.sampleBytes ?? 0);
  }

  /** Another bound for the bytes of all segments: what is too much goes at once. */
  limitBytes(maxBytes: number): void {
    this.#window.limitBytes(maxBytes);
  }

  /** The tracks that are carried now. */
  get tracks(): readonly SampleTrack[] {
    return [this.#video, this.#audio].filter((track) => track !== null);
  }

  /**
   * Takes the next tag; `wallMs` is when it was captured, for EXT-X-PROGRAM-DATE-TIME. The body is kept until its part is made, and
   * must not change. Throws a `ProtocolError` for a configuration that cannot be read; what was there before stays.
   */
  push(tag: MediaTag, wallMs: number): void {
    if (this.#ended) return;
    const content = this.#unwrap.read(tag);
    if (content === null) return;
    const { track, sample } = content;
    if (!carries(this.#options.container, track.codec)) {
      this.#leftOut.add(track.codec);
      return;
    }
    const known = track.kind === 'video' ? this.#video : this.#audio;
    const isNewTrack = sample === null ? !isSameTrack(track, known) : track.codec !== known?.codec;
    if (isNewTrack) {
      // Only MP3 tells all with its frames.
      if (sample !== null && track.codec !== 'mp3') {
        this.#droppedSamples++;
        return;
      }
      // A configuration that cannot be read is known before anything is made of it.
      createSegmentMuxer(this.#options.container, [track], sample === null ? [] : [sample]);
      this.#break();
      if (track.kind === 'video') this.#video = track;
      else this.#audio = track;
      this.#muxer = null;
    }
    if (sample === null) return;
    if (isUsable(sample, isNewTrack ? track : known!, this.#options.container)) this.#add(sample, wallMs);
    else this.#droppedSamples++;
  }

  /** Another publisher takes over: what comes next has nothing to do with what came before, and perhaps other tracks. */
  restart(): void {
    this.#break();
    this.#video = null;
    this.#audio = null;
    this.#muxer = null;
    this.#sound = null;
    this.#firstSoundMs = Number.NaN;
  }

  /** The segment ends here, and the next one begins with EXT-X-DISCONTINUITY. */
  #break(): void {
    const { video, audio } = this.#last;
    const last = video ?? audio;
    if (this.#open !== null && last !== null) this.#closeSegment(last.dtsMs + lastStep(last));
    this.#open = null;
    this.#last.video = null;
    this.#last.audio = null;
    this.#breaks = this.#nextSequence > this.#options.firstSequence;
    this.#dateZeroMs = Number.NaN;
  }

  /** No more will come: EXT-X-ENDLIST. */
  end(): void {
    if (this.#ended) return;
    this.#break();
    this.#ended = true;
    this.#window.touch();
  }

  /** Null until the first segment is whole: it tells the target duration, which may not change. URLs are names. */
  playlist(): WrittenPlaylist | null {
    return this.#window.playlist({
      open: this.#open && {
        sequence: this.#open.sequence,
        parts: this.#open.parts,
        discontinuity: this.#discontinuity,
      },
      nextSequence: this.#nextSequence,
      ended: this.#ended,
    });
  }

  /** A segment that is in the playlist or was not long ago. */
  segment(sequence: number): PackagedSegment | null {
    return this.#window.segment(sequence);
  }

  part(sequence: number, index: number): PackagedPart | null {
    const parts = this.#open?.sequence === sequence ? this.#open.parts : this.segment(sequence)?.parts;
    return parts?.[index] ?? null;
  }

  /** The bytes behind one of the names that the playlist says; null: not there (any more, or yet). */
  resource(name: string): Uint8Array | null {
    return this.#window.resource(name) ?? this.#open?.parts.find((part) => part.name === name)?.bytes ?? null;
  }

  #add(sample: MediaSample, wallMs: number): void {
    if (sample.kind === 'audio') this.#sound = sample;
    if (sample.kind === 'audio' && this.#video !== null) {
      if (this.#isAstray(sample)) {
        this.#droppedSamples++;
        return;
      }
    } else if (this.#jumps(sample)) this.#break();
    const last = this.#last[sample.kind];
    if (last !== null) {
      last.durationMs = Math.max(0, sample.dtsMs - last.dtsMs);
      // Encoders that repeat a time (two pictures in one millisecond) stay in order.
      if (sample.dtsMs < last.dtsMs) {
        this.#droppedSamples++;
        return;
      }
    }
    if (Number.isNaN(this.#dateZeroMs)) this.#dateZeroMs = wallMs - sample.dtsMs;
    if (Math.abs(wallMs - sample.dtsMs - this.#dateZeroMs) > MAX_DATE_DRIFT_MS) {
      this.#dateZeroMs = wallMs - sample.dtsMs;
    }
    if (this.#open !== null) this.#cutBefore(sample);
    if (this.#open === null && !this.#mayBegin(sample)) {
      this.#droppedSamples++;
      return;
    }
    this.#open ??= this.#beginSegment(sample);
    this.#last[sample.kind] = sample;
    this.#open.samples.push(sample);
    this.#open.sampleBytes += sample.data.length;
  }

  /**
   * Pictures alone make a discontinuity, where there are pictures: sound is close to them or to the sound before, or left out. Around a
   * leap the two are interleaved, and each change of sides would cost the pictures up to the next key picture.
   */
  #isAstray({ dtsMs }: MediaSample): boolean {
    const { video, audio } = this.#last;
    const isNear = (last: MediaSample | null) =>
      last !== null && Math.abs(dtsMs - last.dtsMs) <= this.#options.maxGapMs;
    return (video !== null || audio !== null) && !isNear(video) && !isNear(audio);
  }

  #jumps({ kind, dtsMs }: MediaSample): boolean {
    const last = this.#last[kind];
    if (last === null) return false;
    const stepMs = dtsMs - last.dtsMs;
    return stepMs > this.#options.maxGapMs || stepMs < -MAX_STEP_BACK_MS;
  }

  /** Segments begin with a key picture; with sound only where there are no pictures. */
  #mayBegin({ kind, key, dtsMs }: MediaSample): boolean {
    if (kind === 'video') return key;
    if (this.#video !== null) return false;
    if (Number.isNaN(this.#firstSoundMs)) this.#firstSoundMs = dtsMs;
    return Math.abs(dtsMs - this.#firstSoundMs) >= WAIT_FOR_VIDEO_MS;
  }

  #cutBefore(sample: MediaSample): void {
    const open = this.#open!;
    const { segmentMs, maxSegmentBytes } = this.#options;
    const isLeading = sample.kind === 'video' || this.#video === null;
    const elapsedMs = sample.dtsMs - open.startMs;
    if (isLeading && sample.key && elapsedMs >= segmentMs - KEY_TOLERANCE_MS) {
      this.#closeSegment(sample.dtsMs);
      return;
    }
    const { targetDurationMs } = this.#window;
    const stepMs = isLeading ? lastStep(this.#last[sample.kind] ?? sample) : 0;
    const isTooLong =
      targetDurationMs === null
        ? elapsedMs + stepMs > MAX_FIRST_SEGMENTS * segmentMs
        : Math.round((elapsedMs + stepMs) / 1000) * 1000 > targetDurationMs;
    if (isTooLong || open.bytes + open.sampleBytes + sample.data.length > maxSegmentBytes) {
      this.#closeSegment(Math.max(sample.dtsMs, open.partStartMs));
      this.#forcedCuts++;
      this.#open = this.#beginSegment(sample, open.startMs + Math.max(0, elapsedMs));
      return;
    }
    const partMs = this.#window.partTargetMs ?? this.#options.partMs;
    if (partMs === null || !isLeading) return;
    if (sample.dtsMs + stepMs - open.partStartMs > partMs + 0.001) this.#closePart(sample.dtsMs);
  }

  #beginSegment(sample: MediaSample, startMs = sample.dtsMs): OpenSegment {
    if (this.#muxer === null) {
      this.#muxer = createSegmentMuxer(
        this.#options.container,
        this.tracks,
        [sample, this.#sound].filter((known) => known !== null),
      );
      if (this.#muxer.init) this.#init = this.#window.addInit(this.#muxer.init);
    }
    const startsDiscontinuity = this.#breaks;
    if (startsDiscontinuity) this.#discontinuity++;
    this.#breaks = false;
    return {
      sequence: this.#nextSequence++,
      startMs,
      programDateTimeMs: this.#dateZeroMs + startMs,
      startsDiscontinuity,
      independent: sample.key && (sample.kind === 'video' || this.#video === null),
      parts: [],
      bytes: 0,
      samples: [],
      sampleBytes: 0,
      partStartMs: startMs,
    };
  }

  #closePart(endMs: number): void {
    const open = this.#open!;
    if (open.samples.length === 0) return;
    const leading = open.samples.find(({ kind }) => kind === 'video' || this.#video === null);
    const independent = leading?.key === true;
    const bytes = this.#muxer!.mux(open.samples, open.parts.length === 0 || independent);
    open.parts.push({
      name: this.#window.partName(open.sequence, open.parts.length),
      bytes,
      durationMs: endMs - open.partStartMs,
      independent,
      init: this.#init,
    });
    open.bytes += bytes.length;
    open.samples = [];
    open.sampleBytes = 0;
    open.partStartMs = endMs;
    if (this.#options.partMs !== null) this.#window.touch();
  }

  #closeSegment(endMs: number): void {
    const open = this.#open!;
    this.#closePart(endMs);
    this.#open = null;
    const { sequence, startMs, programDateTimeMs, startsDiscontinuity, independent, parts } = open;
    const isFull = this.#window.add({
      sequence,
      discontinuity: this.#discontinuity,
      startsDiscontinuity,
      durationMs: endMs - startMs,
      programDateTimeMs,
      independent,
      init: this.#init,
      parts,
    });
    if (isFull) this.#ended = true;
  }
}

/** How long the sample is likely to last: as the one before, which is the best there is. */
function lastStep({ durationMs, kind }: MediaSample): number {
  return durationMs > 0 ? durationMs : kind === 'video' ? 40 : 21;
}

function isSameTrack(a: SampleTrack, b: SampleTrack | null): boolean {
  return (
    b !== null &&
    a.codec === b.codec &&
    a.config.length === b.config.length &&
    a.config.every((byte, index) => byte === b.config[index])
  );
}
