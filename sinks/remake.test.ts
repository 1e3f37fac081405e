import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { remakeReports } from './remake.ts';
import { createRunFolder } from './run-folder.ts';
import { makeSyntheticRun } from './synthetic-run.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-remake-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const reports = ['summary.md', 'junit.xml', 'report.html'] as const;
const readAll = () => Promise.all(reports.map((file) => readFile(path.join(folder, file), 'utf8')));

async function keep(): Promise<void> {
  const given = makeSyntheticRun();
  const sink = createRunFolder({ folder });
  await sink.open(given.run);
  for (const points of given.seconds) sink.second(points);
  await sink.close(given.summary);
}

describe('remakeReports', () => {
  it('makes the same reports, to the byte, from what was stored', async () => {
    await keep();
    const before = await readAll();
    for (const file of reports) await rm(path.join(folder, file));
    const summary = await remakeReports(folder);
    expect(summary.verdict).toBe('pass');
    const after = await readAll();
    for (const [index, file] of reports.entries())
      expect([file, after[index] === before[index]]).toEqual([file, true]);
  });

  it('makes a report without plots where there is no store', async () => {
    await keep();
    await rm(path.join(folder, 'run.duckdb'));
    await remakeReports(folder);
    expect(
      (await readFile(path.join(folder, 'report.html'), 'utf8')).match(
        /No data: this was not measured in this run\./g,
      ),
    ).toHaveLength(7);
  });

  it.each([
    [null, /^Cannot read ".*summary\.json": there is no such file or folder\.$/],
    ['{"schema":', /^Cannot read ".*summary\.json": it is not JSON\.$/],
    [
      '{"schema":"streamgauge.summary/9"}',
      /^".*" has schema "streamgauge\.summary\/9"; this version reads "streamgauge\.summary\/1"\.$/,
    ],
    ['null', /^".*" has schema null; this version reads/],
    ['{"schema":"streamgauge.summary/1","metrics":null}', /^".*summary\.json" is not whole: /],
  ])('refuses a folder whose summary is %s', async (text, sentence) => {
    if (text !== null) await writeFile(path.join(folder, 'summary.json'), text);
    await expect(remakeReports(folder)).rejects.toThrow(sentence);
  });
});
