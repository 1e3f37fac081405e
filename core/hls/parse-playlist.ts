import { ProtocolError } from '../media.ts';
import type { MediaPlaylist } from './media-playlist.ts';
import type { MultivariantPlaylist } from './multivariant-playlist.ts';
import { type MediaPlaylistOptions, parseMediaPlaylist } from './parse-media.ts';
import { parseMultivariantPlaylist } from './parse-multivariant.ts';

const MULTIVARIANT_TAG = /^[ \t]*#EXT-X-(?:STREAM-INF|MEDIA|I-FRAME-STREAM-INF):/m;
const MEDIA_TAG = /^[ \t]*#(?:EXTINF|EXT-X-(?:TARGETDURATION|MEDIA-SEQUENCE|PART|SKIP)):/m;

/**
 * Reads a playlist of either kind (RFC 8216bis, 4.1: one with tags of both kinds must be refused, `HLS_MIXED`); otherwise throws
 * what `parseMediaPlaylist` and `parseMultivariantPlaylist` throw. A variant's URL must lead to a media playlist:
 * read that with `parseMediaPlaylist`, so that playlists cannot lead on for ever.
 */
export function parsePlaylist(
  text: string,
  options: MediaPlaylistOptions,
): MediaPlaylist | MultivariantPlaylist {
  if (!MULTIVARIANT_TAG.test(text)) return parseMediaPlaylist(text, options);
  if (MEDIA_TAG.test(text)) {
    throw new ProtocolError('HLS_MIXED', 'expected a media or a multivariant playlist, got tags of both');
  }
  return parseMultivariantPlaylist(text, options);
}
