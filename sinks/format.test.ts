import { describe, expect, it } from 'vitest';
import { formatDuration, formatPair, formatValue, plural } from './format.ts';

describe('formatValue', () => {
  it.each<[number | null | undefined, string, string]>([
    [812.4, 'ms', '812 ms'],
    [1234.5, 'ms', '1,235 ms'],
    [-3.25, 'ms', '-3.3 ms'],
    [12_345, 'ms', '12.3 s'],
    [0, 'ms', '0 ms'],
    [640_000, 'bit/s', '640 kbit/s'],
    [2_436_000, 'bit/s', '2.44 Mbit/s'],
    [12, 'bit/s', '12 bit/s'],
    [8_000_000_000, 'bytes', '8 GB'],
    [0.0119, 'ratio', '1.19 %'],
    [0.5234, 'ratio', '52.3 %'],
    [1, 'ratio', '100 %'],
    [0, 'ratio', '0 %'],
    [25, 'frames/s', '25 frames/s'],
    [12_345, '', '12,345'],
    [0.01234, '', '0.0123'],
    [93.27, 'score', '93.3'],
    [null, 'ms', 'no data'],
    [undefined, 'ms', 'no data'],
    [Number.NaN, 'ms', 'no data'],
  ])('%s in %s is %s', (value, unit, text) => {
    expect(formatValue(value, unit)).toBe(text);
  });
});

describe('formatPair', () => {
  it('writes a shared unit once', () => {
    expect(formatPair(279, 626, 'ms')).toBe('279 / 626 ms');
    expect(formatPair(1_200, 12_000, 'ms')).toBe('1,200 ms / 12 s');
    expect(formatPair(null, undefined, 'ms')).toBe('no data');
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [59_400, '59 s'],
    [60_000, '1 min'],
    [150_000, '2 min 30 s'],
    [3_900_000, '1 h 5 min'],
    [7_200_000, '2 h'],
  ])('%s is %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });
});

describe('plural', () => {
  it('counts', () => {
    expect([
      plural(0, 'session'),
      plural(1, 'session'),
      plural(2_000, 'session'),
      plural(2, 'try', 'tries'),
    ]).toEqual(['0 sessions', '1 session', '2,000 sessions', '2 tries']);
  });
});
