/**
 * The media currency of the product: what every protocol parser hands on and every publisher takes.
 *
 * FLV and RTMP carry the same thing (Adobe FLV 10.1, E.4; RTMP 1.0, 7.1): a tag of type audio, video or script with
 * a millisecond timestamp. Parsers hand tags to a `TagSink` without copying, because a load generator must not
 * allocate per frame; publishers send `MediaTag`s.
 */

/** FLV tag type = RTMP message type id. 18 is a script tag (AMF0 data message). */
export const TAG_AUDIO = 8;
export const TAG_VIDEO = 9;
export const TAG_SCRIPT = 18;
export type TagType = typeof TAG_AUDIO | typeof TAG_VIDEO | typeof TAG_SCRIPT;

export type VideoCodec = 'h264' | 'h265' | 'vp9' | 'av1' | 'vp8';
export type AudioCodec = 'aac' | 'mp3' | 'opus' | 'flac' | 'ac3';

/**
 * Receives tags from a parser, in order. For each tag `head` is called once and then `end` once.
 *
 * `head` comes as soon as the first `headBytes` (parser option; whole body if the body is shorter) are there;
 * `end` comes when the tag's last byte has been received, in the same or a later `push` of the parser.
 * `bytes` belongs to the parser: it may not be kept or changed after `head` returns.
 */
export interface TagSink {
  head(
    type: TagType,
    timestampMs: number,
    bodyBytes: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void;
  end(): void;
}

/** One whole tag, owned by whoever holds it. `timestampMs` is the decode time (DTS). */
export interface MediaTag {
  readonly type: TagType;
  readonly timestampMs: number;
  /** Tag body exactly as FLV and RTMP carry it (first byte: frame type and codec, or sound format). */
  readonly body: Uint8Array;
}

/**
 * A typed failure of a parser: the peer's bytes are broken or break a bound.
 * `code` is stable (`RTMP_CHUNK_TOO_LARGE`); `message` says what was expected and what came.
 */
export class ProtocolError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'ProtocolError';
    this.code = code;
  }
}
