import { audioHead, readAudioHead } from '../flv/audio-head.ts';
import { readMetadata } from '../flv/metadata.ts';
import { readVideoHead, videoHead } from '../flv/video-head.ts';
import { ProtocolError, TAG_AUDIO, TAG_SCRIPT, TAG_VIDEO, type TagSink, type TagType } from '../media.ts';
import { findStamp, readNextStamp, type Stamp } from '../stamp/stamp.ts';
import { CaptureCurve } from './capture-curve.ts';
import { FrameCount } from './frame-count.ts';
import { type PauseEnd, Playhead, type PlayheadListener, type PlayheadState } from './playhead.ts';
import type { PlayerProfile } from './profile.ts';
import { Timeline } from './timeline.ts';

/** How much of each tag a meter must see: tag head, and NAL units up to the stamp, past x264's own SEI of some 700 bytes. */
export const METER_HEAD_BYTES = 1_024;

/** Hears the figures of one session as they come about. `ms` of the start count from the intended start. */
export interface SessionListener {
  firstMedia(ms: number): void;
  firstFrame(ms: number): void;
  startup(ms: number): void;
  joinLag(ms: number): void;
  latency(ms: number): void;
  delivery(ms: number): void;
  stalled(startMs: number): void;
  stallEnded(durationMs: number): void;
}

/** Totals of a session so far; `null`: not reached. */
export interface MeterFigures {
  firstMediaMs: number | null;
  firstFrameMs: number | null;
  startupMs: number | null;
  joinLagMs: number | null;
  stallCount: number;
  stallCountPlayer: number;
  stallMs: number;
  playingMs: number;
  mediaBytes: number;
  mediaMs: number;
  frames: number;
  framesMissing: number;
}

/**
 * Measures one viewer's session from its tags and the times at which they came (metrics: "A viewer's session").
 *
 *     arrive(now, wall) ─ head … end ─ head … end ─ …          bytes came: first the time, then what they brought
 *     sweep(now, wall)                                         nothing came: once a second
 *     pause(now) … resume(now) … reconnected() … finish(now)
 *
 * Video governs the playhead: a stall is time without a picture. A stream without video is governed by its audio,
 * once it is sure that there is none: when its header says so, or when sound came without a picture for so long.
 * How long depends on the metadata: a server that lets pictures begin with a key picture (nginx-rtmp) sends sound at
 * once, and the pictures up to a GOP later.
 * Pure: it reads no clock, and does not allocate per tag.
 */
export class SessionMeter implements TagSink, PlayheadListener {
  readonly #profile: PlayerProfile;
  readonly #intendedStartMs: number;
  readonly #listener: SessionListener;

  #nowMs = 0;
  #wallMs = 0;

  // The tag between its head and its end.
  #kind: Kind = OTHER;
  #timestampMs = 0;
  #compositionMs = 0;
  #bodyBytes = 0;
  #stamped = false;
  #publisher = 0;
  #frame = 0;
  #captureUs = 0;

  #governs: 'nothing' | 'audio' | 'video' = 'nothing';
  #playhead: Playhead;
  #timeline = new Timeline();
  #captures: CaptureCurve | null = null;
  readonly #count = new FrameCount();
  #videoSeen = false;
  /** What the header and the metadata say of pictures to come. */
  #pictures: 'none' | 'not mentioned' | 'promised' | 'unknown' = 'unknown';
  /** A decoder of this connection could decode the next frame: it has had a configuration and a key picture. */
  #decodable = false;
  #configSeen = false;
  #nalLengthBytes = 4;
  /** A new connection has brought sound. */
  #audible = false;
  /** Smallest composition time, 0 or negative: all pictures up to the newest decode time and this have arrived. */
  #minCompositionMs = 0;
  #audioFrames = 0;
  #firstAudioMs = 0;

  #firstMediaMs = Number.NaN;
  #firstFrameMs = Number.NaN;
  #startupMs = Number.NaN;
  #joinLagMs = Number.NaN;
  #mediaBytes = 0;
  #stallTold = false;
  #mediaCame = false;
  #paused = false;
  #lastMediaMs = Number.NaN;

  /** Media comes in segments, and a player has that of one when it is whole: held until `append`. */
  #bySegment = false;
  #heldFromMs = Number.NaN;
  #heldToMs = Number.NaN;
  #startOffsetMs = 0;

  constructor(profile: PlayerProfile, intendedStartMs: number, listener: SessionListener) {
    this.#profile = profile;
    this.#intendedStartMs = intendedStartMs;
    this.#listener = listener;
    this.#playhead = new Playhead(profile, this);
  }

  get state(): PlayheadState {
    return this.#governs === 'nothing' ? 'starting' : this.#playhead.state;
  }

  /** The present connection has brought coded audio or video. False again after `reconnected`. */
  get hasMedia(): boolean {
    return this.#mediaCame;
  }

  /** When the last coded audio or video came, in any connection; `NaN`: never. */
  get lastMediaMs(): number {
    return this.#lastMediaMs;
  }

  get hasFirstFrame(): boolean {
    return !Number.isNaN(this.#firstFrameMs);
  }

  /** The present connection has brought something to start with. False again after `reconnected`. */
  get decodable(): boolean {
    return this.#decodable || (this.#governs === 'audio' && this.#audible);
  }

  /** A key picture is under way: its beginning has come, its end has not. */
  get keyPictureUnderWay(): boolean {
    return this.#kind === KEY;
  }

  /** Some audio or video has begun to come, and its end has not. */
  get tagUnderWay(): boolean {
    return this.#kind !== OTHER;
  }

  get hasVideo(): boolean {
    return this.#videoSeen;
  }

  /** Metadata has promised pictures; none has come if not `hasVideo`. */
  get videoPromised(): boolean {
    return this.#pictures === 'promised';
  }

  /** What the FLV header announces; often wrong on live streams, so only "no video" is believed, and only until some comes. */
  announced(_hasAudio: boolean, hasVideo: boolean): void {
    this.#pictures = hasVideo ? 'unknown' : 'none';
  }

  /** Bytes have come: all tags until the next `arrive` came now. `wallMs` is of the clock that the stamps' is compared with. */
  arrive(nowMs: number, wallMs: number): void {
    this.#nowMs = nowMs;
    this.#wallMs = wallMs;
  }

  head(
    type: TagType,
    timestampMs: number,
    bodyBytes: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#bodyBytes = bodyBytes;
    this.#timestampMs = timestampMs;
    if (type === TAG_VIDEO) this.#kind = this.#readVideo(bytes, start, end);
    else if (type === TAG_AUDIO) this.#kind = readAudio(bytes, start, end);
    else {
      this.#kind = OTHER;
      if (type === TAG_SCRIPT && this.#governs === 'nothing') this.#readScript(bytes, start, end);
    }
  }

  end(): void {
    const kind = this.#kind;
    if (kind === OTHER) return;
    this.#kind = OTHER;
    this.#lastMediaMs = this.#nowMs;
    if (!this.#mediaCame) this.#firstOfConnection();
    if (kind === AUDIO) this.#addAudio();
    else this.#addVideo(kind);
    if (this.#governs !== 'nothing') this.#mediaBytes += this.#bodyBytes;
  }

  #firstOfConnection(): void {
    this.#mediaCame = true;
    if (!Number.isNaN(this.#firstMediaMs)) return;
    this.#firstMediaMs = this.#nowMs - this.#intendedStartMs;
    this.#listener.firstMedia(this.#firstMediaMs);
  }

  /** Once a second: sees a stall in progress, samples the latency of what is playing. */
  sweep(nowMs: number, wallMs: number): void {
    this.#playhead.advance(nowMs);
    if (this.state !== 'playing' || this.#paused || this.#captures === null) return;
    const latencyMs = wallMs - this.#captures.captureAt(this.#playhead.positionMs);
    if (!Number.isNaN(latencyMs)) this.#listener.latency(latencyMs);
  }

  // Segments (HLS): what a demuxer finds, instead of tags

  /** The tracks of the segments that follow. With pictures among them sound alone is nothing to play. */
  segmented(hasVideo: boolean): void {
    this.#bySegment = true;
    this.#pictures = hasVideo ? 'promised' : 'none';
  }

  /** The player begins so far behind the first picture of its first segment. */
  startAt(offsetMs: number): void {
    this.#startOffsetMs = offsetMs;
    this.#playhead.startAt(offsetMs);
  }

  /** A picture's head has come. */
  pictureBegins(key: boolean): void {
    this.#videoSeen = true;
    this.#kind = key ? KEY : INTER;
  }

  /** A whole picture; `of` is its stamp, if it has one. Times are the container's. */
  picture(ptsMs: number, dtsMs: number, key: boolean, bytes: number, of: Readonly<Stamp> | null): void {
    // Whole milliseconds: the line that they are put on counts by those, and must not drift.
    this.#timestampMs = Math.round(dtsMs);
    this.#compositionMs = ptsMs - this.#timestampMs;
    this.#bodyBytes = bytes;
    // What a decoder needs is in the init segment, or before each key picture.
    this.#configSeen = true;
    this.#stamped = of !== null;
    if (of !== null) {
      this.#publisher = of.publisher;
      this.#frame = of.frame;
      this.#captureUs = of.captureUs;
    }
    this.#kind = key ? KEY : INTER;
    this.end();
  }

  /** A whole frame of sound. */
  sound(ptsMs: number, bytes: number): void {
    const underWay = this.#kind;
    this.#timestampMs = Math.round(ptsMs);
    this.#bodyBytes = bytes;
    this.#kind = AUDIO;
    this.end();
    // A picture may have begun before it and not be whole.
    this.#kind = underWay;
  }

  /** Sound that is loaded beside the pictures, in segments of its own: counted, and no more. */
  beside(bytes: number): void {
    this.#mediaBytes += bytes;
  }

  /** A segment or part is whole and appended: its media can be played. */
  append(): void {
    if (Number.isNaN(this.#heldToMs)) return;
    this.#playhead.media(this.#heldFromMs, this.#heldToMs, this.#nowMs);
    this.#heldToMs = Number.NaN;
    this.#timeline.mark();
  }

  /** A segment was cut off: what has come of it is of no use, and will come once more or not at all. */
  drop(): void {
    this.#kind = OTHER;
    this.#heldToMs = Number.NaN;
    this.#timeline.back();
  }

  /** What comes next has other timestamps, and is played right behind what came before (EXT-X-DISCONTINUITY). */
  discontinuity(): void {
    this.#timeline.break();
  }

  /** The player jumps forward, to be nearer to the live edge. */
  skip(ms: number): void {
    this.#playhead.advance(this.#nowMs);
    this.#playhead.skip(ms);
  }

  /** Media that can be played and has not been, as of `nowMs`. */
  bufferMs(nowMs: number): number {
    if (this.#governs === 'nothing') return 0;
    this.#playhead.advance(nowMs);
    return Math.max(0, this.#playhead.bufferMs);
  }

  /** What comes now comes from a new connection: other timestamps, a new configuration, another key picture first. */
  reconnected(): void {
    this.#kind = OTHER;
    this.#mediaCame = false;
    this.#timeline.break();
    this.#count.resume();
    this.#decodable = false;
    this.#configSeen = false;
    this.#audible = false;
    this.#minCompositionMs = 0;
  }

  /** The watcher holds the picture: until `resume` nothing is played, and nothing is a stall. */
  pause(nowMs: number): void {
    this.#paused = true;
    this.#playhead.pause(nowMs);
  }

  /** The watcher is back; `anew`: the connection was closed meanwhile, call `reconnected`, too. */
  resume(nowMs: number, how: PauseEnd): void {
    this.#paused = false;
    this.#playhead.resume(nowMs, how);
  }

  /** The session ends: a stall in progress ends with it. */
  finish(nowMs: number): void {
    this.#playhead.finish(nowMs);
  }

  figures(): MeterFigures {
    const counts = this.#governs !== 'nothing';
    return {
      firstMediaMs: orNull(this.#firstMediaMs),
      firstFrameMs: orNull(this.#firstFrameMs),
      startupMs: counts ? orNull(this.#startupMs) : null,
      joinLagMs: orNull(this.#joinLagMs),
      stallCount: counts ? this.#playhead.stallCount : 0,
      stallCountPlayer: counts ? this.#playhead.stallCountPlayer : 0,
      stallMs: this.stallMs,
      playingMs: this.playingMs,
      mediaBytes: this.#mediaBytes,
      mediaMs: this.mediaMs,
      frames: this.frames,
      framesMissing: this.#count.missing,
    };
  }

  get stallMs(): number {
    return this.#governs === 'nothing' ? 0 : this.#playhead.stallMs;
  }

  get playingMs(): number {
    return this.#governs === 'nothing' ? 0 : this.#playhead.playingMs;
  }

  get mediaBytes(): number {
    return this.#mediaBytes;
  }

  get mediaMs(): number {
    return this.#governs === 'nothing' ? 0 : this.#playhead.mediaMs;
  }

  get frames(): number {
    return this.#governs === 'nothing' ? this.#count.frames : this.#count.frames + this.#audioFrames;
  }

  /** Those that can no longer come: only ever grows, and reaches `framesMissing` of the figures but for the last second. */
  get framesMissingSettled(): number {
    return this.#count.missingSettled;
  }

  playheadStarted(atMs: number): void {
    this.#startupMs = atMs - this.#intendedStartMs;
    if (this.#governs !== 'nothing') this.#tellStartup();
  }

  playheadStalled(sinceMs: number): void {
    if (this.#governs === 'nothing') return;
    this.#stallTold = true;
    this.#listener.stalled(sinceMs);
  }

  playheadResumed(sinceMs: number, untilMs: number): void {
    if (!this.#stallTold) return;
    this.#stallTold = false;
    this.#listener.stallEnded(untilMs - sinceMs);
  }

  #readScript(bytes: Uint8Array, start: number, end: number): void {
    try {
      const metadata = readMetadata(bytes, start, end);
      if (metadata === null) return;
      // nginx-rtmp names every field, and leaves those of an absent picture 0 or empty.
      const { videocodecid, width } = metadata;
      // The encoder's word counts for more than the header that a server made before it knew the stream.
      if (videocodecid || width) this.#pictures = 'promised';
      else if (metadata['audiocodecid'] && this.#pictures !== 'none') this.#pictures = 'not mentioned';
    } catch (error) {
      // Broken, or longer than the head that is seen here: hearsay is not needed.
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  #readVideo(bytes: Uint8Array, start: number, end: number): Kind {
    this.#stamped = false;
    // E.4.3.1: frame type 5 is a command, no picture; an empty tag (some servers' sign of life) is not even that.
    if (end - start < 5 || (bytes[start]! & 0x70) === 0x50) return OTHER;
    this.#videoSeen = true;
    // A codec that is not known is media, but nothing that this player could start with.
    if (!readVideoHead(bytes, start, end, video)) return INTER;
    const { codec } = video;
    const data = start + video.dataOffset;
    if (video.packet === 'config') {
      this.#configSeen = true;
      // avcC and hvcC (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1): lengthSizeMinusOne
      const lengthSize = data + (codec === 'h264' ? 4 : 21);
      if (lengthSize < end) this.#nalLengthBytes = (bytes[lengthSize]! & 3) + 1;
    }
    if (video.packet !== 'frames') return OTHER;
    this.#compositionMs = video.compositionMs;
    if (codec === 'h264' || codec === 'h265') {
      const lengthBytes = this.#nalLengthBytes;
      stamp.publisher = this.#publisher;
      stamp.frame = this.#frame;
      this.#stamped =
        readNextStamp(bytes, data, end, lengthBytes, codec, stamp) ||
        findStamp(bytes, data, end, lengthBytes, codec, stamp);
      if (this.#stamped) {
        // Copied: before this tag's end comes, another viewer may use the shared one.
        this.#publisher = stamp.publisher;
        this.#frame = stamp.frame;
        this.#captureUs = stamp.captureUs;
      }
    } else {
      // VP8, VP9 and AV1 carry in each key picture what a decoder needs.
      this.#configSeen = true;
    }
    return video.frame === 'key' ? KEY : INTER;
  }

  #addVideo(kind: typeof KEY | typeof INTER): void {
    if (!this.#decodable && kind === KEY && this.#configSeen) this.#becomeDecodable();

    if (!this.#stamped) this.#count.addUnstamped();
    else if (this.#count.add(this.#publisher, this.#frame, this.#captureUs)) {
      this.#listener.delivery(this.#wallMs - this.#captureUs / 1_000);
    }
    if (!this.#decodable) return;

    const decodeMs = this.#timeline.place(this.#timestampMs);
    if (this.#compositionMs < this.#minCompositionMs) this.#minCompositionMs = this.#compositionMs;
    const ptsMs = decodeMs + this.#compositionMs;
    if (this.#stamped) {
      this.#captures ??= new CaptureCurve();
      this.#captures.record(ptsMs, this.#captureUs / 1_000);
    }
    this.#toPlayhead(ptsMs, decodeMs + this.#timeline.intervalMs + this.#minCompositionMs);
  }

  #toPlayhead(fromMs: number, toMs: number): void {
    if (!this.#bySegment) {
      this.#playhead.media(fromMs, toMs, this.#nowMs);
      return;
    }
    if (Number.isNaN(this.#heldToMs)) this.#heldFromMs = fromMs;
    this.#heldToMs = toMs;
  }

  #becomeDecodable(): void {
    this.#decodable = true;
    if (this.#governs === 'video') return;
    // Sound came first. Either it has not been taken for the whole yet, and is forgotten; or it has, and goes over into video.
    if (this.#governs === 'audio') this.#timeline.break();
    else if (this.#audioFrames > 0) {
      this.#audioFrames = 0;
      this.#timeline = new Timeline();
      this.#playhead = new Playhead(this.#profile, this);
      this.#playhead.startAt(this.#startOffsetMs);
    }
    this.#governs = 'video';
    if (Number.isNaN(this.#firstFrameMs)) this.#tellFirstFrame(this.#nowMs);
  }

  #addAudio(): void {
    if (this.#governs === 'video') return;
    if (
      this.#governs === 'nothing' &&
      (this.#videoSeen || (this.#bySegment && this.#pictures === 'promised'))
    )
      return;
    this.#audible = true;
    if (this.#audioFrames++ === 0) this.#firstAudioMs = this.#nowMs;
    const ptsMs = this.#timeline.place(this.#timestampMs);
    this.#toPlayhead(ptsMs, ptsMs + this.#timeline.intervalMs);
    if (this.#governs === 'audio') return;
    if (this.#playhead.mediaMs < AUDIO_ONLY_AFTER_MS[this.#pictures]) return;
    this.#governs = 'audio';
    this.#tellFirstFrame(this.#firstAudioMs);
    if (this.#playhead.state !== 'starting') this.#tellStartup();
  }

  #tellFirstFrame(atMs: number): void {
    this.#firstFrameMs = atMs - this.#intendedStartMs;
    this.#listener.firstFrame(this.#firstFrameMs);
  }

  #tellStartup(): void {
    this.#listener.startup(this.#startupMs);
    if (this.#captures === null) return;
    const joinLagMs = this.#wallMs - this.#captures.captureAt(this.#playhead.positionMs);
    if (Number.isNaN(joinLagMs)) return;
    this.#joinLagMs = joinLagMs;
    this.#listener.joinLag(joinLagMs);
  }
}

const OTHER = 0;
const AUDIO = 1;
const INTER = 2;
const KEY = 3;
type Kind = typeof OTHER | typeof AUDIO | typeof INTER | typeof KEY;

/** So much sound without a picture, and the stream is taken to have none. Where nothing is known: longer than a GOP. */
const AUDIO_ONLY_AFTER_MS = {
  none: 0,
  'not mentioned': 1_000,
  unknown: 10_000,
  promised: Number.POSITIVE_INFINITY,
} as const;

// Filled and used within one call, so one of each serves all sessions of a thread.
const video = videoHead();
const audio = audioHead();
const stamp: Stamp = { publisher: 0, frame: 0, captureUs: 0 };

function readAudio(bytes: Uint8Array, start: number, end: number): Kind {
  if (start === end) return OTHER;
  // E.4.2.2: raw AAC, which is nearly all sound there is.
  if (bytes[start]! >> 4 === 10 && start + 1 < end && bytes[start + 1] === 1) return AUDIO;
  // A codec that is not known is sound all the same.
  return readAudioHead(bytes, start, end, audio) && audio.packet !== 'frames' ? OTHER : AUDIO;
}

function orNull(ms: number): number | null {
  return Number.isNaN(ms) ? null : ms;
}
