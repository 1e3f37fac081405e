import type { MediaTag } from '../media.ts';

const FILE_HEADER_BYTES = 9;
const TAG_HEADER_BYTES = 11;
const PREVIOUS_TAG_SIZE_BYTES = 4;
const MAX_BODY_BYTES = 0xffffff;

/** The file header (Adobe FLV 10.1, E.2) with PreviousTagSize0: 13 bytes, what every FLV stream begins with. */
export function flvHeader(hasAudio: boolean, hasVideo: boolean): Uint8Array {
  const bytes = new Uint8Array(FILE_HEADER_BYTES + PREVIOUS_TAG_SIZE_BYTES);
  bytes.set([0x46, 0x4c, 0x56, 1, (hasAudio ? 4 : 0) | (hasVideo ? 1 : 0), 0, 0, 0, FILE_HEADER_BYTES]);
  return bytes;
}

/**
 * One tag (E.4.1) with the PreviousTagSize that follows it. The timestamp is taken modulo 2^32.
 * Throws a RangeError for a body of 16 MiB or more, which FLV cannot say.
 */
export function flvTag(tag: MediaTag): Uint8Array {
  const { type, timestampMs, body } = tag;
  if (body.length > MAX_BODY_BYTES) {
    throw new RangeError(`an FLV tag holds at most ${MAX_BODY_BYTES} bytes, not ${body.length}`);
  }
  const tagBytes = TAG_HEADER_BYTES + body.length;
  const bytes = new Uint8Array(tagBytes + PREVIOUS_TAG_SIZE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ((type << 24) | body.length) >>> 0);
  view.setUint32(4, (timestampMs << 8) >>> 0);
  bytes[7] = timestampMs >>> 24; // TimestampExtended: the upper byte comes last
  bytes.set(body, TAG_HEADER_BYTES);
  view.setUint32(tagBytes, tagBytes);
  return bytes;
}
