/** `800k`, `2.5M`, `2500kbit`, `3mbit`: bits per second as people write them. */
export const bitratePattern = /^(\d{1,6}(?:\.\d{1,3})?)([km])(?:bit)?$/i;

/** @returns bits per second, whole; NaN for what `bitratePattern` does not match */
export function readBitrate(text: string): number {
  const [, number, unit] = bitratePattern.exec(text) ?? [];
  return Math.round(Number(number ?? Number.NaN) * (unit?.toLowerCase() === 'm' ? 1_000_000 : 1_000));
}
