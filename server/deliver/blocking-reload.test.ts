import { describe, expect, it } from 'vitest';
import type { HlsPackager } from '../../core/hls/packager.ts';
import { hasReached, isTooFarAhead, readDirectives } from './blocking-reload.ts';

/** Segment 10 is being made and has two parts; segment 9 had four. */
const packager = {
  openSequence: 10,
  openParts: 2,
  segment: (sequence: number) => (sequence === 9 ? { parts: [0, 1, 2, 3] } : null),
} as unknown as HlsPackager;
const ask = (sequence: number | null, part: number | null = null) => ({ sequence, part, skip: false });

describe('readDirectives', () => {
  it.each([
    ['', { sequence: null, part: null, skip: false }],
    ['_HLS_msn=7&_HLS_part=0&_HLS_skip=YES', { sequence: 7, part: 0, skip: true }],
    ['_HLS_part=1', '_HLS_part needs _HLS_msn.'],
    ['_HLS_msn=-1', '_HLS_msn and _HLS_part are whole numbers.'],
    ['_HLS_msn=9999999999999999', '_HLS_msn and _HLS_part are whole numbers.'],
    ['_HLS_skip=maybe', '_HLS_skip is YES or v2.'],
  ])('%s', (query, directives) => {
    expect(readDirectives(new URLSearchParams(query))).toEqual(directives);
  });
});

it.each([
  [ask(null), true],
  [ask(9), true],
  [ask(10), false],
  [ask(10, 1), true],
  [ask(10, 2), false],
  [ask(9, 3), true],
  // After the last part of segment 9 comes the first of segment 10, which is there.
  [ask(9, 4), true],
  [ask(11, 0), false],
])('%j is there: %s', (asked, isThere) => {
  expect(hasReached(packager, asked)).toBe(isThere);
});

it.each([
  [ask(11), false],
  [ask(12), true],
  [ask(10, 4), false],
  // Parts of 500 ms: six of them may be ahead of the last one, which is 1.
  [ask(10, 7), false],
  [ask(10, 8), true],
  [ask(11, 5), false],
  [ask(11, 6), true],
  [ask(9, 999), false],
])('%j is too far ahead: %s', (asked, isTooFar) => {
  expect(isTooFarAhead(packager, asked, 500)).toBe(isTooFar);
});
