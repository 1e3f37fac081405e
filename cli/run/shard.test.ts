import { expect, test } from 'vitest';
import { formatShard, parseShard, parseStartAt } from './shard.ts';

test('shards are counted from 1 by people, from 0 by the program', () => {
  expect(parseShard('1/4')).toEqual({ index: 0, count: 4 });
  expect(parseShard(' 4/4 ')).toEqual({ index: 3, count: 4 });
  expect(formatShard(parseShard('2/4'))).toBe('2/4');
});

test.each([
  ['0/4', 'they are numbered from 1 to 4'],
  ['5/4', 'they are numbered from 1 to 4'],
  ['1/0', 'there are 1 to 10000 shards, not 0'],
  ['1/20000', 'there are 1 to 10000 shards, not 20000'],
  ['two/four', 'write its number and how many there are, as in 2/4'],
  ['2', 'write its number and how many there are'],
  ['-1/4', 'is not a shard'],
])('%s is refused: %s', (text, sentence) => {
  expect(() => parseShard(text)).toThrow(sentence);
});

const nowMs = Date.parse('2026-11-23T18:00:00Z');

test('a moment is a time with its zone, or seconds since 1970; figures are those of whole seconds', () => {
  const startMs = Date.parse('2026-11-23T18:01:00Z');
  expect(parseStartAt('2026-11-23T18:01:00Z', nowMs)).toBe(startMs);
  expect(parseStartAt('2026-11-23T19:01:00+01:00', nowMs)).toBe(startMs);
  expect(parseStartAt(String(startMs / 1_000), nowMs)).toBe(startMs);
  expect(parseStartAt('2026-11-23T18:00:59.2Z', nowMs)).toBe(startMs);
});

test.each([
  ['2026-11-23T17:59:00Z', 'was 1m ago; name a moment to come'],
  ['2026-11-25T18:00:00Z', 'is more than 24h away'],
  ['2026-11-23T18:01:00', 'write a time with its zone'],
  ['18:01', 'is not a moment'],
  [String(nowMs + 60_000), 'is not a moment'],
])('%s is refused: %s', (text, sentence) => {
  expect(() => parseStartAt(text, nowMs)).toThrow(sentence);
});
