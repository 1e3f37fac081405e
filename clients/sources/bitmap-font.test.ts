import { describe, expect, it } from 'vitest';
import { drawText, type Plane } from './bitmap-font.ts';

function plane(width: number, height: number): Plane {
  return { samples: new Uint8Array(width * height), width, height };
}

function show({ samples, width, height }: Plane): string[] {
  return Array.from({ length: height }, (_, y) =>
    Array.from(samples.subarray(y * width, (y + 1) * width), (level) => (level ? '#' : '.')).join(''),
  );
}

describe('text', () => {
  it('is drawn dot by dot, in capitals', () => {
    const at = plane(12, 8);
    drawText(at, 0, 1, 1, 235, '1h');
    expect(show(at)).toEqual([
      '............',
      '..#...#...#.',
      '.##...#...#.',
      '..#...#...#.',
      '..#...#####.',
      '..#...#...#.',
      '..#...#...#.',
      '.###..#...#.',
    ]);
  });

  it('is drawn larger with larger dots', () => {
    const small = plane(6, 7);
    const large = plane(18, 21);
    drawText(small, 0, 0, 1, 1, '8');
    drawText(large, 0, 0, 3, 1, '8');
    const magnified = show(small).flatMap((row) => {
      const wide = [...row].map((dot) => dot.repeat(3)).join('');
      return [wide, wide, wide];
    });
    expect(show(large)).toEqual(magnified);
  });

  it('is cut off at each border, and never wraps to the next row', () => {
    for (const [left, top] of [
      [-3, -3],
      [5, 4],
      [100, 0],
      [0, 100],
      [-100, 0],
    ] as const) {
      const whole = plane(240, 240);
      drawText(whole, 100 + left, 100 + top, 1, 1, '88');
      const at = plane(8, 8);
      drawText(at, left, top, 1, 1, '88');
      const cut = show(whole)
        .slice(100, 108)
        .map((row) => row.slice(100, 108));
      expect(show(at)).toEqual(cut);
    }
  });

  it('leaves a gap for a character that it does not know', () => {
    const at = plane(20, 7);
    drawText(at, 0, 0, 1, 1, 'A~A');
    const expected = plane(20, 7);
    drawText(expected, 0, 0, 1, 1, 'A');
    drawText(expected, 12, 0, 1, 1, 'A');
    expect(show(at)).toEqual(show(expected));
  });
});
