import { expect, it } from 'vitest';
import { readStreamList } from './stream-list.ts';

it.each([
  [
    ['live/b', 'live/a', 'live/b'],
    ['live/a', 'live/b'],
  ],
  [[{ name: 'live/a', viewers: 3 }, { viewers: 1 }], ['live/a']],
  [{ streams: [{ name: 'live/a' }] }, ['live/a']],
  [{ streams: 'live/a' }, []],
  [null, []],
  ['live/a', []],
  [Array.from({ length: 2_000 }, (_, n) => `live/${n}`), expect.objectContaining({ length: 1_000 })],
])('reads the names in %j', (answer, names) => expect(readStreamList(answer)).toEqual(names));
