/** A plane of 8-bit samples, row after row. */
export interface Plane {
  readonly samples: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export const GLYPH_COLUMNS = 5;
export const GLYPH_ROWS = 7;
/** Glyph and the gap after it. */
export const ADVANCE_COLUMNS = 6;

/**
 * Writes `text` with its upper left corner at `left`, `top`, each dot of a letter `scale` samples wide and high.
 * What does not fit into the plane is left out; a character without a glyph is a space.
 */
export function drawText(
  plane: Plane,
  left: number,
  top: number,
  scale: number,
  level: number,
  text: string,
): void {
  let x = left;
  for (const character of text.toUpperCase()) {
    const glyph = glyphs.get(character);
    if (glyph) drawGlyph(plane, x, top, scale, level, glyph);
    x += ADVANCE_COLUMNS * scale;
  }
}

function drawGlyph(
  { samples, width, height }: Plane,
  left: number,
  top: number,
  scale: number,
  level: number,
  glyph: readonly string[],
): void {
  glyph.forEach((dots, row) => {
    for (let column = 0; column < GLYPH_COLUMNS; column++) {
      if (dots[column] !== '1') continue;
      const from = Math.max(0, left + column * scale);
      const to = Math.min(width, left + (column + 1) * scale);
      const firstY = Math.max(0, top + row * scale);
      const lastY = Math.min(height, top + (row + 1) * scale);
      for (let y = firstY; y < lastY && from < to; y++) samples.fill(level, y * width + from, y * width + to);
    }
  });
}

/** 5 × 7 dots, row by row. */
const drawn: Readonly<Record<string, string>> = {
  '0': '01110 10001 10011 10101 11001 10001 01110',
  '1': '00100 01100 00100 00100 00100 00100 01110',
  '2': '01110 10001 00001 00110 01000 10000 11111',
  '3': '11111 00010 00100 00010 00001 10001 01110',
  '4': '00010 00110 01010 10010 11111 00010 00010',
  '5': '11111 10000 11110 00001 00001 10001 01110',
  '6': '00110 01000 10000 11110 10001 10001 01110',
  '7': '11111 00001 00010 00100 01000 01000 01000',
  '8': '01110 10001 10001 01110 10001 10001 01110',
  '9': '01110 10001 10001 01111 00001 00010 01100',
  A: '01110 10001 10001 11111 10001 10001 10001',
  B: '11110 10001 10001 11110 10001 10001 11110',
  C: '01110 10001 10000 10000 10000 10001 01110',
  D: '11110 10001 10001 10001 10001 10001 11110',
  E: '11111 10000 10000 11110 10000 10000 11111',
  F: '11111 10000 10000 11110 10000 10000 10000',
  G: '01110 10001 10000 10111 10001 10001 01111',
  H: '10001 10001 10001 11111 10001 10001 10001',
  I: '01110 00100 00100 00100 00100 00100 01110',
  J: '00111 00010 00010 00010 00010 10010 01100',
  K: '10001 10010 10100 11000 10100 10010 10001',
  L: '10000 10000 10000 10000 10000 10000 11111',
  M: '10001 11011 10101 10101 10001 10001 10001',
  N: '10001 11001 10101 10011 10001 10001 10001',
  O: '01110 10001 10001 10001 10001 10001 01110',
  P: '11110 10001 10001 11110 10000 10000 10000',
  Q: '01110 10001 10001 10001 10101 10010 01101',
  R: '11110 10001 10001 11110 10100 10010 10001',
  S: '01111 10000 10000 01110 00001 00001 11110',
  T: '11111 00100 00100 00100 00100 00100 00100',
  U: '10001 10001 10001 10001 10001 10001 01110',
  V: '10001 10001 10001 10001 10001 01010 00100',
  W: '10001 10001 10001 10101 10101 11011 10001',
  X: '10001 10001 01010 00100 01010 10001 10001',
  Y: '10001 10001 01010 00100 00100 00100 00100',
  Z: '11111 00001 00010 00100 01000 10000 11111',
  ':': '00000 00100 00100 00000 00100 00100 00000',
  '.': '00000 00000 00000 00000 00000 01100 01100',
  '-': '00000 00000 00000 11111 00000 00000 00000',
  _: '00000 00000 00000 00000 00000 00000 11111',
  '/': '00001 00001 00010 00100 01000 10000 10000',
  '#': '01010 01010 11111 01010 11111 01010 01010',
  '@': '01110 10001 10111 10101 10111 10000 01110',
};

const glyphs: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(drawn).map(([character, rows]) => [character, rows.split(' ')]),
);
