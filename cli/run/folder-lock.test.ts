import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exitCodes } from '../exit-codes.ts';
import { LOCK_FILE, takeFolder } from './folder-lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'streamgauge-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const leave = (owner: object | string) =>
  writeFile(path.join(folder, LOCK_FILE), typeof owner === 'string' ? owner : JSON.stringify(owner));
const since = '2026-11-23T18:00:00.000Z';

it('has one owner, who is named to the others, and leaves nothing behind', async () => {
  const giveBack = await takeFolder(folder);
  const refusal = takeFolder(folder);
  await expect(refusal).rejects.toThrow(
    new RegExp(`^Another run \\(process ${process.pid}\\) has been writing to ".*" since \\d{4}-.*--out\\.$`),
  );
  await expect(refusal).rejects.toMatchObject({ exitCode: exitCodes.invalidScenario });
  await giveBack();
  expect(await readdir(folder)).toEqual([]);
  await (await takeFolder(folder))();
});

it('of many at once gets one', async () => {
  const dead = { pid: 999_999_999, host: os.hostname(), since, startTicks: 1 };
  await leave(dead);
  const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => takeFolder(folder)));
  expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await readdir(folder)).toEqual([LOCK_FILE]);
});

it.each([
  ['of a process that is there no more', { pid: 999_999_999, host: os.hostname(), since, startTicks: 1 }],
  [
    'of a process whose number another one has now',
    { pid: process.pid, host: os.hostname(), since, startTicks: 1 },
  ],
  ['that says nothing', 'half a li'],
])('takes a lock over %s', async (_, left) => {
  await leave(left);
  const giveBack = await takeFolder(folder);
  expect(JSON.parse(await readFile(path.join(folder, LOCK_FILE), 'utf8'))).toMatchObject({
    pid: process.pid,
  });
  await giveBack();
});

it('believes a lock of another machine, and says how to be rid of it', async () => {
  await leave({ pid: 1, host: 'elsewhere', since, startTicks: null });
  await expect(takeFolder(folder)).rejects.toThrow(
    /process 1 on elsewhere.*or delete ".*in-use\.lock" if that one/,
  );
});
