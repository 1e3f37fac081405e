import { expect, test } from 'vitest';
import { chanceOf } from './chance.ts';

test('chances are spread evenly and depend on seed, cohort and session alone', () => {
  const chances = Array.from({ length: 20_000 }, (_, session) => chanceOf(1, 0, session));
  expect(chances.slice(0, 3)).toEqual([0, 1, 2].map((session) => chanceOf(1, 0, session)));
  const tenths = Array(10).fill(0);
  for (const chance of chances) tenths[Math.floor(chance * 10)]++;
  for (const count of tenths) expect(Math.abs(count - 2000)).toBeLessThan(200);
  expect(chanceOf(2, 0, 0)).not.toBe(chanceOf(1, 0, 0));
  expect(chanceOf(1, 1, 0)).not.toBe(chanceOf(1, 0, 0));
});
