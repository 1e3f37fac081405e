import { readCells } from '../../../core/stamp/cells.ts';
import type { Stamp } from '../../../core/stamp/stamp.ts';

/** Cells are a fixed share of the picture, so a small copy of it is enough: 8 px a cell. */
const MAX_WIDTH = 640;
/** The cells lie in the upper 40 % (core/stamp/cells.ts); the rest is not looked at. */
const LOOKED_AT = 0.4;

/** Reads the visible stamp from the picture that a video element shows. */
export class PictureReader {
  readonly #context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });

  /** Null: no picture, or no stamp in it. */
  read(video: HTMLVideoElement): Stamp | null {
    const { videoWidth, videoHeight } = video;
    if (this.#context === null || videoWidth === 0) return null;
    const width = Math.min(MAX_WIDTH, videoWidth);
    const height = Math.round((videoHeight * width) / videoWidth);
    const { canvas } = this.#context;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    this.#context.drawImage(video, 0, 0, width, height);
    const rows = Math.ceil(height * LOOKED_AT);
    const { data } = this.#context.getImageData(0, 0, width, rows);
    const luma = new Uint8Array(width * height);
    // The cells are grey: green alone is their luma.
    for (let pixel = 0; pixel < width * rows; pixel++) luma[pixel] = data[pixel * 4 + 1]!;
    return readCells(luma, width, width, height);
  }
}
