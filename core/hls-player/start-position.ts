import type { MediaPlaylist, Part } from '../hls/media-playlist.ts';

/** Where in a playlist to begin: a segment, or a part of one, and how far behind its first picture. */
export interface Position {
  /** Media sequence number; that after the last segment for the parts of the one being made. */
  readonly sequence: number;
  readonly part: number;
  readonly offsetMs: number;
}

/** hls.js's `liveSyncDurationCount`, and what RFC 8216bis (6.3.3) asks for: so many target durations behind the end. */
const LIVE_SYNC_TARGETS = 3;

/** How far behind the end of a live playlist a player wants to be (hls.js: `targetLatency`). */
export function targetLatencyMs(playlist: MediaPlaylist, lowLatency: boolean): number {
  const { holdBackMs, partHoldBackMs } = playlist.serverControl;
  const said = lowLatency && playlist.partTargetMs !== null ? (partHoldBackMs ?? holdBackMs) : holdBackMs;
  return said || LIVE_SYNC_TARGETS * playlist.targetDurationMs;
}

/**
 * Where a player begins (hls.js: `liveSyncPosition`; EXT-X-START where there is one): on a live playlist its target latency behind the end,
 * but never nearer to it than one segment or part; on one that has ended at its beginning. Null: nothing to begin with.
 */
export function startPosition(playlist: MediaPlaylist, lowLatency: boolean): Position | null {
  const { segments, start } = playlist;
  const parts = lowLatency ? playlist.parts : [];
  const wholeMs = segments.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const totalMs = wholeMs + lengthOf(parts);
  if (totalMs === 0) return null;
  let atMs = 0;
  if (start !== null) atMs = start.offsetMs < 0 ? totalMs + start.offsetMs : start.offsetMs;
  else if (!playlist.ended) atMs = totalMs - targetLatencyMs(playlist, lowLatency);
  if (!playlist.ended) {
    const nearestMs = (lowLatency ? playlist.partTargetMs : null) ?? playlist.targetDurationMs;
    atMs = Math.min(atMs, totalMs - nearestMs);
  }
  return positionAt(playlist, Math.max(0, atMs), lowLatency);
}

/** What is at `atMs` from the playlist's beginning: with parts, the nearest before it that begins with a key picture. */
export function positionAt(playlist: MediaPlaylist, atMs: number, lowLatency: boolean): Position | null {
  let leftMs = atMs;
  let last: Position | null = null;
  for (const { sequence, durationMs, parts, gap } of playlist.segments) {
    if (leftMs < durationMs && !gap)
      return lowLatency ? inParts(sequence, parts, leftMs) : at(sequence, 0, leftMs);
    if (!gap) last = at(sequence, 0, 0);
    leftMs = Math.max(0, leftMs - durationMs);
  }
  if (!lowLatency || playlist.parts.length === 0) return last;
  const open = playlist.mediaSequence + playlist.segments.length;
  return inParts(open, playlist.parts, leftMs);
}

function inParts(sequence: number, parts: readonly Part[], offsetMs: number): Position {
  let found = at(sequence, 0, offsetMs);
  let beforeMs = 0;
  for (const [index, { durationMs, independent, gap }] of parts.entries()) {
    if (beforeMs > offsetMs) break;
    if (independent && !gap) found = at(sequence, index, offsetMs - beforeMs);
    beforeMs += durationMs;
  }
  return found;
}

function at(sequence: number, part: number, offsetMs: number): Position {
  return { sequence, part, offsetMs };
}

export function lengthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { durationMs }) => sum + durationMs, 0);
}
