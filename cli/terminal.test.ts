import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createTerminal } from './terminal.ts';

const failing = (code: string) =>
  new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) });

test.each([
  ['ENOSPC', 'the disk is full'],
  ['EPIPE', null],
])('standard output that ends in %s', async (code, failure) => {
  const stdout = failing(code);
  const terminal = createTerminal(stdout, failing('ENOSPC'), {});
  terminal.out('{}');
  terminal.say('nobody hears this');
  await new Promise((closed) => stdout.once('close', closed));
  expect(terminal.outFailure).toBe(failure);
});
