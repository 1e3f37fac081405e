import { describe, expect, it } from 'vitest';
import { readCells } from '../../core/stamp/cells.ts';
import { isBeat, TestPicture } from './test-picture.ts';

const CLOCK_MS = Date.UTC(2026, 10, 23, 12, 34, 56, 789);
const stampOf = (frame: number) => ({ publisher: 7, frame, captureUs: CLOCK_MS * 1_000 + frame * 40_000 });
const wide = { width: 640, height: 360, fps: 25 };

describe.each([wide, { width: 1280, height: 720, fps: 25 }, { width: 360, height: 640, fps: 25 }])(
  'the test picture of $width x $height',
  (video) => {
    const { width, height } = video;

    it('carries the stamp of each frame in its cells', () => {
      const picture = new TestPicture(video, 'live/a');
      for (const frame of [0, 1, 1_000_000]) {
        picture.draw(frame * 40, CLOCK_MS, stampOf(frame));
        expect(readCells(picture.bytes, width, width, height)).toEqual(stampOf(frame));
      }
    });

    it('shows the same at the same time, whatever was drawn before: nothing is left behind', () => {
      const used = new TestPicture(video, 'live/a');
      for (let frame = 0; frame < 200; frame++) used.draw(frame * 40, CLOCK_MS + frame * 40, stampOf(frame));
      used.draw(8_040, CLOCK_MS, stampOf(201));
      const fresh = new TestPicture(video, 'live/a');
      fresh.draw(8_040, CLOCK_MS, stampOf(201));
      expect(Buffer.from(used.bytes).equals(Buffer.from(fresh.bytes))).toBe(true);
    });

    it('has colour, but none under the cells, which are read as grey', () => {
      const picture = new TestPicture(video, '');
      const chroma = picture.bytes.subarray(width * height);
      expect(new Set(chroma).size).toBeGreaterThan(8);
      const cellRows = width > height ? 4 : 8;
      for (const plane of [chroma.subarray(0, chroma.length / 2), chroma.subarray(chroma.length / 2)])
        expect(new Set(plane.subarray(0, ((width / 2) * height * cellRows) / 40))).toEqual(new Set([128]));
    });
  },
);

describe('the test picture', () => {
  it('moves: each frame differs from the one before outside of cells and clock, too', () => {
    const picture = new TestPicture(wide, '');
    const below = 640 * 190;
    let before: Uint8Array = new Uint8Array(0);
    for (let frame = 0; frame < 50; frame++) {
      picture.draw(frame * 40, CLOCK_MS, null);
      const now = picture.bytes.slice(below, 640 * 265);
      expect(Buffer.from(now).equals(Buffer.from(before))).toBe(false);
      before = now;
    }
  });

  it('is small enough for any size, also without room for cells', () => {
    for (const [width, height] of [
      [64, 64],
      [320, 180],
      [4096, 64],
      [64, 4096],
    ] as const) {
      const picture = new TestPicture({ width, height, fps: 25 }, 'a very long label '.repeat(9));
      picture.draw(0, CLOCK_MS, stampOf(1));
      picture.draw(3_960, CLOCK_MS, stampOf(2));
      expect(picture.bytes).toHaveLength((width * height * 3) / 2);
    }
  });

  it('is white at the beat, for one frame a second, at any frame rate', () => {
    for (const fps of [25, 30, 60, 24_000 / 1_001, 30_000 / 1_001, 15]) {
      const beats = Array.from({ length: Math.ceil(fps * 60) }, (_, frame) => (frame * 1_000) / fps).filter(
        (mediaMs) => isBeat(mediaMs, fps),
      );
      expect(beats).toHaveLength(60);
      for (const beatMs of beats) expect(beatMs % 1_000 < 1_000 / fps || beatMs % 1_000 > 999.9).toBe(true);
    }
    const picture = new TestPicture(wide, '');
    const beat = 640 * Math.round((17.5 * 360) / 20) + Math.round(0.92 * 640);
    const levels = [960, 1_000, 1_040].map((mediaMs) => {
      picture.draw(mediaMs, CLOCK_MS, null);
      return picture.bytes[beat];
    });
    expect(levels).toEqual([16, 235, 16]);
  });
});
