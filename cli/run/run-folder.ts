import { mkdirSync } from 'node:fs';
import path from 'node:path';

/** `20261123-181500-smoke`: sorts by time, says what it was. The time is the machine's own, which is what people look for. */
export function runId(name: string, startedAt: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = `${startedAt.getFullYear()}${two(startedAt.getMonth() + 1)}${two(startedAt.getDate())}`;
  const time = `${two(startedAt.getHours())}${two(startedAt.getMinutes())}${two(startedAt.getSeconds())}`;
  return `${day}-${time}-${name}`;
}

/** The folder for a run's results: the one asked for, or a new one under `runs/`. */
export function runFolder(
  out: string | undefined,
  id: string,
  claim: (folder: string) => boolean = makeFolder,
): string {
  if (out !== undefined) return path.resolve(out);
  for (let attempt = 1; ; attempt++) {
    const folder = path.resolve('runs', attempt === 1 ? id : `${id}-${attempt}`);
    if (claim(folder)) return folder;
  }
}

/** Makes the folder; false when it was there: another run, perhaps of the same second, has it. */
function makeFolder(folder: string): boolean {
  mkdirSync(path.dirname(folder), { recursive: true });
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The path as a person would type it here. */
export function relativePath(file: string, from = process.cwd()): string {
  const relative = path.relative(from, file);
  return relative.startsWith(`..${path.sep}..`) || relative === '' ? file : relative;
}
