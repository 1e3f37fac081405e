/** A number from 0 to 1 (both left out) that depends on these two alone. (Mixing: MurmurHash3's finaliser.) */
export function chanceAt(seed: number, place: number): number {
  return ((mix(mix(seed) ^ Math.imul(place + 1, 0x9e3779b1)) >>> 0) + 0.5) / 2 ** 32;
}

/** A seed for each of several uses of one seed. */
export function seedFor(seed: number, use: number): number {
  return mix(seed ^ Math.imul(use + 1, 0x85ebca6b)) >>> 0;
}

function mix(word: number): number {
  let hash = word;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
