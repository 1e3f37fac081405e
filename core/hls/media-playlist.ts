import type { PlaylistViolation } from './violation.ts';

/** What a media playlist says (RFC 8216bis, 4.4.3 to 4.4.5). Durations in milliseconds, URLs absolute. */
export interface MediaPlaylist {
  readonly kind: 'media';
  readonly url: string;
  /** EXT-X-VERSION; 1 where it is not there. */
  readonly version: number;
  readonly targetDurationMs: number;
  /** PART-TARGET of EXT-X-PART-INF; null for a playlist without parts. */
  readonly partTargetMs: number | null;
  /** Media sequence number of the first segment. */
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  readonly type: 'event' | 'vod' | null;
  /** EXT-X-ENDLIST: nothing will be added. */
  readonly ended: boolean;
  readonly independentSegments: boolean;
  readonly iFramesOnly: boolean;
  readonly start: StartPoint | null;
  readonly serverControl: ServerControl;
  readonly segments: readonly Segment[];
  /** Parts of the segment that is still being made, which follows the last of `segments`. */
  readonly parts: readonly Part[];
  /** Discontinuity sequence number of `parts`. */
  readonly partsDiscontinuity: number;
  readonly preloadHints: readonly PreloadHint[];
  readonly renditionReports: readonly RenditionReport[];
  /** How many of `segments` came from the previous playlist, because this one is a delta update. */
  readonly skippedSegments: number;
  readonly violations: readonly PlaylistViolation[];
}

export interface Segment {
  /** Media sequence number. */
  readonly sequence: number;
  /** Discontinuity sequence number; `startsDiscontinuity` if EXT-X-DISCONTINUITY stands before it. */
  readonly discontinuity: number;
  readonly startsDiscontinuity: boolean;
  readonly url: string;
  readonly range: ByteRange | null;
  readonly durationMs: number;
  readonly map: MediaMap | null;
  readonly key: Key | null;
  /** EXT-X-GAP: the server does not have it. */
  readonly gap: boolean;
  /** Milliseconds since the epoch, carried on from the last EXT-X-PROGRAM-DATE-TIME up to a discontinuity. */
  readonly programDateTimeMs: number | null;
  /** The tag itself stands before this segment. */
  readonly hasProgramDateTime: boolean;
  readonly parts: readonly Part[];
}

export interface Part {
  readonly url: string;
  readonly range: ByteRange | null;
  readonly durationMs: number;
  /** It begins with a key picture. */
  readonly independent: boolean;
  readonly gap: boolean;
  readonly map: MediaMap | null;
  readonly key: Key | null;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** EXT-X-MAP: the init segment. */
export interface MediaMap {
  readonly url: string;
  readonly range: ByteRange | null;
  readonly key: Key | null;
}

/** EXT-X-KEY; METHOD=NONE is null. */
export interface Key {
  /** `AES-128`, `SAMPLE-AES` …: what this product can undo is for the viewer to say. */
  readonly method: string;
  readonly url: string | null;
  /** 16 bytes; null: the media sequence number (`initializationVector`). */
  readonly iv: Uint8Array | null;
  /** `identity` where not said. */
  readonly keyFormat: string;
}

export interface StartPoint {
  /** From the beginning; negative: from the end. */
  readonly offsetMs: number;
  readonly precise: boolean;
}

/** EXT-X-SERVER-CONTROL. */
export interface ServerControl {
  readonly canBlockReload: boolean;
  readonly canSkipUntilMs: number | null;
  readonly canSkipDateRanges: boolean;
  readonly holdBackMs: number | null;
  readonly partHoldBackMs: number | null;
}

/** EXT-X-PRELOAD-HINT: what will come next, and can be asked for already. */
export interface PreloadHint {
  readonly type: 'part' | 'map';
  readonly url: string;
  readonly offset: number;
  /** Null: to the end of the resource. */
  readonly length: number | null;
}

/** EXT-X-RENDITION-REPORT: how far another rendition is. */
export interface RenditionReport {
  readonly url: string;
  readonly lastSequence: number | null;
  readonly lastPart: number | null;
}

export const NO_SERVER_CONTROL: ServerControl = {
  canBlockReload: false,
  canSkipUntilMs: null,
  canSkipDateRanges: false,
  holdBackMs: null,
  partHoldBackMs: null,
};

/** 5.2: the IV of a segment whose key has none is its media sequence number, big-endian in 16 bytes. */
export function initializationVector(key: Key, sequence: number): Uint8Array {
  if (key.iv) return key.iv;
  const iv = new Uint8Array(16);
  const view = new DataView(iv.buffer);
  view.setUint32(8, Math.floor(sequence / 2 ** 32));
  view.setUint32(12, sequence % 2 ** 32);
  return iv;
}
