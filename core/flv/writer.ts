import type { MediaTag, TagType } from '../media.ts';

/** Of the file header (Adobe FLV 10.1, E.2) with PreviousTagSize0: what every FLV stream begins with. */
export const FILE_HEADER_BYTES = 13;
export const TAG_HEADER_BYTES = 11;
/** Of a tag's header and the PreviousTagSize that follows its body. */
export const TAG_FRAMING_BYTES = 15;
const DATA_OFFSET = 9;
const MAX_BODY_BYTES = 0xffffff;

/** The file header. */
export function flvHeader(hasAudio: boolean, hasVideo: boolean): Uint8Array {
  const bytes = new Uint8Array(FILE_HEADER_BYTES);
  putFlvHeader(bytes, 0, hasAudio, hasVideo);
  return bytes;
}

/** Writes the file header at `at`. */
export function putFlvHeader(bytes: Uint8Array, at: number, hasAudio: boolean, hasVideo: boolean): void {
  bytes.fill(0, at, at + FILE_HEADER_BYTES);
  bytes[at] = 0x46;
  bytes[at + 1] = 0x4c;
  bytes[at + 2] = 0x56;
  bytes[at + 3] = 1;
  bytes[at + 4] = (hasAudio ? 4 : 0) | (hasVideo ? 1 : 0);
  bytes[at + 8] = DATA_OFFSET;
}

/**
 * One tag (E.4.1) with the PreviousTagSize that follows it. The timestamp is taken modulo 2^32.
 * Throws a RangeError for a body of 16 MiB or more, which FLV cannot say.
 */
export function flvTag(tag: MediaTag): Uint8Array {
  const { type, timestampMs, body } = tag;
  const bytes = new Uint8Array(TAG_FRAMING_BYTES + body.length);
  putTagHeader(bytes, 0, type, timestampMs, body.length);
  bytes.set(body, TAG_HEADER_BYTES);
  putTagEnd(bytes, TAG_HEADER_BYTES + body.length, body.length);
  return bytes;
}

/** Writes the header of a tag at `at`; its body follows, and then `putTagEnd`. Throws a RangeError as `flvTag` does. */
export function putTagHeader(
  bytes: Uint8Array,
  at: number,
  type: TagType,
  timestampMs: number,
  bodyBytes: number,
): void {
  if (bodyBytes > MAX_BODY_BYTES) {
    throw new RangeError(`an FLV tag holds at most ${MAX_BODY_BYTES} bytes, not ${bodyBytes}`);
  }
  bytes[at] = type;
  bytes[at + 1] = bodyBytes >>> 16;
  bytes[at + 2] = bodyBytes >>> 8;
  bytes[at + 3] = bodyBytes;
  bytes[at + 4] = timestampMs >>> 16;
  bytes[at + 5] = timestampMs >>> 8;
  bytes[at + 6] = timestampMs;
  bytes[at + 7] = timestampMs >>> 24; // TimestampExtended: the upper byte comes last
  bytes[at + 8] = 0; // StreamID
  bytes[at + 9] = 0;
  bytes[at + 10] = 0;
}

/** Writes the PreviousTagSize of a tag with such a body at `at`. */
export function putTagEnd(bytes: Uint8Array, at: number, bodyBytes: number): void {
  const tagBytes = TAG_HEADER_BYTES + bodyBytes;
  bytes[at] = tagBytes >>> 24;
  bytes[at + 1] = tagBytes >>> 16;
  bytes[at + 2] = tagBytes >>> 8;
  bytes[at + 3] = tagBytes;
}
