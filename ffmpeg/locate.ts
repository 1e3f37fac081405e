import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { FfmpegError } from './ffmpeg-error.ts';

export type FfmpegProgram = 'ffmpeg' | 'ffprobe';

/** What of the machine decides where ffmpeg is and how it is installed; tests pass their own. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly root: boolean;
}

export const thisMachine: Machine = {
  env: process.env,
  platform: process.platform,
  root: process.getuid?.() === 0,
};

/** By package manager: what installs ffmpeg. The first one that is on PATH is this system's. */
const installers: readonly { program: string; command: string; asRoot: boolean }[] = [
  { program: 'apt-get', command: 'apt-get install -y ffmpeg', asRoot: true },
  { program: 'apk', command: 'apk add ffmpeg', asRoot: true },
  { program: 'dnf', command: 'dnf install -y ffmpeg', asRoot: true },
  { program: 'pacman', command: 'pacman -S --noconfirm ffmpeg', asRoot: true },
  { program: 'zypper', command: 'zypper --non-interactive install ffmpeg', asRoot: true },
  { program: 'brew', command: 'brew install ffmpeg', asRoot: false },
  { program: 'winget', command: 'winget install --id Gyan.FFmpeg -e', asRoot: false },
];

/**
 * Path of ffmpeg or ffprobe: `FFMPEG_PATH` / `FFPROBE_PATH`, else (for ffprobe) beside `FFMPEG_PATH`, else on PATH.
 *
 * A path that is named and wrong is an error, never passed over in silence: whoever named it meant that build.
 * @throws FfmpegError FFMPEG_MISSING, saying what to type on this system.
 */
export function locate(program: FfmpegProgram, machine: Machine = thisMachine): string {
  const variable = program === 'ffmpeg' ? 'FFMPEG_PATH' : 'FFPROBE_PATH';
  const named = machine.env[variable];
  if (named) {
    if (isProgram(named)) return named;
    throw new FfmpegError(
      'FFMPEG_MISSING',
      `${variable} names ${named}, which is not a program that can be run: correct it, or unset it to use the ${program} on PATH.`,
    );
  }
  const ffmpegNamed = machine.env['FFMPEG_PATH'];
  const beside = ffmpegNamed && path.join(path.dirname(ffmpegNamed), executable(program, machine));
  if (beside && isProgram(beside)) return beside;
  const found = findProgram(program, machine);
  if (found !== null) return found;
  throw new FfmpegError(
    'FFMPEG_MISSING',
    `${program} is needed and not on PATH: ${installAdvice(machine)}, or set ${variable} to where it is.`,
  );
}

function installAdvice(machine: Machine): string {
  const installer = installers.find(({ program }) => findProgram(program, machine) !== null);
  if (!installer) return 'get it from https://ffmpeg.org/download.html and put it on PATH';
  const sudo = installer.asRoot && !machine.root ? 'sudo ' : '';
  return `type "${sudo}${installer.command}"`;
}

/** Path of a program: the first of that name on PATH, or the path itself if it is one; null: not on this machine. */
export function findProgram(program: string, machine: Machine = thisMachine): string | null {
  if (path.isAbsolute(program)) return isProgram(program) ? program : null;
  const folders = (machine.env['PATH'] ?? '').split(machine.platform === 'win32' ? ';' : ':');
  for (const folder of folders) {
    if (folder === '') continue;
    const file = path.join(folder, executable(program, machine));
    if (isProgram(file)) return file;
  }
  return null;
}

function executable(program: string, machine: Machine): string {
  return machine.platform === 'win32' ? `${program}.exe` : program;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
