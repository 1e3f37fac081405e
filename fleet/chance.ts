/**
 * A chance from 0 to 1 (both left out) that depends on the seed and the numbers alone, such as cohort and session: the
 * same scenario has the same session lengths and the same streams, however many workers share it. (The mixing function
 * is MurmurHash3's finaliser.)
 */
export function chanceOf(seed: number, ...numbers: readonly number[]): number {
  let hash = seed >>> 0;
  for (const number of numbers) hash = mix(hash ^ Math.imul(number + 1, 0x9e3779b1));
  return ((hash >>> 0) + 0.5) / 2 ** 32;
}

function mix(word: number): number {
  let hash = word;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
