import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatBitRate,
  formatDuration,
  formatPictureSize,
  parseBitRate,
  parseDuration,
  parsePictureSize,
} from './units.ts';

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['0s', 0],
    ['1m 30s', 90_000],
    [' 2s ', 2000],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each([
    [
      '30',
      '"30" has no unit (did you mean 30s?); a duration is a number and a unit: 500ms, 30s, 5m or 1h30m',
    ],
    [
      '30sec',
      '"sec" in "30sec" is not a unit of time (did you mean 30s?); a duration is a number and a unit: 500ms, 30s, 5m or 1h30m',
    ],
    ['3x', '"x" in "3x" is not a unit of time; a duration is a number and a unit: 500ms, 30s, 5m or 1h30m'],
    ['soon', '"soon" is not a duration; a duration is a number and a unit: 500ms, 30s, 5m or 1h30m'],
    ['-3s', '"-3s" is not a duration; a duration is a number and a unit: 500ms, 30s, 5m or 1h30m'],
    ['', '"" is not a duration; a duration is a number and a unit: 500ms, 30s, 5m or 1h30m'],
    ['30m1h', '"30m1h" is not a duration: larger units come first, as in 1h30m'],
    ['241h', '"241h" is longer than the longest duration, 240h'],
  ])('%s is refused in one sentence', (text, sentence) => {
    expect(() => parseDuration(text)).toThrow(sentence);
  });

  test('what is written is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 240 * 3_600_000 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
    expect(formatDuration(90_000)).toBe('1m30s');
    expect(formatDuration(1500)).toBe('1500ms');
    expect(formatDuration(3_600_000)).toBe('1h');
  });
});

describe('bit rates', () => {
  test.each([
    ['600k', 600_000],
    ['3mbit', 3_000_000],
    ['2.5M', 2_500_000],
    ['64kbps', 64_000],
    ['1gbit', 1e9],
    ['900bit', 900],
  ])('%s is %d bit/s', (text, bps) => expect(parseBitRate(text)).toBe(bps));

  test.each([
    [
      '600',
      '"600" has no unit (did you mean 600k?); a bit rate is a number and a unit: 600k, 3mbit or 1gbit (bits per second)',
    ],
    [
      '3MB/s',
      '"MB/s" in "3MB/s" is not a unit of bit rate; a bit rate is a number and a unit: 600k, 3mbit or 1gbit (bits per second)',
    ],
    ['0k', '"0k": a bit rate is more than 0'],
    ['101g', '"101g" is more than the largest bit rate, 100gbit'],
    [
      'fast',
      '"fast" is not a bit rate; a bit rate is a number and a unit: 600k, 3mbit or 1gbit (bits per second)',
    ],
  ])('%s is refused in one sentence', (text, sentence) => {
    expect(() => parseBitRate(text)).toThrow(sentence);
  });

  test('what is written is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100e9 }), (bps) => {
        expect(parseBitRate(formatBitRate(bps))).toBe(bps);
      }),
    );
    expect(formatBitRate(600_000)).toBe('600k');
    expect(formatBitRate(2_500_000)).toBe('2500k');
  });
});

describe('picture sizes', () => {
  test('1280x720', () => {
    expect(parsePictureSize('1280x720')).toEqual({ width: 1280, height: 720 });
    expect(formatPictureSize({ width: 640, height: 360 })).toBe('640x360');
  });
  test.each([
    ['720p', '"720p" is not a picture size; write width x height in pixels, as in 1280x720'],
    ['641x360', '"641x360": 641 is odd; width and height are even numbers'],
    ['8x8', '"8x8": a side is from 16 to 8192 pixels'],
  ])('%s is refused in one sentence', (text, sentence) => {
    expect(() => parsePictureSize(text)).toThrow(sentence);
  });
});
