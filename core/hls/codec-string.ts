import { readAudioSpecificConfig } from '../aac/audio-specific-config.ts';
import type { SampleTrack } from '../media-sample.ts';

/** general_profile_space, 7.3.3 of H.265, as ISO/IEC 14496-15, annex E.3 writes it. */
const PROFILE_SPACES = ['', 'A', 'B', 'C'] as const;

/**
 * What CODECS of a multivariant playlist says of a track (RFC 6381, 3.4; ISO/IEC 14496-15, annex E). Null for codecs that this does not know.
 * The configuration must be one that the muxers took.
 */
export function codecString({ codec, config }: SampleTrack): string | null {
  switch (codec) {
    case 'h264':
      // profile_idc, constraint flags and level_idc of avcC
      return `avc1.${hex(config[1]!)}${hex(config[2]!)}${hex(config[3]!)}`;
    case 'h265':
      return h265String(config);
    case 'aac':
      return `mp4a.40.${readAudioSpecificConfig(config).objectType}`;
    case 'mp3':
      return 'mp4a.40.34';
    case 'opus':
      return 'opus';
    case 'vp9':
      // VP Codec ISO Media File Format Binding: profile, level, bit depth
      return `vp09.${decimal(config[0]!)}.${decimal(config[1]!)}.${decimal(config[2]! >> 4)}`;
    default:
      return null;
  }
}

/** E.3: profile, compatibility flags with their bits the other way round, tier and level, constraint bytes without the zeros at the end. */
function h265String(hvcC: Uint8Array): string {
  const profile = `${PROFILE_SPACES[hvcC[1]! >> 6]}${hvcC[1]! & 0x1f}`;
  let compatibility = 0;
  for (let bit = 0; bit < 32; bit++) {
    if ((hvcC[2 + (bit >> 3)]! >> (7 - (bit & 7))) & 1) compatibility += 2 ** bit;
  }
  const tier = hvcC[1]! & 0x20 ? 'H' : 'L';
  let last = 12;
  while (last > 6 && hvcC[last - 1] === 0) last--;
  const constraints = Array.from(
    hvcC.subarray(6, last),
    (byte) => `.${byte.toString(16).toUpperCase()}`,
  ).join('');
  return `hvc1.${profile}.${compatibility.toString(16).toUpperCase()}.${tier}${hvcC[12]!}${constraints}`;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function decimal(value: number): string {
  return String(value).padStart(2, '0');
}
