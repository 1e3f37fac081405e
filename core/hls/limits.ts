import { ProtocolError } from '../media.ts';

/** What a playlist may cost. Each is checked before anything is made of what exceeds it. */
export interface PlaylistLimits {
  /** Bytes of the text, after content coding. */
  readonly maxBytes: number;
  readonly maxLines: number;
  /** Also after variables have been replaced. */
  readonly maxLineLength: number;
  /** Segments of one playlist, those skipped by a delta update included. */
  readonly maxSegments: number;
  /** Variants, renditions and I-frame variants of one multivariant playlist, each. */
  readonly maxVariants: number;
  readonly maxVariables: number;
}

/** An event of 24 hours in segments of 2 s has 43,200 of them in some 4 MiB. */
export const DEFAULT_PLAYLIST_LIMITS: PlaylistLimits = {
  maxBytes: 8 * 1024 * 1024,
  maxLines: 250_000,
  maxLineLength: 16 * 1024,
  maxSegments: 50_000,
  maxVariants: 500,
  maxVariables: 500,
};

export function tooLarge(code: string, what: string, max: number, got: number | string): ProtocolError {
  return new ProtocolError(code, `expected a playlist of at most ${max} ${what}, got ${got}`);
}
