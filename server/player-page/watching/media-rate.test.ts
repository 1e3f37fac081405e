import { expect, it } from 'vitest';
import { MediaRate } from './media-rate.ts';

it('is of the last six seconds of media, however they are cut', () => {
  const rate = new MediaRate();
  expect(rate.bitsPerSecond()).toBeNull();
  rate.add(1_000_000, 2);
  expect(rate.bitsPerSecond()).toBe(4_000_000);
  for (let segment = 0; segment < 3; segment++) rate.add(100_000, 2);
  expect(rate.bitsPerSecond()).toBe(400_000);
});

it('leaves out what has no duration', () => {
  const rate = new MediaRate();
  rate.add(500, 0);
  rate.add(500, Number.NaN);
  expect(rate.bitsPerSecond()).toBeNull();
});
