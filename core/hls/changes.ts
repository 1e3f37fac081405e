import type { MediaPlaylist, Part, Segment } from './media-playlist.ts';
import { type PlaylistViolation, ViolationList } from './violation.ts';

export interface PlaylistChanges {
  /** Segments after the last one of the previous playlist; all of them if there is no previous one. */
  readonly segments: readonly Segment[];
  /** Parts that are new, of new segments and of the one being made, each with its place. */
  readonly parts: readonly PlacedPart[];
  /** Segments that came and went between the two: the viewer asked too late, or the server's numbers leaped. */
  readonly missedSegments: number;
  /** Anything is new: the playlist counts as changed for the time of the next reload. */
  readonly changed: boolean;
  readonly violations: readonly PlaylistViolation[];
}

export interface PlacedPart {
  /** Media sequence number of its segment. */
  readonly sequence: number;
  /** Index within the segment. */
  readonly index: number;
  readonly part: Part;
}

/**
 * What is new in a media playlist since `previous` (null: everything), and what RFC 8216bis forbids between two versions of
 * one playlist (6.2.1, 6.2.2). The violations of `next` itself (`next.violations`) are not among these; those of its segments
 * are, and come once, with the segment.
 */
export function playlistChanges(previous: MediaPlaylist | null, next: MediaPlaylist): PlaylistChanges {
  const violations = new ViolationList();
  const known = previous === null ? Number.NEGATIVE_INFINITY : endSequence(previous);
  const segments = next.segments.filter(({ sequence }) => sequence >= known);
  const parts = newParts(previous, next);
  for (const segment of segments) checkSegment(segment, next, violations);
  if (previous !== null) compare(previous, next, violations);
  const end = endSequence(next);
  return {
    segments,
    parts,
    missedSegments: previous === null ? 0 : Math.max(0, next.mediaSequence - known),
    changed: previous === null || end !== known || parts.length > 0 || next.ended !== previous.ended,
    violations: violations.list,
  };
}

/** Media sequence number of the segment after the last whole one. */
export function endSequence({ mediaSequence, segments }: MediaPlaylist): number {
  return mediaSequence + segments.length;
}

function newParts(previous: MediaPlaylist | null, next: MediaPlaylist): PlacedPart[] {
  const open = previous === null ? Number.NEGATIVE_INFINITY : endSequence(previous);
  const openParts = previous?.parts.length ?? 0;
  const place = (sequence: number, parts: readonly Part[]): PlacedPart[] => {
    if (sequence < open) return [];
    const first = sequence === open ? openParts : 0;
    return parts.slice(first).map((part, index) => ({ sequence, index: first + index, part }));
  };
  return [
    ...next.segments.flatMap(({ sequence, parts }) => place(sequence, parts)),
    ...place(endSequence(next), next.parts),
  ];
}

function checkSegment(
  segment: Segment,
  { targetDurationMs }: MediaPlaylist,
  violations: ViolationList,
): void {
  const { sequence, durationMs, gap } = segment;
  // 4.4.3.1: rounded to the nearest whole second.
  if (Math.round(durationMs / 1000) * 1000 > targetDurationMs) {
    const detail = `expected segment ${sequence} of at most ${targetDurationMs} ms, got ${durationMs}`;
    violations.add('segment-too-long', 0, detail);
  }
  if (gap) violations.add('segment-missing', 0, `expected segment ${sequence}, got EXT-X-GAP`);
}

function compare(previous: MediaPlaylist, next: MediaPlaylist, violations: ViolationList): void {
  const add = violations.add.bind(violations);
  // An empty playlist says nothing of where it stands.
  const isBack = next.mediaSequence < previous.mediaSequence || endSequence(next) < endSequence(previous);
  if (isBack) {
    const detail =
      `expected segments up to ${endSequence(previous) - 1} from ${previous.mediaSequence} on or later, ` +
      `got up to ${endSequence(next) - 1} from ${next.mediaSequence} on`;
    add('sequence-regress', 0, detail);
  }
  if (next.ended && !previous.ended) add('endlist-on-live', 0, 'expected more to come, got EXT-X-ENDLIST');
  if (previous.ended && (!next.ended || endSequence(next) > endSequence(previous))) {
    add('endlist-on-live', 0, 'expected no change after EXT-X-ENDLIST, got one');
  }
  if (previous.targetDurationMs !== next.targetDurationMs) {
    add(
      'malformed',
      0,
      `expected EXT-X-TARGETDURATION to stay ${previous.targetDurationMs} ms, got ${next.targetDurationMs}`,
    );
  }
  if (!isBack) compareSegments(previous, next, add);
}

/** 6.2.1: what stands in a playlist stays as it is until it goes. */
function compareSegments(previous: MediaPlaylist, next: MediaPlaylist, add: ViolationList['add']): void {
  for (const was of previous.segments) {
    const is = next.segments[was.sequence - next.mediaSequence];
    if (is === undefined || is === was) continue;
    if (is.discontinuity !== was.discontinuity) {
      const detail = `expected segment ${was.sequence} to keep discontinuity sequence ${was.discontinuity}, got ${is.discontinuity}`;
      add('discontinuity-sequence', 0, detail);
      return;
    }
    // A token in the query may change from one version to the next.
    if (path(is.url) !== path(was.url) || is.range?.offset !== was.range?.offset) {
      add(
        'sequence-regress',
        0,
        `expected segment ${was.sequence} to stay what it was, got another URL or range`,
      );
      return;
    }
  }
}

function path(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
