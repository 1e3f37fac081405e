import { ProtocolError } from '../media.ts';
import { type PlaylistLimits, tooLarge } from './limits.ts';
import type { ViolationList } from './violation.ts';

export interface Line {
  /** Counted from 1. */
  readonly number: number;
  /** `EXTINF`, `EXT-X-KEY` …; null for a URI. */
  readonly tag: string | null;
  /** What follows the tag's colon; the whole line for a URI. */
  readonly value: string;
}

const BYTE_ORDER_MARK = '\ufeff';
const SIGNATURE = '#EXTM3U';

/**
 * The lines of a playlist that say something (RFC 8216bis, 4.1): comments and blank lines are left out.
 * Throws `HLS_NOT_A_PLAYLIST`, `HLS_PLAYLIST_TOO_LARGE`, `HLS_TOO_MANY_LINES` or `HLS_LINE_TOO_LONG`.
 */
export function readLines(
  text: string,
  limits: PlaylistLimits,
  violations: ViolationList,
  each: (line: Line) => void,
): void {
  if (text.length > limits.maxBytes) {
    throw tooLarge('HLS_PLAYLIST_TOO_LARGE', 'bytes', limits.maxBytes, text.length);
  }
  let at = 0;
  if (text.startsWith(BYTE_ORDER_MARK)) {
    violations.add('malformed', 1, 'expected no byte order mark (4.1)');
    at = 1;
  }
  if (!text.startsWith(SIGNATURE, at) || (text.charCodeAt(at + SIGNATURE.length) || 0) > 0x20) {
    const got = JSON.stringify(text.slice(0, 20));
    throw new ProtocolError(
      'HLS_NOT_A_PLAYLIST',
      `expected a playlist to begin with "${SIGNATURE}", got ${got}`,
    );
  }
  for (let number = 1; at < text.length; number++) {
    if (number > limits.maxLines) throw tooLarge('HLS_TOO_MANY_LINES', 'lines', limits.maxLines, 'more');
    const found = text.indexOf('\n', at);
    const end = found < 0 ? text.length : found;
    if (end - at > limits.maxLineLength) throw lineTooLong(number, limits.maxLineLength, end - at);
    // Players take blanks around a line for nothing; so do we.
    const line = text.slice(at, end).trim();
    at = end + 1;
    if (line === '' || (number === 1 && line === SIGNATURE)) continue;
    if (!line.startsWith('#')) each({ number, tag: null, value: line });
    else if (line.startsWith('#EXT')) {
      const colon = line.indexOf(':');
      if (colon < 0) each({ number, tag: line.slice(1), value: '' });
      else each({ number, tag: line.slice(1, colon), value: line.slice(colon + 1) });
    }
  }
}

export function lineTooLong(line: number, max: number, got: number): ProtocolError {
  return new ProtocolError(
    'HLS_LINE_TOO_LONG',
    `expected line ${line} of at most ${max} characters, got ${got}`,
  );
}
