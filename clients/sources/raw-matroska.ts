/**
 * Raw pictures with timestamps, as Matroska (RFC 9559): what ffmpeg is fed through its stdin.
 *
 *     EBML header │ Segment (size unknown): Info │ Tracks │ Cluster: Timestamp │ SimpleBlock ║ picture │ Cluster …
 *     └──────────────── rawMatroskaHeader ───────────────┘ └──── rawMatroskaPrefix ─────────┘
 *
 * Plain rawvideo or Y4M has no timestamps: a picture that is left out, because the encoder is behind, would make all
 * later ones early. Each picture is a cluster of its own, so it is complete, and readable, the moment it is written.
 */
export interface RawVideo {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
}

/** Bytes of a yuv420p picture: luma, then the two chroma planes of half the size, rounded up. */
export function pictureBytes({ width, height }: RawVideo): number {
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

/** What comes before the first picture. */
export function rawMatroskaHeader(video: RawVideo): Uint8Array {
  return concat([
    element(
      EBML,
      element(DOC_TYPE, text('matroska')),
      element(DOC_TYPE_VERSION, number(4)),
      element(DOC_TYPE_READ_VERSION, number(2)),
    ),
    id(SEGMENT),
    Uint8Array.of(0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), // size unknown: it is live
    element(
      INFO,
      element(TIMESTAMP_SCALE, number(1_000_000)), // ns: timestamps are in ms
      element(MUXING_APP, text('streamgauge')),
      element(WRITING_APP, text('streamgauge')),
    ),
    element(
      TRACKS,
      element(
        TRACK_ENTRY,
        element(TRACK_NUMBER, number(1)),
        element(TRACK_UID, number(1)),
        element(TRACK_TYPE, number(1)), // video
        element(CODEC_ID, text('V_UNCOMPRESSED')),
        element(DEFAULT_DURATION, number(Math.round(1e9 / video.fps))),
        element(
          VIDEO,
          element(PIXEL_WIDTH, number(video.width)),
          element(PIXEL_HEIGHT, number(video.height)),
          element(COLOUR_SPACE, text('I420')),
        ),
      ),
    ),
  ]);
}

/** What comes before the bytes of one picture. */
export function rawMatroskaPrefix(video: RawVideo, timestampMs: number): Uint8Array {
  const timestamp = element(TIMESTAMP, number(timestampMs));
  const block = Uint8Array.of(0x81, 0, 0, 0x80); // track 1, 0 ms from the cluster's timestamp, a key frame
  const blockHead = concat([id(SIMPLE_BLOCK), size(block.length + pictureBytes(video)), block]);
  return concat([
    id(CLUSTER),
    size(timestamp.length + blockHead.length + pictureBytes(video)),
    timestamp,
    blockHead,
  ]);
}

// RFC 9559, section 5; EBML header: RFC 8794, section 11.2.
const EBML = 0x1a45dfa3;
const DOC_TYPE = 0x4282;
const DOC_TYPE_VERSION = 0x4287;
const DOC_TYPE_READ_VERSION = 0x4285;
const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const TIMESTAMP_SCALE = 0x2ad7b1;
const MUXING_APP = 0x4d80;
const WRITING_APP = 0x5741;
const TRACKS = 0x1654ae6b;
const TRACK_ENTRY = 0xae;
const TRACK_NUMBER = 0xd7;
const TRACK_UID = 0x73c5;
const TRACK_TYPE = 0x83;
const CODEC_ID = 0x86;
const DEFAULT_DURATION = 0x23e383;
const VIDEO = 0xe0;
const PIXEL_WIDTH = 0xb0;
const PIXEL_HEIGHT = 0xba;
const COLOUR_SPACE = 0x2eb524;
const CLUSTER = 0x1f43b675;
const TIMESTAMP = 0xe7;
const SIMPLE_BLOCK = 0xa3;

function element(elementId: number, ...content: Uint8Array[]): Uint8Array {
  const bytes = content.reduce((sum, { length }) => sum + length, 0);
  return concat([id(elementId), size(bytes), ...content]);
}

/** RFC 8794, section 5: an id has its length marker in it already. */
function id(elementId: number): Uint8Array {
  return bigEndian(elementId);
}

/** RFC 8794, section 6: 8 bytes, 56 bits of them the size. */
function size(bytes: number): Uint8Array {
  const encoded = new Uint8Array(8);
  encoded.set(bigEndian(bytes), 8 - bigEndian(bytes).length);
  encoded[0] = 0x01;
  return encoded;
}

/** An unsigned integer in as few bytes as it needs, up to 2^53. */
function number(value: number): Uint8Array {
  return bigEndian(value);
}

function bigEndian(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0 || bytes.length === 0; rest = Math.floor(rest / 256))
    bytes.unshift(rest % 256);
  return Uint8Array.from(bytes);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
