/** What a newcomer meets first: the set-up that `npm start` and `npm test` begin with. */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { repositoryRoot } from './kit/built-entry.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-setup-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A program of this name in the test's only PATH folder. */
async function fakeProgram(name: string, script = 'exit 0'): Promise<void> {
  await writeFile(path.join(folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(path.join(folder, name), 0o755);
}

interface Started {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function start(
  env: NodeJS.ProcessEnv,
  words: readonly string[] = ['--help'],
  root = repositoryRoot(),
): Promise<Started> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(root, 'cli/setup/start.mjs'), ...words],
      { cwd: root, env: { PATH: folder, HOME: folder, ...env }, timeout: 30_000 },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

describe('set-up', () => {
  it('says in one sentence what to type when ffmpeg is absent and nothing may be installed', async () => {
    await fakeProgram('apt-get');
    const { code, stderr } = await start({ STREAMGAUGE_NO_INSTALL: '1' });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(
      /^ffmpeg is needed and not on PATH: type ".*apt-get install .*ffmpeg" and start again\.$/m,
    );
  });

  it('says where to get ffmpeg on a system whose package manager it does not know', async () => {
    const { code, stderr } = await start({});
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ffmpeg is needed .*: get it from https:\/\/ffmpeg\.org/);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('installs ffmpeg with the package manager where that is permitted', async () => {
    // Installing "ffmpeg" puts both programs on the PATH, as Debian's package does.
    const bin = path.join(folder, 'bin');
    await mkdir(bin);
    const install = `echo "$@" >> ${folder}/calls\ncase "$1" in install) for p in ffmpeg ffprobe; do printf '#!/bin/sh\\n' > ${folder}/$p; /bin/chmod 755 ${folder}/$p; done;; esac`;
    await fakeProgram(process.getuid?.() === 0 ? 'apt-get' : 'brew', install);
    const { code, stdout } = await start({});
    expect(await readFile(path.join(folder, 'calls'), 'utf8')).toMatch(/install .*ffmpeg/);
    expect({ code, helped: stdout.includes('streamgauge run') }).toEqual({ code: 0, helped: true });
  });

  it('is ready in under three seconds when nothing is to be done', async () => {
    await fakeProgram('ffmpeg');
    await fakeProgram('ffprobe');
    const startedMs = performance.now();
    const { code, stderr } = await start({});
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('refuses a FFMPEG_PATH that leads nowhere, by name', async () => {
    const { code, stderr } = await start({ FFMPEG_PATH: '/nowhere/ffmpeg' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^FFMPEG_PATH names \/nowhere\/ffmpeg, which does not exist: /);
  });
});

/** A checkout of a program that prints its arguments, with the real set-up and an npm that only notes that it was called. */
describe('the set-up of a fresh checkout', () => {
  let checkout: string;
  beforeEach(async () => {
    checkout = path.join(folder, 'checkout');
    for (const file of [
      'cli/setup/install.mjs',
      'cli/setup/build.mjs',
      'cli/setup/start.mjs',
      'cli/entries.mjs',
    ])
      await cp(path.join(repositoryRoot(), file), path.join(checkout, file));
    await writeFile(path.join(checkout, 'package.json'), '{ "type": "module" }');
    await writeFile(path.join(checkout, 'package-lock.json'), '{}');
    await write('cli/main.ts', 'console.log("first: " + process.argv.slice(2).join(" "));');
    await write(
      'npm/npm-cli.js',
      `import fs from 'node:fs';
      fs.appendFileSync('npm-calls', process.argv.slice(2).join(' ') + '\\n');
      if (process.env.NPM_FAILS) { console.error('npm error network unreachable'); process.exit(1); }
      await new Promise((wake) => setTimeout(wake, 300));
      fs.rmSync('node_modules', { recursive: true, force: true });
      fs.mkdirSync('node_modules');
      fs.symlinkSync('${repositoryRoot()}/node_modules/esbuild', 'node_modules/esbuild');`,
    );
    await fakeProgram('ffmpeg');
    await fakeProgram('ffprobe');
  });

  const write = async (file: string, text: string): Promise<void> => {
    await mkdir(path.dirname(path.join(checkout, file)), { recursive: true });
    await writeFile(path.join(checkout, file), text);
  };
  const run = (words: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Started> =>
    start({ npm_execpath: path.join(checkout, 'npm/npm-cli.js'), ...env }, words, checkout);
  const npmCalls = async (): Promise<string[]> =>
    (await readFile(path.join(checkout, 'npm-calls'), 'utf8').catch(() => '')).split('\n').filter(Boolean);

  it('installs, builds and runs; a second start does only the last', async () => {
    const first = await run();
    expect(first).toMatchObject({ code: 0, stdout: 'first: run scenarios/smoke.yaml\n' });
    expect(await npmCalls()).toEqual([
      'ci --include=dev --ignore-scripts --no-audit --no-fund --loglevel=error',
    ]);
    const built = await stat(path.join(checkout, 'dist/cli/main.js'));
    expect(await run()).toEqual({ code: 0, stdout: first.stdout, stderr: '' });
    expect(await npmCalls()).toHaveLength(1);
    expect((await stat(path.join(checkout, 'dist/cli/main.js'))).mtimeMs).toBe(built.mtimeMs);
  });

  it('installs again when the lock file has changed, and builds again when a source has', async () => {
    await run();
    await write('cli/main.ts', 'console.log("second");');
    expect(await run()).toMatchObject({ code: 0, stdout: 'second\n', stderr: '' });
    expect(await npmCalls()).toHaveLength(1);
    await write('package-lock.json', '{ "changed": true }');
    expect(await run()).toMatchObject({ code: 0, stdout: 'second\n' });
    expect(await npmCalls()).toHaveLength(2);
  });

  it('is done once by two who start at the same time', async () => {
    const both = await Promise.all([run(), run()]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(await npmCalls()).toHaveLength(1);
  });

  it('takes over from one that was killed in the middle', async () => {
    // The highest process number that Linux gives out is below that.
    await write('.cache/setup.lock', '4194305');
    expect(await run()).toMatchObject({ code: 0 });
  });

  it('says in one sentence that installing failed, why, and what to type; and tries again the next time', async () => {
    const failed = await run([], { NPM_FAILS: '1' });
    expect(failed.code).toBe(1);
    expect(failed.stderr.trim().split('\n').at(-1)).toBe(
      `Dependencies could not be installed in ${checkout}: npm error network unreachable. Check the network and run "npm ci --ignore-scripts" there.`,
    );
    expect(failed.stderr).not.toMatch(/\n\s+at /);
    expect((await run()).code).toBe(0);
  });

  it('does not ask another package manager to install', async () => {
    await write('npm/yarn.js', 'throw new Error("not me");');
    await fakeProgram('npm', `exec ${process.execPath} ${checkout}/npm/npm-cli.js "$@"`);
    expect((await run([], { npm_execpath: path.join(checkout, 'npm/yarn.js') })).code).toBe(0);
    expect(await npmCalls()).toHaveLength(1);
  });

  it.each([
    [[], 'run scenarios/smoke.yaml'],
    [['--out', 'results'], 'run scenarios/smoke.yaml --out results'],
    [['--target', 'rtmp://host:1935', '--json'], 'run scenarios/smoke.yaml --target rtmp://host:1935 --json'],
    [['peak.yaml', '--out', 'results'], 'run peak.yaml --out results'],
    [['--json', 'peak.ts'], 'run --json peak.ts'],
  ])('`npm start -- %j` is `streamgauge %s`', async (words, expected) => {
    expect(await run(words)).toMatchObject({ code: 0, stdout: `first: ${expected}\n` });
  });
});
