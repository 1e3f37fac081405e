import { readNalStamp, type Stamp, type StampCodec } from '../stamp/stamp.ts';
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
  // What follows a unit up to the next one's (a start code, zeros) is no whole SEI message, so it does no harm.
  for (let at = nextNal(bytes, start, end); at < end; ) {
    const next = nextNal(bytes, at, end);
    const found = readNalStamp(bytes, at, next, codec, into);
    if (found !== 'other') return found === 'stamp';
    at = next;
  }
  return false;
}
