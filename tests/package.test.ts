/** What `npm install` of a packed Streamgauge brings: the command works where there are no sources. */
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { repositoryRoot } from './kit/built-entry.ts';
import { runToEnd } from './kit/run-tool.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-package-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(program, args, undefined, 60_000);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.toString();
}

it('runs after an install, with nothing to set up', async () => {
  // The build is there already, so npm is not to make it again.
  await run('npm', 'pack', '--ignore-scripts', '--pack-destination', folder, repositoryRoot());
  const [archive = ''] = await readdir(folder);
  await run('tar', '-xzf', path.join(folder, archive), '-C', folder);
  // As npm lays it out: dependencies beside the package.
  const installed = path.join(folder, 'node_modules/streamgauge');
  await mkdir(path.join(folder, 'node_modules'));
  await run('mv', path.join(folder, 'package'), installed);
  await symlink(path.join(repositoryRoot(), 'node_modules'), path.join(installed, 'node_modules'));
  const command = path.join(installed, 'cli/streamgauge.mjs');
  expect(await run(process.execPath, command, '--help')).toContain('streamgauge watch');
  // A command that loads a lazy part, a worker's code among it.
  expect(await run(process.execPath, command, 'probe', '--help')).toContain('--for');
  expect((await readdir(path.join(installed, 'dist/fleet'))).sort()).toContain('viewer-worker.js');
  expect(await readdir(path.join(installed, 'scenarios'))).toContain('smoke.yaml');
  expect(await readdir(installed)).not.toContain('tests');
});
