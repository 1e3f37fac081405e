/**
 * The part of an enhanced tag head that audio and video share (Enhanced RTMP v2, "Enhanced Audio", "Enhanced Video"):
 *
 *     [ flags:4 | packetType:4 ] { ModEx … } { [ multitrackType:4 | packetType:4 ] } fourCC:32 { trackId:8 { size:24 } } data
 */
export interface EnhancedHead {
  /** The packet type after all ModEx and multitrack wrapping is undone. */
  packetType: number;
  fourCc: number;
  /** Where what follows begins, counted from the body's first byte. */
  dataOffset: number;
}

const MOD_EX = 7;
/** AvMultitrackType: one track; several tracks of one codec; several tracks, each with its own fourCC. */
const ONE_TRACK = 0;
const MANY_TRACKS = 1;
const MANY_TRACKS_MANY_CODECS = 2;
/** The specification sets no limit on chained ModEx blocks; one (nanosecond offset) exists. */
const MAX_MOD_EX = 8;

/** Four characters as the big-endian number in which they stand in the tag. */
export function fourCc(name: string): number {
  return (
    ((name.charCodeAt(0) << 24) |
      (name.charCodeAt(1) << 16) |
      (name.charCodeAt(2) << 8) |
      name.charCodeAt(3)) >>>
    0
  );
}

/**
 * Reads the enhanced head of the body `bytes[start, end)`; `multitrack` is the packet type that says so (5 audio,
 * 6 video). False if it is cut short, is broken, or belongs to another track than 0, the default one.
 */
export function readEnhancedHead(
  bytes: Uint8Array,
  start: number,
  end: number,
  multitrack: number,
  into: EnhancedHead,
): boolean {
  let packetType = bytes[start]! & 0x0f;
  let at = start + 1;

  // ModEx: a size, that many bytes, then [ modExType:4 | packetType:4 ]. None changes what is read here.
  for (let count = 0; packetType === MOD_EX; count++) {
    if (count === MAX_MOD_EX || end - at < 1) return false;
    let size = bytes[at]! + 1;
    at += 1;
    if (size === 256) {
      if (end - at < 2) return false;
      size = ((bytes[at]! << 8) | bytes[at + 1]!) + 1;
      at += 2;
    }
    at += size;
    if (end - at < 1) return false;
    packetType = bytes[at]! & 0x0f;
    at += 1;
  }

  let trackType = -1;
  if (packetType === multitrack) {
    if (end - at < 1) return false;
    trackType = bytes[at]! >> 4;
    packetType = bytes[at]! & 0x0f;
    at += 1;
    if (trackType > MANY_TRACKS_MANY_CODECS || packetType === multitrack) return false;
  }

  if (end - at < 4) return false;
  into.fourCc = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  at += 4;

  if (trackType >= ONE_TRACK) {
    const trackBytes = trackType >= MANY_TRACKS ? 4 : 1;
    if (end - at < trackBytes || bytes[at] !== 0) return false;
    at += trackBytes;
  }
  into.packetType = packetType;
  into.dataOffset = at - start;
  return true;
}

/** SI24, the composition time. */
export function signed24(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8)) >> 8;
}
