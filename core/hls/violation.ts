/**
 * What a server can break of RFC 8216bis while players play on: the reasons of the metric `hls_violations`. Playlists tell
 * all but `no-key-frame-at-start` and `variants-adrift`, which need the media or several playlists.
 */
export type HlsViolation =
  | 'sequence-regress'
  | 'segment-too-long'
  | 'endlist-on-live'
  | 'discontinuity-sequence'
  | 'segment-missing'
  | 'no-key-frame-at-start'
  | 'variants-adrift'
  | 'malformed';

export interface PlaylistViolation {
  readonly reason: HlsViolation;
  /** What was expected and what came. */
  readonly detail: string;
  /** Line of the playlist, counted from 1; 0 where it is about the playlist as a whole. */
  readonly line: number;
}

/** So many are told of one playlist; one with more is no better known by them. */
export const MAX_VIOLATIONS = 50;

export class ViolationList {
  readonly list: PlaylistViolation[] = [];

  add(reason: HlsViolation, line: number, detail: string): void {
    if (this.list.length < MAX_VIOLATIONS) this.list.push({ reason, line, detail });
  }
}
