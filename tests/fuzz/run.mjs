// `npm run fuzz`: bundles the command, like everything else that is run, and runs it.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { exitWith, root, setUp } from '../../cli/setup/install.mjs';

try {
  await setUp({ ffmpeg: false });
} catch (error) {
  exitWith(error);
}
const { build } = await import('esbuild');
const outfile = path.join(root, '.cache', 'fuzz', 'command.mjs');
await build({
  entryPoints: [path.join(root, 'tests/fuzz/command.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
  define: { 'import.meta.url': JSON.stringify(`file://${path.join(root, 'tests/kit/built-entry.ts')}`) },
});
process.exit(
  spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' }).status ??
    1,
);
