import * as h264 from '../h264/nal.ts';
import * as h265 from '../h265/nal.ts';
import { ProtocolError } from '../media.ts';
import { crc16 } from './crc.ts';

/**
 * The stamp: capture time in every frame, as an SEI user_data_unregistered message (H.264 and H.265 D.2.7, D.3.7)
 * in a NAL unit of its own before the first slice.
 *
 *     NAL header 1|2 │ 05 │ 38 │ UUID 16 │ version 1 │ publisher 5 │ frame 5 │ captureUs 8 │ CRC-16 3 │ 80
 *
 * All after the UUID is coded 7 bits to a byte, most significant first, with the top bit set. So no byte is ever
 * zero, no emulation prevention is ever needed, and the unit has one fixed size: a recorded frame is stamped anew
 * by writing over it (docs/adr/0001-stamp-coding.md).
 */

export type StampCodec = 'h264' | 'h265';

export interface Stamp {
  /** u32. Which publisher (of a run) made the frame. */
  publisher: number;
  /** u32, counts up by one per frame. With `publisher` it names the frame: readers de-duplicate by the two. */
  frame: number;
  /** When the picture was made: microseconds since the Unix epoch, a whole number. */
  captureUs: number;
}

/** c5f1a86e-9d3b-4c72-8e5d-b1746fa92ed8: made for this, no zero byte in it. */
export const STAMP_UUID: Uint8Array = Uint8Array.of(
  0xc5,
  0xf1,
  0xa8,
  0x6e,
  0x9d,
  0x3b,
  0x4c,
  0x72,
  0x8e,
  0x5d,
  0xb1,
  0x74,
  0x6f,
  0xa9,
  0x2e,
  0xd8,
);

const VERSION = 1;
const USER_DATA_UNREGISTERED = 5;
const UUID_BYTES = 16;
/** Version to capture time: what the check code is computed over. */
const CHECKED_BYTES = 1 + 5 + 5 + 8;
const CHECK_BYTES = 3;
/** payloadSize of the SEI message. */
export const STAMP_PAYLOAD_BYTES = UUID_BYTES + CHECKED_BYTES + CHECK_BYTES;
/** x265 (3.5, through ffmpeg's -udu_sei 1) puts a UUID of its own before the whole payload that it is told to keep. */
const X265_PAYLOAD_BYTES = UUID_BYTES + STAMP_PAYLOAD_BYTES;
const MESSAGE_HEAD_BYTES = 2;
const TRAILING_BITS = 0x80;

const H264_HEADER = [h264.NAL_SEI];
const H265_HEADER = [h265.NAL_PREFIX_SEI << 1, 1];

/** Bytes of the whole stamp NAL unit, without a length prefix: 42 for H.264, 43 for H.265. */
export function stampNalBytes(codec: StampCodec): number {
  return headerBytes(codec) + MESSAGE_HEAD_BYTES + STAMP_PAYLOAD_BYTES + 1;
}

/** The stamp as a NAL unit, without length prefix or start code. */
export function stampNal(codec: StampCodec, stamp: Stamp): Uint8Array {
  const nal = new Uint8Array(stampNalBytes(codec));
  writeStampNal(nal, 0, codec, stamp);
  return nal;
}

/** Writes over the stamp NAL unit at `nalStart` (as `insertStamp` gave it): same size, new content, no allocation. */
export function patchStamp(bytes: Uint8Array, nalStart: number, codec: StampCodec, stamp: Stamp): void {
  writeFields(bytes, nalStart + headerBytes(codec) + MESSAGE_HEAD_BYTES + UUID_BYTES, stamp);
}

/**
 * Finds the stamp of an access unit in the length-prefixed NAL units of `bytes[start, end)` and reads it into `into`,
 * which is left alone otherwise. False: none before the first slice, or not within the range.
 *
 * The range may be the head of a tag only: a NAL unit that runs past `end` is searched as far as it goes.
 * Any SEI unit and any message in it is looked at, so a stamp that x264 or x265 carried over (`-udu_sei 1`) is found.
 */
export function findStamp(
  bytes: Uint8Array,
  start: number,
  end: number,
  nalLengthBytes: number,
  codec: StampCodec,
  into: Stamp,
): boolean {
  let at = start;
  while (at + nalLengthBytes < end) {
    const length = h264.readNalLength(bytes, at, nalLengthBytes);
    at += nalLengthBytes;
    const nalEnd = Math.min(at + length, end);
    if (length > 0) {
      const kind = kindOf(bytes[at]!, codec);
      if (kind === SLICE) return false;
      if (kind === SEI) {
        const fields = findFields(bytes, at + headerBytes(codec), nalEnd);
        if (fields >= 0 && readFields(bytes, fields, into)) return true;
      }
    }
    at = nalEnd;
  }
  return false;
}

/** What `findStamp` says of one NAL unit: `stamp`, `slice` (none will come after it) or `other`. */
export function readNalStamp(
  bytes: Uint8Array,
  nalStart: number,
  nalEnd: number,
  codec: StampCodec,
  into: Stamp,
): 'stamp' | 'slice' | 'other' {
  const kind = kindOf(bytes[nalStart]!, codec);
  if (kind === SLICE) return 'slice';
  if (kind !== SEI) return 'other';
  const fields = findFields(bytes, nalStart + headerBytes(codec), nalEnd);
  return fields >= 0 && readFields(bytes, fields, into) ? 'stamp' : 'other';
}

/** How far apart the numbers of frames may be that `readNextStamp` takes for one stream. */
const NEXT_FRAMES = 32;

/**
 * Reads the stamp of an access unit into `last`, if it goes on from what is there: laid out as `insertStamp` does, in
 * the first NAL unit, by the same publisher, at most 32 frames away. False for all else: ask `findStamp`.
 *
 * Nearly every frame that a viewer gets is such a one. It costs a quarter of `findStamp`, because only four bytes of the
 * UUID are compared and no check code is computed: a mistake would have to name the expected publisher and frame.
 */
export function readNextStamp(
  bytes: Uint8Array,
  start: number,
  end: number,
  nalLengthBytes: number,
  codec: StampCodec,
  last: Stamp,
): boolean {
  const nal = start + nalLengthBytes;
  const uuid = nal + headerBytes(codec) + MESSAGE_HEAD_BYTES;
  const fields = uuid + UUID_BYTES;
  if (
    fields + CHECKED_BYTES + CHECK_BYTES > end ||
    bytes[uuid - 1] !== STAMP_PAYLOAD_BYTES ||
    bytes[uuid] !== 0xc5 ||
    bytes[uuid + 1] !== 0xf1 ||
    bytes[uuid + 2] !== 0xa8 ||
    bytes[uuid + 3] !== 0x6e ||
    bytes[fields] !== (0x80 | VERSION) ||
    kindOf(bytes[nal]!, codec) !== SEI ||
    read32(bytes, fields + 1) !== last.publisher
  ) {
    return false;
  }
  const frame = read32(bytes, fields + 6);
  const step = frame - last.frame;
  if (step > NEXT_FRAMES || step < -NEXT_FRAMES) return false;
  last.frame = frame;
  last.captureUs = read28(bytes, fields + 11) * TWO_28 + read28(bytes, fields + 15);
  return true;
}

export interface StampedBody {
  readonly body: Uint8Array;
  /** Where in `body` the stamp's NAL unit begins, after its length: what `patchStamp` takes. */
  readonly nalOffset: number;
}

/**
 * A copy of a video tag body with a stamp before its first slice, after AUD, SPS, PPS and other SEI (a buffering
 * period SEI must stay first, H.264 7.4.1.2.3), but before the user data of others: x264's 700 bytes of options in
 * its first picture would push the stamp out of the head that a viewer looks at, at each loop of a recording.
 * A body that has a stamp keeps one: it is written over.
 *
 * `dataOffset` is where the NAL units begin (`VideoHead.dataOffset`), `nalLengthBytes` what avcC or hvcC says.
 * Throws `NAL_TRUNCATED` or `NAL_NO_SLICE`: such a tag is no access unit.
 */
export function insertStamp(
  videoTagBody: Uint8Array,
  dataOffset: number,
  nalLengthBytes: number,
  codec: StampCodec,
  stamp: Stamp,
): StampedBody {
  let place = -1;
  for (const nal of h264.splitLengthPrefixed(videoTagBody, dataOffset, videoTagBody.length, nalLengthBytes)) {
    const kind = kindOf(videoTagBody[nal.start]!, codec);
    const message = nal.start + headerBytes(codec);
    if (kind === SEI) {
      const fields = findFields(videoTagBody, message, nal.end);
      if (fields >= 0) return overwritten(videoTagBody, fields, codec, stamp);
    }
    const isUserData = kind === SEI && videoTagBody[message] === USER_DATA_UNREGISTERED;
    if (place < 0 && (isUserData || kind === SLICE)) place = nal.start - nalLengthBytes;
    if (kind === SLICE) return inserted(videoTagBody, place, nalLengthBytes, codec, stamp);
  }
  throw new ProtocolError('NAL_NO_SLICE', 'expected a video tag with a slice to stamp, got none');
}

function overwritten(tagBody: Uint8Array, fields: number, codec: StampCodec, stamp: Stamp): StampedBody {
  const body = tagBody.slice();
  writeFields(body, fields, stamp);
  return { body, nalOffset: fields - UUID_BYTES - MESSAGE_HEAD_BYTES - headerBytes(codec) };
}

function inserted(
  tagBody: Uint8Array,
  place: number,
  nalLengthBytes: number,
  codec: StampCodec,
  stamp: Stamp,
): StampedBody {
  const nalBytes = stampNalBytes(codec);
  const nalOffset = place + nalLengthBytes;
  const body = new Uint8Array(tagBody.length + nalLengthBytes + nalBytes);
  body.set(tagBody.subarray(0, place));
  body[nalOffset - 1] = nalBytes; // below 256: the upper length bytes stay zero
  writeStampNal(body, nalOffset, codec, stamp);
  body.set(tagBody.subarray(place), nalOffset + nalBytes);
  return { body, nalOffset };
}

const SLICE = 1;
const SEI = 2;

function kindOf(header: number, codec: StampCodec): 0 | 1 | 2 {
  if (codec === 'h264') {
    const type = h264.nalType(header);
    return h264.isSlice(type) ? SLICE : type === h264.NAL_SEI ? SEI : 0;
  }
  const type = h265.nalType(header);
  return h265.isSlice(type) ? SLICE : type === h265.NAL_PREFIX_SEI ? SEI : 0;
}

function headerBytes(codec: StampCodec): number {
  return codec === 'h264' ? h264.NAL_HEADER_BYTES : h265.NAL_HEADER_BYTES;
}

/**
 * Walks the SEI messages (H.264 7.3.2.3.1) of `bytes[start, end)`; gives the index of our fields after the UUID, or -1.
 * Type and size are each a sum of ff bytes and a last one below ff; the size counts bytes before emulation prevention.
 */
function findFields(bytes: Uint8Array, start: number, end: number): number {
  cursor.begin(bytes, start, end);
  while (cursor.at + MESSAGE_HEAD_BYTES <= end) {
    const type = cursor.nextSum();
    const size = cursor.nextSum();
    if (type === USER_DATA_UNREGISTERED && (size === STAMP_PAYLOAD_BYTES || size === X265_PAYLOAD_BYTES)) {
      // Neither our payload nor x265's UUID has emulation prevention bytes: they lie there as they were written.
      const at = cursor.at + size - STAMP_PAYLOAD_BYTES;
      if (at + STAMP_PAYLOAD_BYTES <= end && isOurs(bytes, at)) return at + UUID_BYTES;
    }
    cursor.skip(size);
  }
  return -1;
}

/** Reads a NAL unit's payload bytes past emulation prevention, in place. One is enough: it is used within a call. */
class PayloadCursor {
  at = 0;
  #bytes = STAMP_UUID;
  #end = 0;
  #zeros = 0;

  begin(bytes: Uint8Array, start: number, end: number): void {
    this.at = start;
    this.#bytes = bytes;
    this.#end = end;
    this.#zeros = 0;
  }

  nextSum(): number {
    let sum = 0;
    while (this.at < this.#end) {
      const byte = this.#next();
      sum += byte;
      if (byte !== 0xff) break;
    }
    return sum;
  }

  skip(count: number): void {
    for (let left = count; left > 0 && this.at < this.#end; left--) this.#next();
  }

  #next(): number {
    if (this.#zeros >= 2 && this.#bytes[this.at] === 3) {
      this.#zeros = 0;
      this.at++;
      if (this.at >= this.#end) return 0;
    }
    const byte = this.#bytes[this.at++]!;
    this.#zeros = byte === 0 ? this.#zeros + 1 : 0;
    return byte;
  }
}

const cursor = new PayloadCursor();

function isOurs(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < UUID_BYTES; i++) if (bytes[at + i] !== STAMP_UUID[i]) return false;
  return true;
}

function writeStampNal(bytes: Uint8Array, start: number, codec: StampCodec, stamp: Stamp): void {
  const header = codec === 'h264' ? H264_HEADER : H265_HEADER;
  bytes.set(header, start);
  let at = start + header.length;
  bytes[at++] = USER_DATA_UNREGISTERED;
  bytes[at++] = STAMP_PAYLOAD_BYTES;
  bytes.set(STAMP_UUID, at);
  at += UUID_BYTES;
  writeFields(bytes, at, stamp);
  bytes[at + CHECKED_BYTES + CHECK_BYTES] = TRAILING_BITS;
}

const TWO_28 = 2 ** 28;

function writeFields(bytes: Uint8Array, at: number, stamp: Stamp): void {
  write7(bytes, at, 1, VERSION);
  write7(bytes, at + 1, 5, stamp.publisher);
  write7(bytes, at + 6, 5, stamp.frame);
  write7(bytes, at + 11, 4, Math.floor(stamp.captureUs / TWO_28));
  write7(bytes, at + 15, 4, stamp.captureUs % TWO_28);
  write7(bytes, at + CHECKED_BYTES, CHECK_BYTES, crc16(bytes, at, at + CHECKED_BYTES));
}

/** False if the version is not ours or the check code is wrong; `into` is written only if all is right. */
function readFields(bytes: Uint8Array, at: number, into: Stamp): boolean {
  if (bytes[at] !== (0x80 | VERSION)) return false;
  if (read7(bytes, at + CHECKED_BYTES, CHECK_BYTES) !== crc16(bytes, at, at + CHECKED_BYTES)) return false;
  into.publisher = read7(bytes, at + 1, 5);
  into.frame = read7(bytes, at + 6, 5);
  into.captureUs = read7(bytes, at + 11, 4) * TWO_28 + read7(bytes, at + 15, 4);
  return true;
}

/** `value` (unsigned, 32 bits at most), 7 bits to a byte. */
function write7(bytes: Uint8Array, at: number, count: number, value: number): void {
  for (let i = count - 1, rest = value >>> 0; i >= 0; i--, rest >>>= 7) bytes[at + i] = 0x80 | (rest & 0x7f);
}

function read7(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value = (value << 7) | (bytes[at + i]! & 0x7f);
  return value >>> 0;
}

/** As `read7` of 5 and of 4 bytes, without the loop. */
function read32(bytes: Uint8Array, at: number): number {
  return (((bytes[at]! & 0x7f) << 28) | read28(bytes, at + 1)) >>> 0;
}

function read28(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! & 0x7f) << 21) |
    ((bytes[at + 1]! & 0x7f) << 14) |
    ((bytes[at + 2]! & 0x7f) << 7) |
    (bytes[at + 3]! & 0x7f)
  );
}
