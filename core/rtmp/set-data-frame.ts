import { writeAmf0 } from '../amf0/amf0.ts';

/**
 * Publishers wrap metadata: a data message "@setDataFrame", "onMetaData", {…} tells the server to keep the rest and
 * give it to each viewer, who gets "onMetaData", {…} as in an FLV file. (Adobe's convention, in no specification.)
 */
const SET_DATA_FRAME = writeAmf0('@setDataFrame');
const ON_METADATA = writeAmf0('onMetaData');

/** Puts "@setDataFrame" before a script tag that begins with "onMetaData"; any other is left alone. */
export function wrapMetadata(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  return pieces[0] !== undefined && startsWith(pieces[0], 0, pieces[0].length, ON_METADATA)
    ? [SET_DATA_FRAME, ...pieces]
    : pieces;
}

/** Takes "@setDataFrame" off again. */
export function unwrapMetadata(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const [first, ...rest] = pieces;
  if (first === undefined || !startsWith(first, 0, first.length, SET_DATA_FRAME)) return pieces;
  return first.length === SET_DATA_FRAME.length ? rest : [first.subarray(SET_DATA_FRAME.length), ...rest];
}

/** Whether `bytes[start, end)` begins with `beginning`. */
export function startsWith(bytes: Uint8Array, start: number, end: number, beginning: Uint8Array): boolean {
  if (end - start < beginning.length) return false;
  for (let i = 0; i < beginning.length; i++) if (bytes[start + i] !== beginning[i]) return false;
  return true;
}
