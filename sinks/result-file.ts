import { access, constants, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes a run's folder ready to be written to.
 * @throws Error with one clear sentence when that is impossible
 */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new Error(`Cannot write results to "${folder}": ${reasonOf(error)}.`);
  }
}

/**
 * The folder and those above it. `mkdir`'s own `recursive` tries for ever in a file system such as /proc, which says
 * that there is no such folder whatever is there above it (Node 20), and hides that a file system is read-only.
 */
async function makeFolders(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const found = await stat(folder).catch(() => null);
    if (found?.isDirectory()) return;
    if (code !== 'ENOENT') throw error;
    const above = path.dirname(folder);
    // Somebody else may have made it just now; where it was there all the time the second attempt fails as the first.
    if (!(await stat(above).catch(() => null))) await makeFolders(above);
    await mkdir(folder).catch((again: NodeJS.ErrnoException) => {
      if (again.code !== 'EEXIST') throw again;
    });
  }
}

/**
 * Writes one file of a run's folder, whole or not at all: whoever opens it never sees half a report.
 * @returns the file's path
 * @throws Error with one clear sentence
 */
export async function writeResult(folder: string, name: string, text: string): Promise<string> {
  const file = path.join(folder, name);
  const unfinished = `${file}.unfinished`;
  try {
    await writeFile(unfinished, text);
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {});
    throw new Error(`Cannot write "${file}": ${reasonOf(error)}.`);
  }
  return file;
}

/** Node's and DuckDB's messages carry paths, codes and several lines; the sentence wants only the cause. */
export function reasonOf(error: unknown): string {
  const causes: Record<string, string> = {
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    ENOTDIR: 'a part of the path is not a folder',
    EEXIST: 'there is a file of that name',
    EISDIR: 'there is a folder of that name',
    ENOENT: 'there is no such file or folder',
    ENOSPC: 'the disk is full',
    EROFS: 'the file system is read-only',
    EMFILE: 'too many files are open',
    ENAMETOOLONG: 'the name is too long',
  };
  const code = (error as NodeJS.ErrnoException).code;
  if (code && causes[code]) return causes[code];
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line.trim().replace(/[.!]+$/, '');
}
