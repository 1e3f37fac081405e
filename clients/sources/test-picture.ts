import { drawCells, MIN_CELL_PX } from '../../core/stamp/cells.ts';
import type { Stamp } from '../../core/stamp/stamp.ts';
import { ADVANCE_COLUMNS, drawText, GLYPH_ROWS, type Plane } from './bitmap-font.ts';
import { pictureBytes, type RawVideo } from './raw-matroska.ts';

/**
 * The picture of the synthetic camera, yuv420p, in twentieths of the height:
 *
 *      0 ┌──────────────────────────────────┐
 *        │ cells: the visible stamp         │
 *      4 ├────┬────┬────┬────┬────┬────┬────┤  (8 in a narrow picture)
 *        │ colour bars, a ball that crosses │
 *        │ them in 4 s, and the clock       │
 *     15 ├────┴────┴────┴────┼────┴───┬─────┤
 *        │ label             │ grain  │ beat│
 *     20 └───────────────────┴────────┴─────┘
 *
 * Everything that stays is drawn once; a frame redraws only what changes. The grain gives the encoder what a camera
 * gives it: without it any bitrate would do, and none would be reached.
 */
export class TestPicture {
  /** The whole picture, the same array each time: luma, then the two chroma planes. */
  readonly bytes: Uint8Array;
  readonly #video: RawVideo;
  readonly #luma: Plane;
  readonly #background: Uint8Array;
  readonly #grain: Uint8Array;
  readonly #bars: Part;
  readonly #clock: Part;
  /** Left edge of the ball as last drawn, -1 before. */
  #ballLeft = -1;

  /** `label` is shown at the bottom left, in capitals. */
  constructor(video: RawVideo, label: string) {
    this.#video = video;
    const { width, height } = video;
    this.bytes = new Uint8Array(pictureBytes(video));
    this.#luma = { samples: this.bytes.subarray(0, width * height), width, height };
    // As drawCells lays them out: 4 rows in a wide picture, 8 in a narrow one.
    const cellRows = width >= 40 * MIN_CELL_PX ? 4 : 8;
    this.#bars = { left: 0, right: 1, top: cellRows, bottom: 15 };
    this.#clock = { left: 0.2, right: 0.8, top: cellRows + 1.5, bottom: cellRows + 5 };
    this.#drawBackground(label);
    this.#background = this.#luma.samples.slice();
    this.#grain = makeGrain(4 * GRAIN_ROOM + this.#part(GRAIN).width * this.#part(GRAIN).height);
  }

  /**
   * Draws the frame shown at `mediaMs` of the stream. `clockMs` is what the clock shows (Unix epoch, UTC); `stamp` goes
   * into the cells, null leaves them empty (as does a picture too small for them).
   */
  draw(mediaMs: number, clockMs: number, stamp: Stamp | null): void {
    const { width, height } = this.#video;
    if (stamp) drawCells(this.#luma.samples, width, width, height, stamp);
    this.#moveBall(mediaMs);
    this.#drawClock(clockMs, stamp?.frame ?? Math.round((mediaMs * this.#video.fps) / 1_000));
    this.#stirGrain(mediaMs);
    this.#fill(BEAT, isBeat(mediaMs, this.#video.fps) ? WHITE : BLACK);
  }

  #drawBackground(label: string): void {
    this.bytes.fill(NEUTRAL);
    this.#luma.samples.fill(BLACK);
    bars.forEach(([luma, cb, cr], index) => {
      const bar = { ...this.#bars, left: index / bars.length, right: (index + 1) / bars.length };
      this.#fill(bar, luma);
      this.#tint(bar, cb, cr);
    });
    this.#tint(this.#clock, NEUTRAL, NEUTRAL);
    const at = this.#part(LABEL);
    const scale = Math.max(
      1,
      Math.min(Math.floor(at.width / (ADVANCE_COLUMNS * 28)), Math.floor(at.height / 14)),
    );
    drawText(this.#luma, at.left + 3 * scale, at.top + 3 * scale, scale, GREY, label);
  }

  #moveBall(mediaMs: number): void {
    const { width } = this.#video;
    const samples = this.#luma.samples;
    const field = this.#part(this.#bars);
    const diameter = Math.round(field.height / 4);
    const top = field.top + Math.round(field.height * 0.65);
    const phase = (mediaMs % BALL_PERIOD_MS) / BALL_PERIOD_MS;
    const share = phase < 0.5 ? 2 * phase : 2 - 2 * phase;
    const left = Math.round(share * (width - diameter));
    for (let row = 0; row < diameter; row++) {
      const line = (top + row) * width;
      if (this.#ballLeft >= 0) {
        const from = line + this.#ballLeft;
        samples.set(this.#background.subarray(from, from + diameter), from);
      }
      const half = Math.sqrt(diameter * diameter - (2 * row + 1 - diameter) ** 2) / 2;
      samples.fill(
        WHITE,
        line + left + Math.round(diameter / 2 - half),
        line + left + Math.round(diameter / 2 + half),
      );
    }
    this.#ballLeft = left;
  }

  /** Time of day and, smaller, the frame's number. */
  #drawClock(clockMs: number, frame: number): void {
    const at = this.#part(this.#clock);
    const time = new Date(clockMs).toISOString().slice(11, 23);
    const scale = Math.max(1, Math.floor(at.width / (ADVANCE_COLUMNS * (time.length + 1))));
    const left = at.left + Math.floor((at.width - ADVANCE_COLUMNS * scale * time.length) / 2);
    this.#fill(this.#clock, BLACK);
    drawText(this.#luma, left, at.top + scale, scale, WHITE, time);
    const small = Math.max(1, Math.floor(scale / 2));
    drawText(this.#luma, left, at.top + (GLYPH_ROWS + 2) * scale, small, GREY, `#${frame}`);
  }

  /** Another piece of the grain at each frame, the same one for the same time. */
  #stirGrain(mediaMs: number): void {
    const { width } = this.#video;
    const { left, top, width: columns, height: rows } = this.#part(GRAIN);
    const from = Math.imul(Math.round(mediaMs), 2_654_435_761) >>> (32 - GRAIN_ROOM_BITS);
    for (let row = 0; row < rows; row++) {
      const piece = from + row * columns;
      this.#luma.samples.set(this.#grain.subarray(piece, piece + columns), (top + row) * width + left);
    }
  }

  #fill(part: Part, level: number): void {
    const { left, top, width, height } = this.#part(part);
    for (let y = top; y < top + height; y++) {
      const from = y * this.#video.width + left;
      this.#luma.samples.fill(level, from, from + width);
    }
  }

  /** Colours a part, inwards to whole chroma samples: the cells above are read as grey. */
  #tint(part: Part, cb: number, cr: number): void {
    const { left, top, width, height } = this.#part(part);
    const chromaWidth = Math.ceil(this.#video.width / 2);
    const chromaBytes = chromaWidth * Math.ceil(this.#video.height / 2);
    const blue = this.bytes.subarray(this.#luma.samples.length, this.#luma.samples.length + chromaBytes);
    const red = this.bytes.subarray(this.#luma.samples.length + chromaBytes);
    for (let y = Math.ceil(top / 2); y < Math.floor((top + height) / 2); y++) {
      const from = y * chromaWidth + Math.ceil(left / 2);
      const to = y * chromaWidth + Math.ceil((left + width) / 2);
      blue.fill(cb, from, to);
      red.fill(cr, from, to);
    }
  }

  #part({ left, right, top, bottom }: Part) {
    const { width, height } = this.#video;
    const x = Math.round(left * width);
    const y = Math.round((top * height) / 20);
    return {
      left: x,
      top: y,
      width: Math.round(right * width) - x,
      height: Math.round((bottom * height) / 20) - y,
    };
  }
}

/** Whether the tone beeps during the frame that begins at `mediaMs`: at each full second of media time. */
export function isBeat(mediaMs: number, fps: number): boolean {
  const intoMs = (mediaMs + ROUNDING_MS) % 1_000;
  return intoMs < 1_000 / fps - ROUNDING_MS;
}
const ROUNDING_MS = 0.01;

/** In shares of the width, and twentieths of the height. */
interface Part {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}
const LABEL: Part = { left: 0, right: 0.55, top: 15, bottom: 20 };
const GRAIN: Part = { left: 0.55, right: 0.85, top: 15, bottom: 20 };
const BEAT: Part = { left: 0.88, right: 0.97, top: 16, bottom: 19 };

const BALL_PERIOD_MS = 8_000;

// Limited range, ITU-R BT.601.
const BLACK = 16;
const GREY = 150;
const WHITE = 235;
const NEUTRAL = 128;

/** Y, Cb, Cr of the bars at 75 %: white, yellow, cyan, green, magenta, red, blue. */
const bars: readonly (readonly [number, number, number])[] = [
  [180, 128, 128],
  [162, 44, 142],
  [131, 156, 44],
  [112, 72, 58],
  [84, 184, 198],
  [65, 100, 212],
  [35, 212, 114],
];

const GRAIN_ROOM_BITS = 12;
const GRAIN_ROOM = 2 ** GRAIN_ROOM_BITS;
const GRAIN_DEPTH = 48;

/** Grey noise; from a fixed seed, so that the same picture comes out each time. */
function makeGrain(bytes: number): Uint8Array {
  let state = 0x9e3779b9;
  return Uint8Array.from({ length: bytes }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return 110 + ((state >>> 8) % GRAIN_DEPTH);
  });
}
