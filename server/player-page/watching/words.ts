/** How the page writes a figure; a dash where there is none. */
export const noFigure = '–';

export function milliseconds(ms: number | null): string {
  if (ms === null) return noFigure;
  return Math.abs(ms) < 10_000 ? `${Math.round(ms).toLocaleString('en')} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function bitRate(bitsPerSecond: number | null): string {
  if (bitsPerSecond === null) return noFigure;
  return bitsPerSecond < 1e6
    ? `${Math.round(bitsPerSecond / 1e3)} kbit/s`
    : `${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s`;
}

export function share(part: number, whole: number): string {
  return whole === 0 ? noFigure : `${part} of ${whole.toLocaleString('en')}`;
}
