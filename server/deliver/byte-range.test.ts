import { expect, it } from 'vitest';
import { readRange } from './byte-range.ts';

it.each([
  [undefined, { kind: 'all' }],
  ['bytes=0-', { kind: 'part', start: 0, end: 100 }],
  ['bytes=10-19', { kind: 'part', start: 10, end: 20 }],
  ['bytes=90-1000', { kind: 'part', start: 90, end: 100 }],
  ['bytes=-10', { kind: 'part', start: 90, end: 100 }],
  ['bytes=-1000', { kind: 'part', start: 0, end: 100 }],
  ['bytes=-0', { kind: 'unsatisfiable' }],
  ['bytes=100-', { kind: 'unsatisfiable' }],
  ['bytes=20-10', { kind: 'all' }],
  ['bytes=-', { kind: 'all' }],
  ['bytes=0-1,5-6', { kind: 'all' }],
  ['items=0-1', { kind: 'all' }],
])('%s of 100 bytes', (header, answer) => {
  expect(readRange(header, 100)).toEqual(answer);
});
