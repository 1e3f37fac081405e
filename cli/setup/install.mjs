// Set-up without thought: dependencies installed when missing or stale, ffmpeg found or installed, sources bundled.
// Plain JavaScript with no dependency, because it runs before there are any.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const modules = path.join(root, 'node_modules');
const marker = path.join(modules, '.streamgauge-installed');
const lock = path.join(root, '.cache', 'setup.lock');
const lockTimeoutMs = 10 * 60_000;

/** A failure of the set-up whose message is the one sentence that the user needs. */
class SetupError extends Error {}

/** Which lock file, for which Node ABI, is installed; anything else is stale. */
function wantedInstall() {
  const hash = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  return `${hash} ${process.platform}-${process.arch} modules-${process.versions.modules}\n`;
}

/** True in a git checkout or an unpacked source archive; false in an installed package, which npm has set up already. */
function isCheckout() {
  return existsSync(path.join(root, 'package-lock.json')) && existsSync(path.join(root, 'cli/main.ts'));
}

function dependenciesFresh() {
  return existsSync(marker) && readFileSync(marker, 'utf8') === wantedInstall();
}

function installDependencies(say) {
  say('Installing dependencies (npm ci), a minute at most …');
  // Whoever started us may be another package manager, to which this lock file means nothing.
  const npmCli = process.env.npm_execpath;
  const npm = /[\\/]np[mx]-cli\.c?js$/.test(npmCli ?? '')
    ? [process.execPath, [npmCli.replace(/npx-cli(\.c?js)$/, 'npm-cli$1')]]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm', []];
  // No dependency needs its install script: binaries come as optional packages. Skipping them also skips downloads.
  const args = [
    ...npm[1],
    'ci',
    '--include=dev',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const done = spawnSync(npm[0], args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 15 * 60_000,
  });
  if (done.error || done.status !== 0) {
    const why = (done.error?.message ?? done.stderr).trim().split('\n').slice(-3).join(' ');
    throw new SetupError(
      `Dependencies could not be installed in ${root}: ${why}. Check the network and run "npm ci --ignore-scripts" there.`,
    );
  }
  writeFileSync(marker, wantedInstall());
}

/** Path of a program on PATH, or null. */
function findProgram(name) {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    if (folder === '') continue;
    for (const suffix of process.platform === 'win32' ? ['.exe', '.cmd'] : ['']) {
      const file = path.join(folder, name + suffix);
      try {
        accessSync(file, constants.X_OK);
        if (statSync(file).isFile()) return file;
      } catch {
        // Not here: the next folder.
      }
    }
  }
  return null;
}

const packageManagers = [
  {
    program: 'apt-get',
    needsRoot: true,
    steps: (p) => [
      ['apt-get', 'update', '-q'],
      ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...p],
    ],
  },
  { program: 'apk', needsRoot: true, steps: (p) => [['apk', 'add', '--no-cache', ...p]] },
  { program: 'dnf', needsRoot: true, steps: (p) => [['dnf', 'install', '-y', ...p]] },
  { program: 'pacman', needsRoot: true, steps: (p) => [['pacman', '-Sy', '--noconfirm', ...p]] },
  { program: 'zypper', needsRoot: true, steps: (p) => [['zypper', '--non-interactive', 'install', ...p]] },
  { program: 'brew', needsRoot: false, steps: (p) => [['brew', 'install', ...p]] },
  { program: 'winget', needsRoot: false, steps: () => [['winget', 'install', '--id', 'Gyan.FFmpeg', '-e']] },
];

/** What to do on this machine to get ffmpeg. */
function ffmpegAdvice() {
  const manager = packageManagers.find(({ program }) => findProgram(program));
  if (!manager) return 'get it from https://ffmpeg.org/download.html, put it on PATH';
  const sudo = manager.needsRoot && process.getuid?.() !== 0 ? 'sudo ' : '';
  const steps = manager.steps(['ffmpeg']).map((step) => sudo + step.join(' '));
  return `type "${steps.join(' && ')}"`;
}

/** Installs ffmpeg where that needs no question: as root, by sudo without a password, or by a user's own package manager. */
function ensureFfmpeg(say) {
  const named = process.env.FFMPEG_PATH;
  if (named) {
    if (!existsSync(named))
      throw new SetupError(
        `FFMPEG_PATH names ${named}, which does not exist: correct it, or unset it to use the ffmpeg on PATH.`,
      );
    return;
  }
  if (findProgram('ffmpeg') && findProgram('ffprobe')) return;
  const remedy = `ffmpeg is needed and not on PATH: ${ffmpegAdvice()} and start again.`;
  if (process.env.STREAMGAUGE_NO_INSTALL) throw new SetupError(remedy);
  const manager = packageManagers.find(({ program }) => findProgram(program));
  if (!manager) throw new SetupError(remedy);
  let prefix = [];
  if (manager.needsRoot && process.getuid?.() !== 0) {
    const sudo =
      findProgram('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', timeout: 5_000 });
    if (sudo?.status !== 0) throw new SetupError(remedy);
    prefix = ['sudo', '-n'];
  }
  say(`Installing ffmpeg with ${manager.program} …`);
  for (const step of manager.steps(['ffmpeg'])) {
    const [program, ...args] = [...prefix, ...step];
    const done = spawnSync(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      timeout: 10 * 60_000,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    // A failed index refresh may still leave a usable index: only the installation itself decides.
    if (done.status !== 0 && !step.includes('update'))
      throw new SetupError(
        `${remedy} (Trying it failed: ${(done.error?.message ?? done.stderr).trim().split('\n').pop()})`,
      );
  }
  if (!findProgram('ffmpeg') || !findProgram('ffprobe')) throw new SetupError(remedy);
}

/** Runs `work` while no other set-up of this checkout runs; a lock whose owner is gone is taken over. */
async function withLock(work) {
  mkdirSync(path.dirname(lock), { recursive: true });
  const deadline = Date.now() + lockTimeoutMs;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST')
        throw new SetupError(`${root} cannot be written to (${error.code}): make it writable for this user.`);
    }
    if (!ownerLives(lock)) takeFromDeadOwner();
    else if (Date.now() > deadline)
      throw new SetupError(`Another set-up has held ${lock} for ten minutes: end it, or delete that file.`);
    else await new Promise((wake) => setTimeout(wake, 200));
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Of several that wait for the same dead owner one renames the lock; what a living one has taken since is given back. */
function takeFromDeadOwner() {
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
    if (ownerLives(aside)) linkSync(aside, lock);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
  rmSync(aside, { force: true });
}

function ownerLives(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    if (!(pid > 0)) return Date.now() - statSync(file).mtimeMs < 1_000; // being written at this moment
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Let go of meanwhile (ENOENT): whoever has taken it since is not to be robbed of it.
    return error.code === 'EPERM' || error.code === 'ENOENT';
  }
}

/**
 * Makes the checkout ready to run. Quick when it is: two file reads and a look at the sources' times.
 * @param {{ ffmpeg?: boolean, say?: (line: string) => void }} options `ffmpeg`: also see to ffmpeg
 */
export async function setUp({ ffmpeg = false, say = (line) => process.stderr.write(`${line}\n`) } = {}) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new SetupError(
      `Streamgauge needs Node 20.19 or newer; this is ${process.versions.node}: install a newer one from https://nodejs.org.`,
    );
  if (ffmpeg) ensureFfmpeg(say);
  if (!isCheckout()) return;
  const stale = async () => !dependenciesFresh() || (await import('./build.mjs')).isStale();
  if (!(await stale())) return;
  await withLock(async () => {
    if (!dependenciesFresh()) installDependencies(say);
    const { buildIfStale } = await import('./build.mjs');
    await buildIfStale();
  });
}

/** Prints the sentence of a SetupError (or the whole of anything unforeseen) and ends with exit code 1. */
export function exitWith(error) {
  process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exit(1);
}

/** Runs a program to its end with this terminal, passing Ctrl-C on by the terminal itself; gives its exit code. */
export function runToEnd(program, args) {
  try {
    execFileSync(program, args, { cwd: root, stdio: 'inherit' });
    return 0;
  } catch (error) {
    return error.status ?? 1;
  }
}
