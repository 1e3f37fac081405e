/** What a newcomer meets first: the set-up that `npm start` and `npm test` begin with. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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

function start(env: NodeJS.ProcessEnv): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(repositoryRoot(), 'cli/setup/start.mjs'), '--help'],
      { env: { PATH: folder, HOME: folder, ...env }, timeout: 30_000 },
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
    expect(stderr).toMatch(/^ffmpeg is needed .*https:\/\/ffmpeg\.org/);
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

  it('refuses a FFMPEG_PATH that leads nowhere, by name', async () => {
    const { code, stderr } = await start({ FFMPEG_PATH: '/nowhere/ffmpeg' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^FFMPEG_PATH names \/nowhere\/ffmpeg, which does not exist: /);
  });
});
