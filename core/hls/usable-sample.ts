import { MAX_NALS, readNalLength } from '../h264/nal.ts';
import type { MediaSample, SampleTrack } from '../media-sample.ts';
import type { Container } from './segment-muxer.ts';

/** What an ADTS frame can hold beside its header (ISO/IEC 14496-3, 1.A.2.2.1). */
const MAX_ADTS_BYTES = 0x1fff - 7;

/** Whether a muxer can take the sample: its NAL units fill it exactly, its sound has a place. A broken one would spoil its whole part. */
export function isUsable(
  { data }: MediaSample,
  { codec, config }: SampleTrack,
  container: Container,
): boolean {
  if (codec === 'aac') return container !== 'ts' || data.length <= MAX_ADTS_BYTES;
  if (codec !== 'h264' && codec !== 'h265') return true;
  // lengthSizeMinusOne: ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1
  const lengthBytes = (config[codec === 'h264' ? 4 : 21]! & 3) + 1;
  let at = 0;
  let nals = 0;
  while (at + lengthBytes <= data.length && nals < MAX_NALS) {
    at += lengthBytes + readNalLength(data, at, lengthBytes);
    nals++;
  }
  return at === data.length;
}
