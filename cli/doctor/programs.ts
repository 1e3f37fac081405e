import { execFile } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ffmpegCapabilities } from '../../ffmpeg/capabilities.ts';
import { findProgram, locate } from '../../ffmpeg/locate.ts';
import type { Check } from './check.ts';

const run = promisify(execFile);
const patienceMs = 5_000;

/** ffmpeg and ffprobe, and what the synthetic camera needs of them. */
export async function checkFfmpeg(): Promise<Check> {
  const name = 'ffmpeg';
  try {
    const { version, path: file, encoders } = await ffmpegCapabilities();
    locate('ffprobe');
    const lacking = ['libx264', 'aac'].filter((encoder) => !encoders.has(encoder));
    return lacking.length === 0
      ? { name, level: 'ok', found: `${version} (${file})` }
      : {
          name,
          level: 'lacking',
          found: `${version} without ${lacking.join(' and ')}`,
          remedy: 'The synthetic camera needs them: install a full build, or set FFMPEG_PATH to one.',
        };
  } catch (error) {
    return {
      name,
      level: 'lacking',
      found: 'not usable',
      remedy: error instanceof Error ? error.message : String(error),
    };
  }
}

/** k6 runs `scenarios/k6`; nothing else needs it. */
export function checkK6(): Promise<Check> {
  return checkProgram(
    'k6',
    ['k6', path.join(os.homedir(), 'go/bin/k6')],
    ['version'],
    'scenarios/k6 cannot be run; docs/k6.md says how to get k6.',
  );
}

/** A browser, for real players beside the simulated ones. */
export function checkBrowser(): Promise<Check> {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  return checkProgram(
    'Browser',
    names,
    ['--version'],
    'Only comparisons with real players need one: install chromium or Chrome.',
  );
}

async function checkProgram(
  name: string,
  candidates: readonly string[],
  args: readonly string[],
  remedy: string,
): Promise<Check> {
  const file = candidates.map((program) => findProgram(program)).find((found) => found !== null);
  if (!file) return { name, level: 'limited', found: 'not here', remedy };
  try {
    const { stdout } = await run(file, args, { timeout: patienceMs });
    return { name, level: 'ok', found: `${stdout.trim().split('\n')[0]} (${file})` };
  } catch {
    return { name, level: 'limited', found: `${file} is here but does not start`, remedy };
  }
}
