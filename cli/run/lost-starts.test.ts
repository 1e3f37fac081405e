import { expect, test } from 'vitest';
import { describeSocketError } from '../../clients/socket-failure.ts';
import { LostStarts } from './lost-starts.ts';

test.each([
  ['EADDRNOTAVAIL', 'ports'],
  ['EMFILE', 'file-descriptors'],
  ['ENFILE', 'file-descriptors'],
  ['ENOBUFS', 'memory'],
  ['ENOMEM', 'memory'],
])('%s is told as short of %s', (code, shortage) => {
  const { reason, detail } = describeSocketError(Object.assign(new Error(code), { code }), 'h:80', 'connect');
  expect(reason).toBe('generator-limit');
  const lost = new LostStarts();
  lost.add(detail);
  expect(lost.doubts(7)).toMatchObject([
    { shortage, sentence: expect.stringMatching(/^.* short: 1 of 7 sessions could not be made; .*\.$/) },
  ]);
});
