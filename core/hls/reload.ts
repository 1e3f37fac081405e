import { endSequence } from './changes.ts';
import type { MediaPlaylist } from './media-playlist.ts';

export interface Reload {
  /** When to ask, on the clock of `loadStartedMs`. */
  readonly atMs: number;
  /** What to ask for: the playlist's URL with delivery directives. */
  readonly url: string;
}

export interface LastLoad {
  /** When the load of this playlist began. */
  readonly loadStartedMs: number;
  /** When it ended: the present. */
  readonly loadEndedMs: number;
  /** It brought something new (`PlaylistChanges.changed`). */
  readonly changed: boolean;
  /** URL to reload, without directives: as asked for, or as the server redirected it. */
  readonly url: string;
  /** The viewer makes use of blocking reload and delta updates, if the server offers them. */
  readonly lowLatency: boolean;
}

/** A server that answers a blocking request at once with nothing new is not asked faster than this. */
export const MIN_RELOAD_MS = 100;

/**
 * When and how to load the playlist again (RFC 8216bis, 6.3.4 and 6.2.5); null: never, it has ended.
 *
 * Counted from the beginning of the last load: a target duration if it brought something new, half of one if not. A server that
 * can block is asked at once for the next part or segment, unless it has just broken its word.
 */
export function nextReload(playlist: MediaPlaylist, last: LastLoad): Reload | null {
  if (playlist.ended) return null;
  const { serverControl, partTargetMs, targetDurationMs } = playlist;
  const { loadStartedMs, loadEndedMs, changed, url, lowLatency } = last;
  const asksForNext = lowLatency && serverControl.canBlockReload;
  // With parts, what is new comes at their pace.
  const periodMs = lowLatency ? (partTargetMs ?? targetDurationMs) : targetDurationMs;
  const waitMs = Math.max(MIN_RELOAD_MS, changed ? periodMs : periodMs / 2);
  const atMs = asksForNext && changed ? loadEndedMs : Math.max(loadEndedMs, loadStartedMs + waitMs);
  if (!lowLatency || (!asksForNext && serverControl.canSkipUntilMs === null)) return { atMs, url };
  return { atMs, url: withDirectives(url, directives(playlist, asksForNext, atMs - loadStartedMs)) };
}

interface Directives {
  readonly _HLS_msn?: number;
  readonly _HLS_part?: number;
  readonly _HLS_skip?: 'YES' | 'v2';
}

function directives(playlist: MediaPlaylist, asksForNext: boolean, ageMs: number): Directives {
  const { serverControl, partTargetMs, parts } = playlist;
  const { canSkipUntilMs, canSkipDateRanges } = serverControl;
  // 6.2.5.1: only if the playlist at hand is not older than half the skip boundary.
  const isFresh = canSkipUntilMs !== null && ageMs <= canSkipUntilMs / 2;
  return {
    ...(asksForNext && { _HLS_msn: endSequence(playlist) }),
    ...(asksForNext && partTargetMs !== null && { _HLS_part: parts.length }),
    ...(isFresh && { _HLS_skip: canSkipDateRanges ? ('v2' as const) : ('YES' as const) }),
  };
}

/** Adds delivery directives to a URL, behind its own parameters and in order of their names (6.2.5). */
export function withDirectives(url: string, wanted: Directives): string {
  const query = (['_HLS_msn', '_HLS_part', '_HLS_skip'] as const)
    .filter((name) => wanted[name] !== undefined)
    .map((name) => `${name}=${wanted[name]}`)
    .join('&');
  if (query === '') return url;
  const fragmentAt = url.indexOf('#');
  const bare = fragmentAt < 0 ? url : url.slice(0, fragmentAt);
  return `${bare}${bare.includes('?') ? '&' : '?'}${query}`;
}
