import type { BitReader } from '../h264/bit-reader.ts';

/** profile_tier_level, H.265 7.3.3, and the names made from it. */
export interface ProfileTierLevel {
  readonly profile: string;
  readonly level: string;
  readonly codecString: string;
  /** general_profile_space to general_level_idc as they stand: 12 bytes, which hvcC repeats. */
  readonly general: Uint8Array;
}

export const GENERAL_BYTES = 12;

/** A.3, general_profile_idc. */
const PROFILE_NAMES = ['', 'Main', 'Main 10', 'Main Still Picture', 'Range Extensions'];

/** Reads profile_tier_level(1, maxSubLayers − 1). */
export function readProfileTierLevel(bits: BitReader, maxSubLayers: number): ProfileTierLevel {
  const general = new Uint8Array(GENERAL_BYTES);
  for (let i = 0; i < GENERAL_BYTES; i++) general[i] = bits.bits(8);

  const profilePresent: boolean[] = [];
  const levelPresent: boolean[] = [];
  for (let layer = 0; layer < maxSubLayers - 1; layer++) {
    profilePresent.push(bits.flag());
    levelPresent.push(bits.flag());
  }
  if (maxSubLayers > 1) bits.skip(2 * (9 - maxSubLayers)); // reserved_zero_2bits
  for (let layer = 0; layer < maxSubLayers - 1; layer++) {
    if (profilePresent[layer]) bits.skip(88);
    if (levelPresent[layer]) bits.skip(8);
  }

  const profileIdc = general[0]! & 0x1f;
  return {
    profile: PROFILE_NAMES[profileIdc] || `profile ${profileIdc}`,
    // A.4.1: general_level_idc is thirty times the level.
    level: (general[11]! / 30).toFixed(1),
    codecString: codecString(general),
    general,
  };
}

/** ISO/IEC 14496-15, E.3: space and profile, compatibility flags in reverse bit order, tier and level, constraints. */
function codecString(general: Uint8Array): string {
  const space = ['', 'A', 'B', 'C'][general[0]! >> 6]!;
  const tier = general[0]! & 0x20 ? 'H' : 'L';
  let compatibility = 0;
  for (let bit = 0; bit < 32; bit++) {
    if (general[1 + (bit >> 3)]! & (0x80 >> (bit & 7))) compatibility += 2 ** bit;
  }
  let constraints = Array.from(general.subarray(5, 11));
  while (constraints.at(-1) === 0) constraints = constraints.slice(0, -1);
  return [
    'hvc1',
    `${space}${general[0]! & 0x1f}`,
    compatibility.toString(16).toUpperCase(),
    `${tier}${general[11]}`,
    ...constraints.map((byte) => byte.toString(16).toUpperCase()),
  ].join('.');
}
