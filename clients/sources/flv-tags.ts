import { audioHead, readAudioHead } from '../../core/flv/audio-head.ts';
import { FlvReader } from '../../core/flv/reader.ts';
import { readVideoHead, videoHead } from '../../core/flv/video-head.ts';
import { readAvcC } from '../../core/h264/avcc.ts';
import { readHvcC } from '../../core/h265/hvcc.ts';
import { type MediaTag, ProtocolError, TAG_AUDIO, TAG_SCRIPT } from '../../core/media.ts';
import { insertStamp, type Stamp, type StampCodec, type StampedBody } from '../../core/stamp/stamp.ts';
import type { SourceTag, TagKind } from './source.ts';

/** A tag that says what it is. */
export interface KnownTag extends MediaTag {
  readonly kind: TagKind;
  /** Video frames: presentation time − decode time. */
  readonly compositionMs: number;
  /** What a stamp's place depends on; null for what takes none. */
  readonly stampable: Stampable | null;
}

export interface Stampable {
  readonly codec: StampCodec;
  readonly dataOffset: number;
  readonly nalLengthBytes: number;
}

/**
 * Cuts FLV as ffmpeg writes it into whole tags, each a copy of its own, and says what each is. Tags that are of no use
 * in a live stream (end of sequence, unknown codecs) are left out.
 *
 * Throws a `ProtocolError` on broken bytes.
 */
export class FlvTags {
  readonly #reader: FlvReader;
  readonly #take: (tag: KnownTag) => void;
  readonly #video = videoHead();
  readonly #audio = audioHead();
  #nalLengthBytes = 4;

  constructor(take: (tag: KnownTag) => void) {
    this.#take = take;
    this.#reader = new FlvReader({
      head: (type, timestampMs, _bodyBytes, bytes, start, end) =>
        this.#know({ type, timestampMs, body: bytes.slice(start, end) }),
      end: () => {},
    });
  }

  push(bytes: Uint8Array): void {
    this.#reader.push(bytes);
  }

  #know(tag: MediaTag): void {
    if (tag.type === TAG_SCRIPT) this.#pass(tag, 'metadata');
    else if (tag.type === TAG_AUDIO) {
      if (!readAudioHead(tag.body, 0, tag.body.length, this.#audio)) return;
      if (this.#audio.packet === 'config') this.#pass(tag, 'audio-config');
      else if (this.#audio.packet === 'frames') this.#pass(tag, 'audio');
    } else this.#knowVideo(tag);
  }

  #knowVideo(tag: MediaTag): void {
    const { body } = tag;
    if (!readVideoHead(body, 0, body.length, this.#video)) return;
    const { codec, packet, frame, dataOffset, compositionMs } = this.#video;
    if (packet === 'config') {
      if (codec === 'h264') this.#nalLengthBytes = readAvcC(body, dataOffset).nalLengthBytes;
      if (codec === 'h265') this.#nalLengthBytes = readHvcC(body, dataOffset).nalLengthBytes;
      this.#pass(tag, 'video-config');
    } else if (packet === 'frames') {
      const stampable =
        codec === 'h264' || codec === 'h265'
          ? { codec, dataOffset, nalLengthBytes: this.#nalLengthBytes }
          : null;
      this.#pass(tag, frame === 'key' ? 'key' : 'inter', compositionMs, stampable);
    }
  }

  #pass(tag: MediaTag, kind: TagKind, compositionMs = 0, stampable: Stampable | null = null): void {
    this.#take({ ...tag, kind, compositionMs, stampable });
  }
}

/**
 * A copy of a frame with a stamp in it; null for what takes none: other codecs, tags that carry parameter sets or
 * filler only, which some encoders send, and frames that are broken. Those go out as they are: one damaged frame of a
 * file must not end its stream, and those of the other publishers of the thread.
 */
export function placeStamp({ body, stampable }: KnownTag, stamp: Stamp): StampedBody | null {
  if (stampable === null) return null;
  try {
    return insertStamp(body, stampable.dataOffset, stampable.nalLengthBytes, stampable.codec, stamp);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

/** The tag for a publisher, with a stamp in it if it takes one; `stamp.captureUs` is whole. */
export function stampTag(tag: KnownTag, timestampMs: number, stamp: Stamp): SourceTag {
  const stamped = placeStamp(tag, stamp);
  if (stamped === null) return plainTag(tag, timestampMs);
  const { type, kind } = tag;
  return { type, kind, timestampMs, pieces: [stamped.body], captureMs: stamp.captureUs / 1_000 };
}

/** The tag for a publisher, as it is. */
export function plainTag({ type, kind, body }: KnownTag, timestampMs: number): SourceTag {
  return { type, kind, timestampMs, pieces: [body] };
}
