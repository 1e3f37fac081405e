import { crc32 } from './crc.ts';
import type { Stamp } from './stamp.ts';

/**
 * The visible stamp: the same three numbers as black and white cells along the top of the picture, for a reader that
 * sees pixels only (a decoder, a browser's canvas) and to check the SEI stamp against.
 *
 * 160 bits, row by row, most significant first: mark 8 │ publisher 32 │ frame 32 │ captureUs 56 │ CRC-32 32.
 * A cell is a fixed share of the picture, so it scales with it; it is at least 16 px on the side when drawn, so that
 * it fills a macroblock and is still 8 px when the picture is halved. Bits are drawn as limited-range black (16) and
 * white (235) luma; leave the chroma under them neutral.
 */
interface Layout {
  readonly columns: number;
  readonly rows: number;
  /** A cell is 1/columns of the width wide and 1/rowsPerHeight of the height high. */
  readonly rowsPerHeight: number;
}

/** Wide pictures from 640x320, then narrow ones from 320x320. A reader tries both: the check code decides. */
const LAYOUTS: readonly Layout[] = [
  { columns: 40, rows: 4, rowsPerHeight: 20 },
  { columns: 20, rows: 8, rowsPerHeight: 20 },
];

export const MIN_CELL_PX = 16;
const BLACK = 16;
const WHITE = 235;
/** A frame without cells has no two clear levels; the difference between them is 219 when drawn. */
const MIN_CONTRAST = 64;

/** Lopsided on purpose: an all-black or all-white strip is no stamp. */
const MARK = 0xb2;
const STAMP_BYTES = 20;
const CHECKED_BYTES = 16;

/**
 * Draws the stamp into an 8-bit luma plane. False, and nothing drawn, if the picture is too small for cells of 16 px
 * (below 640x320 and below 320x320).
 */
export function drawCells(
  luma: Uint8Array,
  strideBytes: number,
  width: number,
  height: number,
  stamp: Stamp,
): boolean {
  const layout = LAYOUTS.find(
    ({ columns, rowsPerHeight }) => width / columns >= MIN_CELL_PX && height / rowsPerHeight >= MIN_CELL_PX,
  );
  if (!layout) return false;
  pack(stamp, packed);
  const { columns, rows, rowsPerHeight } = layout;
  for (let row = 0; row < rows; row++) {
    const top = Math.round((row * height) / rowsPerHeight);
    const bottom = Math.round(((row + 1) * height) / rowsPerHeight);
    for (let column = 0; column < columns; column++) {
      const bit = row * columns + column;
      const level = (packed[bit >> 3]! >> (7 - (bit & 7))) & 1 ? WHITE : BLACK;
      const left = Math.round((column * width) / columns);
      const right = Math.round(((column + 1) * width) / columns);
      for (let y = top; y < bottom; y++) luma.fill(level, y * strideBytes + left, y * strideBytes + right);
    }
  }
  return true;
}

/**
 * Reads the stamp from an 8-bit luma plane, of the picture as drawn or scaled (not cropped, not letterboxed).
 * Null if there is none or the check code is wrong.
 */
export function readCells(
  luma: Uint8Array,
  strideBytes: number,
  width: number,
  height: number,
): Stamp | null {
  if (luma.length < strideBytes * (height - 1) + width) return null;
  for (const layout of LAYOUTS) {
    const stamp = readLayout(luma, strideBytes, width, height, layout);
    if (stamp) return stamp;
  }
  return null;
}

function readLayout(
  luma: Uint8Array,
  strideBytes: number,
  width: number,
  height: number,
  { columns, rows, rowsPerHeight }: Layout,
): Stamp | null {
  const cellWidth = width / columns;
  const cellHeight = height / rowsPerHeight;
  if (cellWidth < 2 || cellHeight < 2) return null;
  let darkest = 255;
  let brightest = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const level = middleOf(luma, strideBytes, column * cellWidth, row * cellHeight, cellWidth, cellHeight);
      levels[row * columns + column] = level;
      darkest = Math.min(darkest, level);
      brightest = Math.max(brightest, level);
    }
  }
  if (brightest - darkest < MIN_CONTRAST) return null;
  // Half-way between what was found, not a constant: range conversions and dimmed players move both levels.
  const threshold = (darkest + brightest) / 2;
  packed.fill(0);
  for (let bit = 0; bit < levels.length; bit++) {
    if (levels[bit]! > threshold) packed[bit >> 3]! |= 0x80 >> (bit & 7);
  }
  return unpack(packed);
}

/** Mean luma of the middle quarter of a cell: its border is where scaling and coding smear the neighbours in. */
function middleOf(
  luma: Uint8Array,
  strideBytes: number,
  left: number,
  top: number,
  cellWidth: number,
  cellHeight: number,
): number {
  const x0 = Math.floor(left + cellWidth / 4);
  const x1 = Math.max(x0 + 1, Math.floor(left + (cellWidth * 3) / 4));
  const y0 = Math.floor(top + cellHeight / 4);
  const y1 = Math.max(y0 + 1, Math.floor(top + (cellHeight * 3) / 4));
  let sum = 0;
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) sum += luma[y * strideBytes + x]!;
  return sum / ((x1 - x0) * (y1 - y0));
}

// Used within one call only.
const packed = new Uint8Array(STAMP_BYTES);
const packedView = new DataView(packed.buffer);
const levels = new Float64Array(STAMP_BYTES * 8);

const TWO_32 = 2 ** 32;

function pack(stamp: Stamp, into: Uint8Array): void {
  into[0] = MARK;
  packedView.setUint32(1, stamp.publisher);
  packedView.setUint32(8, Math.floor(stamp.captureUs / TWO_32)); // bytes 9 to 11; byte 8 is the frame's, written next
  packedView.setUint32(5, stamp.frame);
  packedView.setUint32(12, stamp.captureUs % TWO_32);
  packedView.setUint32(CHECKED_BYTES, crc32(into, 0, CHECKED_BYTES));
}

function unpack(from: Uint8Array): Stamp | null {
  if (from[0] !== MARK || packedView.getUint32(CHECKED_BYTES) !== crc32(from, 0, CHECKED_BYTES)) return null;
  return {
    publisher: packedView.getUint32(1),
    frame: packedView.getUint32(5),
    captureUs: (packedView.getUint32(8) & 0xffffff) * TWO_32 + packedView.getUint32(12),
  };
}
