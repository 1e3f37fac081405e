import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { statOf } from '../../probes/target/processes.ts';
import { prepareFolder } from '../../sinks/result-file.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

export const LOCK_FILE = 'in-use.lock';

/** Who writes results to a folder. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  /** When the process began, in the kernel's ticks, because its number is given to others later; null: not known. */
  readonly startTicks: number | null;
}

/**
 * Makes a folder ready and takes it for this process, so that two runs do not mix their files. What a process left
 * behind that is there no more is taken over.
 * @returns gives it back; never rejects
 * @throws CommandError (exit code 104) when the folder cannot be written to, or somebody else has it
 */
export async function takeFolder(folder: string): Promise<() => Promise<void>> {
  try {
    await prepareFolder(folder);
  } catch (error) {
    throw new CommandError(exitCodes.invalidScenario, (error as Error).message);
  }
  const lock = path.join(folder, LOCK_FILE);
  const mine = path.join(folder, `.${randomUUID()}.lock`);
  const self: Owner = {
    pid: process.pid,
    host: os.hostname(),
    since: new Date().toISOString(),
    startTicks: statOf(process.pid)?.startTicks ?? null,
  };
  await writeFile(mine, `${JSON.stringify(self)}\n`);
  try {
    await claim(folder, lock, mine);
  } finally {
    await rm(mine, { force: true });
  }
  return () => rm(lock, { force: true }).catch(() => {});
}

/** A link is made whole or not at all, and by one only: nobody reads half a lock. */
async function claim(folder: string, lock: string, mine: string): Promise<void> {
  for (let attempt = 1; attempt <= 5; attempt++) {
    if (await linked(mine, lock)) return;
    const owner = await readOwner(lock);
    if (owner === 'gone') continue;
    if (owner !== null && isThere(owner)) throw inUse(folder, lock, owner);
    // Of two that take over at once, one moves the dead lock away; the other may have moved the first one's new lock.
    const aside = `${mine}.aside`;
    await rename(lock, aside).catch(() => {});
    const moved = await readOwner(aside);
    if (moved !== null && moved !== 'gone' && isThere(moved)) await linked(aside, lock);
    await rm(aside, { force: true });
  }
  throw new CommandError(
    exitCodes.invalidScenario,
    `Several runs want to write to "${folder}" at once; name another folder with --out.`,
  );
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}

/** `null`: nobody can say who; such a file is no lock. */
async function readOwner(file: string): Promise<Owner | null | 'gone'> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return 'gone';
  }
  try {
    const owner = JSON.parse(text) as Owner;
    return Number.isInteger(owner.pid) ? owner : null;
  } catch {
    return null;
  }
}

/** What runs on another machine cannot be seen; it is believed to. */
function isThere({ pid, host, startTicks }: Owner): boolean {
  if (host !== os.hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = statOf(pid)?.startTicks ?? null;
  return startTicks === null || now === null || now === startTicks;
}

function inUse(folder: string, lock: string, { pid, host, since }: Owner): CommandError {
  const elsewhere = host !== os.hostname();
  const who = `process ${pid}${elsewhere ? ` on ${host}` : ''}`;
  const ended = elsewhere ? `, or delete "${lock}" if that one has ended` : '';
  return new CommandError(
    exitCodes.invalidScenario,
    `Another run (${who}) has been writing to "${folder}" since ${since}; name another folder with --out${ended}.`,
  );
}
