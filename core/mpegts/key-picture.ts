import * as h264 from '../h264/nal.ts';
import * as h265 from '../h265/nal.ts';

/** SEI payload type of a recovery point (H.264 D.2.8): decoding can start at a picture that is not IDR. */
const SEI_RECOVERY_POINT = 6;

/**
 * Whether decoding can start at the access unit in Annex B form whose head is `bytes[start, end)`: H.264 IDR or
 * recovery point, H.265 IRAP. Null: the head ends before the first slice, so only the container can tell; `toSlice`: also where
 * a recovery point tells.
 */
export function isKeyPicture(
  bytes: Uint8Array,
  start: number,
  end: number,
  codec: 'h264' | 'h265',
  toSlice = false,
): boolean | null {
  let recovers = false;
  for (let at = nextNal(bytes, start, end); at < end; at = nextNal(bytes, at, end)) {
    if (codec === 'h264') {
      const type = h264.nalType(bytes[at]!);
      if (h264.isSlice(type)) return recovers || type === h264.NAL_IDR;
      if (type === h264.NAL_SEI && bytes[at + 1] === SEI_RECOVERY_POINT && at + 1 < end) {
        if (!toSlice) return true;
        recovers = true;
      }
    } else {
      const type = h265.nalType(bytes[at]!);
      if (h265.isSlice(type)) return h265.isRandomAccess(type);
    }
  }
  return null;
}

/** Where the NAL unit behind the next start code (00 00 01) begins; `end` if there is none. */
export function nextNal(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start + 2; at < end - 1; ) {
    const byte = bytes[at]!;
    if (byte > 1) at += 3;
    else if (byte === 1 && bytes[at - 1] === 0 && bytes[at - 2] === 0) return at + 1;
    else at += 1;
  }
  return end;
}
