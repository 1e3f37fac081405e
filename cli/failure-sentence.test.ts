import { expect, test } from 'vitest';
import { failureSentence } from './failure-sentence.ts';

test.each<[unknown, string]>([
  [
    Object.assign(new Error('x'), { code: 'ENOENT', syscall: 'uv_cwd' }),
    'The current folder no longer exists; change to another one.',
  ],
  [
    Object.assign(new Error('EMFILE: too many open files, open …'), { code: 'EMFILE' }),
    'Too many files are open on this machine; raise the limit (ulimit -n).',
  ],
  [new Error('No luck.'), 'No luck.'],
  [undefined, 'undefined'],
])('%s', (error, sentence) => expect(failureSentence(error)).toBe(sentence));
