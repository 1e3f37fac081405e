import { describe, expect, test } from 'vitest';
import { expandPattern, expandPatterns } from './stream-pattern.ts';

describe('stream patterns', () => {
  test('a range stands for each number in it', () => {
    expect(expandPattern('live/room-{1..3}')).toEqual(['live/room-1', 'live/room-2', 'live/room-3']);
    expect(expandPattern('rtmp://h/live/{9..10}?sign=x')).toEqual([
      'rtmp://h/live/9?sign=x',
      'rtmp://h/live/10?sign=x',
    ]);
  });
  test('leading zeros are kept', () => {
    expect(expandPattern('live/{08..10}')).toEqual(['live/08', 'live/09', 'live/10']);
  });
  test('a name without a range is itself', () => {
    expect(expandPattern('live/one')).toEqual(['live/one']);
  });
  test('several patterns give each name once', () => {
    expect(expandPatterns(['live/{1..2}', 'live/2', 'live/x'])).toEqual(['live/1', 'live/2', 'live/x']);
  });
  test.each([
    ['live/{3..1}', '"live/{3..1}": the range ends (1) before it begins (3)'],
    ['live/{1-3}', '"live/{1-3}" is not a stream pattern: write one range, as in live/room-{1..20}'],
    [
      'live/{1..2}/{1..2}',
      '"live/{1..2}/{1..2}" is not a stream pattern: write one range, as in live/room-{1..20}',
    ],
    ['live/{1..1000000}', '"live/{1..1000000}" stands for 1000000 streams; 100000 is the most'],
  ])('%s is refused in one sentence', (pattern, sentence) => {
    expect(() => expandPattern(pattern)).toThrow(sentence);
  });
});
