import { expect, it } from 'vitest';
import { aLevel } from '../../tests/kit/a-level.ts';
import { findKnee } from './knee.ts';

const at = (load: number, firstFrameP95Ms: number) => aLevel({ load, figures: { firstFrameP95Ms } });

it('is where a flat line turns upwards', () => {
  const levels = [at(10, 30), at(20, 32), at(40, 35), at(80, 40), at(100, 700), at(120, 2_000)];
  expect(findKnee(levels)).toEqual({ load: 80, figure: 'firstFrameP95Ms', value: 40 });
});

it('is not in a straight line, nor in one that stays flat, nor in three points', () => {
  expect(findKnee([at(10, 100), at(20, 200), at(30, 300), at(40, 400)])).toBeNull();
  expect(findKnee([at(10, 30), at(20, 31), at(30, 33), at(40, 60)])).toBeNull();
  expect(findKnee([at(10, 30), at(20, 30), at(30, 3_000)])).toBeNull();
});

it('does not look at levels in which the generator was the limit, and takes the median of repeats', () => {
  const levels = [
    at(10, 30),
    at(20, 30),
    at(30, 5_000),
    at(30, 30),
    at(30, 30),
    at(40, 900),
    { ...at(15, 9_000), verdict: 'inconclusive' as const },
  ];
  expect(findKnee(levels)).toMatchObject({ load: 30, value: 30 });
});

it('tells of the figure with the sharpest turn', () => {
  const level = (load: number, firstFrameP95Ms: number, stallRatio: number) =>
    aLevel({ load, figures: { firstFrameP95Ms, stallRatio } });
  const levels = [level(10, 30, 0), level(20, 60, 0), level(30, 90, 0), level(40, 150, 0.2)];
  expect(findKnee(levels)).toEqual({ load: 30, figure: 'stallRatio', value: 0 });
});
