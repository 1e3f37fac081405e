/** Names of rungs' streams: `live/room` has `live/room_720p`. What has such a name is a rung itself. */

/** What the audio-only rung is called. */
export const AUDIO_RUNG = 'audio';

/** The ingest's limit on the name after the application. */
const MAX_NAME_CHARS = 128;

/** @param stream `live/room` @param rung `720p` @returns null: the name would be longer than the ingest takes */
export function rungStream(stream: string, rung: string): string | null {
  const made = `${stream}_${rung}`;
  return made.length - made.indexOf('/') - 1 > MAX_NAME_CHARS ? null : made;
}

/** Whether a stream is, by its name, a rung: such a one is never transcoded again. */
export function isRung(stream: string, rungs: readonly string[]): boolean {
  return rungs.some((rung) => stream.endsWith(`_${rung}`));
}

/** @param pattern a stream's name in which each `*` stands for any characters: `live/*` */
export function matchesPattern(stream: string, pattern: string): boolean {
  // Piece by piece instead of by a regular expression: `*a*a*a*` must not take for ever.
  const pieces = pattern.split('*');
  const first = pieces[0]!;
  if (pieces.length === 1) return stream === pattern;
  if (!stream.startsWith(first)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = stream.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  const last = pieces.at(-1)!;
  return stream.length - at >= last.length && stream.endsWith(last);
}
