import { expect, test } from 'vitest';
import { runModule } from './run-module.ts';

const run = (code: string) => runModule(code, 'a.ts', { limitMs: 300 });

test.each([
  ['loops', 'for (;;) {}', 'has not made a scenario within 0.3 s, so it was ended'],
  [
    'waits',
    'setInterval(() => {}, 1000); await new Promise(() => {})',
    'has not made a scenario within 0.3 s',
  ],
  ['waits for nothing', 'export default () => new Promise(() => {})', 'ended without giving a scenario'],
  ['exits', 'process.exit(0)', 'ended without giving a scenario'],
  ['fails later', 'setTimeout(() => { throw new Error("later") }); await new Promise(() => {})', '(later)'],
  ['throws nothing', 'throw undefined', 'failed while it was run (undefined)'],
  ['exports what no file could say', 'export default { name: () => {} }', 'no plain data'],
  ['exports null', 'export default null', 'has neither a default export nor an export "scenario"'],
])('a module that %s is refused', async (_, code, words) => {
  const error = await run(code).catch((reason: Error) => reason);
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).toMatch(/^a\.ts: [^\n]*$/);
  expect((error as Error).message).toContain(words);
});

test('a module that loops is ended by a signal', async () => {
  const controller = new AbortController();
  const loading = runModule('for (;;) {}', 'a.ts', { interrupted: controller.signal });
  controller.abort();
  await expect(loading).rejects.toThrow('a.ts: was stopped by a signal');
});
