import { expect, it } from 'vitest';
import { isRung, matchesPattern, rungStream } from './rung-names.ts';

it('a rung is named after its source, within the limit of names', () => {
  expect(rungStream('live/room', '720p')).toBe('live/room_720p');
  expect(rungStream(`live/${'x'.repeat(123)}`, '720p')).toBe(`live/${'x'.repeat(123)}_720p`);
  expect(rungStream(`live/${'x'.repeat(124)}`, '720p')).toBe(null);
});

it('rungs are known by their names', () => {
  const rungs = ['720p', 'audio'];
  expect(isRung('live/room_720p', rungs)).toBe(true);
  expect(isRung('live/room_audio', rungs)).toBe(true);
  expect(isRung('live/room', rungs)).toBe(false);
  expect(isRung('live/720p', rungs)).toBe(false);
  expect(isRung('live/room_360p', rungs)).toBe(false);
});

it.each([
  ['*', true],
  ['live/*', true],
  ['live/room', true],
  ['*room', true],
  ['l*e/r*m', true],
  ['live/room*', true],
  ['*live*room*', true],
  ['live', false],
  ['live/rooms', false],
  ['*rooms', false],
  ['live/ro*oom', false],
  ['vod/*', false],
  ['l*x*m', false],
])('the pattern %s: %s', (pattern, matches) => {
  expect(matchesPattern('live/room', pattern)).toBe(matches);
});

it('a pattern of many stars takes no time', () => {
  expect(matchesPattern('a'.repeat(200), `${'*a'.repeat(100)}*b`)).toBe(false);
});
