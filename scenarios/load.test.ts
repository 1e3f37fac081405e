import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadScenario } from './load.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'streamgauge-load-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

function makeFolder(name: string): string {
  const made = path.join(folder, name);
  mkdirSync(made);
  return made;
}

const body = `{ name: 'ts', viewers: [{ url: 'rtmp://h/live/a', executor: 'constant-viewers', viewers: n, duration: '1s' }] }`;

describe('scenario files', () => {
  test('TypeScript is run', async () => {
    const file = write(
      'a.ts',
      `import { defineScenario } from 'streamgauge'; const n: number = 2 + 1; export default defineScenario(${body});`,
    );
    const { scenario } = await loadScenario(file, ['viewers.0.duration=2s']);
    expect(scenario.viewers[0]).toMatchObject({ viewers: 3, duration: 2000 });
  });

  test('a module may make its scenario with a function', async () => {
    const file = write('b.mjs', `const n = 4; export default async () => (${body});`);
    expect((await loadScenario(file)).scenario.viewers[0]).toMatchObject({ viewers: 4 });
  });

  test.each([
    ['a missing file', () => path.join(folder, 'none.yaml'), ': no such file'],
    ['a missing module', () => path.join(folder, 'none.ts'), ': no such file'],
    [
      'another kind of file',
      () => write('a.toml', ''),
      ': a scenario is a file that ends in .yaml, .json or .ts, not in .toml',
    ],
    ['a folder', () => makeFolder('x.yaml'), ': is a folder, not a scenario file'],
    [
      'a syntax error',
      () => write('c.ts', 'export default {'),
      ':1:17: Expected identifier but found end of file',
    ],
    [
      'no export',
      () => write('d.ts', 'const x = 1;'),
      ': has neither a default export nor an export "scenario"',
    ],
    ['a throw', () => write('e.ts', 'throw new Error("no luck")'), ': failed while it was run (no luck)'],
    [
      'a wrong key',
      () => write('f.ts', `const n = 1; export default { ...${body}, nmae: 1 };`),
      ': unknown key "nmae"; did you mean "name"?',
    ],
  ])('%s is refused in one sentence', async (_, file, sentence) => {
    const name = file();
    await expect(loadScenario(name)).rejects.toThrow(`${name}${sentence}`);
  });

  test.skipIf(process.platform === 'win32')('a named pipe is refused, not waited for', async () => {
    const file = path.join(folder, 'pipe.yaml');
    execFileSync('mkfifo', [file]);
    await expect(loadScenario(file)).rejects.toThrow(`${file}: is no file that could be a scenario`);
  });
});
