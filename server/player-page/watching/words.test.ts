import { expect, it } from 'vitest';
import { bitRate, milliseconds, share } from './words.ts';

it('writes figures as people read them', () => {
  expect([null, 0.4, 1_234.5, -80, 12_345].map(milliseconds)).toEqual([
    '–',
    '0 ms',
    '1,235 ms',
    '-80 ms',
    '12.3 s',
  ]);
  expect([null, 640_400, 1_234_567].map(bitRate)).toEqual(['–', '640 kbit/s', '1.23 Mbit/s']);
  expect([share(0, 0), share(3, 1_500)]).toEqual(['–', '3 of 1,500']);
});
