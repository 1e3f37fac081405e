import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareFolder, writeResult } from './result-file.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-result-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a folder for results', () => {
  it('is made with all above it, also by several at once', async () => {
    const deep = path.join(folder, 'a/b/c');
    await Promise.all([prepareFolder(deep), prepareFolder(deep), prepareFolder(deep)]);
    await writeResult(deep, 'x.txt', 'x');
    expect(await readFile(path.join(deep, 'x.txt'), 'utf8')).toBe('x');
  });

  it.runIf(process.platform === 'linux')(
    'where there can be none is refused, not tried for ever',
    async () => {
      await expect(prepareFolder('/proc/streamgauge/runs')).rejects.toThrow(
        /^Cannot write results to "\/proc\/streamgauge\/runs": there is no such file or folder\.$/,
      );
    },
  );

  it('whose name is too long', async () => {
    await expect(prepareFolder(path.join(folder, 'x'.repeat(300)))).rejects.toThrow(
      /": the name is too long\.$/,
    );
  });
});

it('a result that cannot be written leaves nothing unfinished behind', async () => {
  const other = path.join(folder, 'other');
  await prepareFolder(path.join(other, 'report.html/in-the-way'));
  await expect(writeResult(other, 'report.html', 'x')).rejects.toThrow(/there is a folder of that name/);
  expect(await readdir(other)).toEqual(['report.html']);
});
