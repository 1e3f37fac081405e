/**
 * What a request for a media playlist wants to wait for (RFC 8216bis, 6.2.5.2 "Blocking Playlist Reload").
 */
import type { HlsPackager } from '../../core/hls/packager.ts';

/** Delivery directives; null: not there. */
export interface Directives {
  readonly sequence: number | null;
  readonly part: number | null;
  readonly skip: boolean;
}

/** @returns a sentence where the directives make no sense */
export function readDirectives(query: URLSearchParams): Directives | string {
  const sequence = readNumber(query.get('_HLS_msn'));
  const part = readNumber(query.get('_HLS_part'));
  if (Number.isNaN(sequence) || Number.isNaN(part)) return '_HLS_msn and _HLS_part are whole numbers.';
  if (part !== null && sequence === null) return '_HLS_part needs _HLS_msn.';
  const skip = query.get('_HLS_skip');
  if (skip !== null && skip !== 'YES' && skip !== 'v2') return '_HLS_skip is YES or v2.';
  return { sequence, part, skip: skip !== null };
}

function readNumber(text: string | null): number | null {
  if (text === null) return null;
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}

/** More segments ahead of the last one are a mistake of who asks. */
const MAX_SEGMENTS_AHEAD = 2;

/** Whether it asks for what is too far ahead to wait for. */
export function isTooFarAhead(
  { openSequence, openParts }: HlsPackager,
  { sequence, part }: Directives,
  partTargetMs: number | null,
): boolean {
  if (sequence === null) return false;
  const lastSequence = openSequence - 1;
  if (sequence > lastSequence + MAX_SEGMENTS_AHEAD) return true;
  if (part === null || partTargetMs === null || sequence < openSequence) return false;
  // The "Advance Part Limit": three parts, or more where they are shorter than a second.
  const limit = partTargetMs < 1_000 ? Math.ceil(3_000 / partTargetMs) : 3;
  return part > (sequence === openSequence ? openParts - 1 : -1) + limit;
}

/** Whether the playlist has what was asked for. */
export function hasReached(packager: HlsPackager, { sequence, part }: Directives): boolean {
  if (sequence === null) return true;
  const { openSequence, openParts } = packager;
  if (openSequence < sequence) return false;
  if (openSequence === sequence) return part !== null && openParts > part;
  if (part === null || openSequence > sequence + 1) return true;
  // A part after the last of its segment means the first of the next one.
  const whole = packager.segment(sequence);
  return whole === null || part < whole.parts.length || openParts > 0;
}
