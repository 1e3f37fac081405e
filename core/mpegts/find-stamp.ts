import { readNalStamp, readNextStamp, type Stamp, type StampCodec } from '../stamp/stamp.ts';
import { nextNal } from './key-picture.ts';

/**
 * `findStamp` for an access unit in Annex B form, as TS carries it: reads the stamp before the first slice of `bytes[start, end)`
 * into `into`, which is left alone otherwise. The range may be the head of a unit only.
 */
export function findStampAnnexB(
  bytes: Uint8Array,
  start: number,
  end: number,
  codec: StampCodec,
  into: Stamp,
): boolean {
  return find(bytes, start, end, codec, into, false);
}

/** The same where `last` is what the stamp before it said: much cheaper if it goes on from there (`readNextStamp`). */
export function findNextStampAnnexB(
  bytes: Uint8Array,
  start: number,
  end: number,
  codec: StampCodec,
  last: Stamp,
): boolean {
  return find(bytes, start, end, codec, last, true);
}

function find(
  bytes: Uint8Array,
  start: number,
  end: number,
  codec: StampCodec,
  into: Stamp,
  goesOn: boolean,
): boolean {
  // What follows a unit up to the next one's (a start code, zeros) is no whole SEI message, so it does no harm.
  for (let at = nextNal(bytes, start, end); at < end; ) {
    if (goesOn && readNextStamp(bytes, at, end, 0, codec, into)) return true;
    const next = nextNal(bytes, at, end);
    const found = readNalStamp(bytes, at, next, codec, into);
    if (found !== 'other') return found === 'stamp';
    at = next;
  }
  return false;
}
