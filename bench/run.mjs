// `npm run bench [-- name …]`: bundles and runs the benchmarks one after the other and says on what machine.
// Each prints ratios measured within its own run; absolute figures of another machine or hour do not compare.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { exitWith, root, setUp } from '../cli/setup/install.mjs';

const folder = path.join(root, 'bench');
const limitMs = 15 * 60_000;

try {
  await setUp({ ffmpeg: true });
} catch (error) {
  exitWith(error);
}
const { build } = await import('esbuild');
const known = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace('.bench.ts', ''));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`No benchmark is called ${unknown.join(', ')}; there are ${known.join(', ')}.\n`);
  process.exit(2);
}

const cpu = os.cpus()[0]?.model.trim() ?? 'unknown CPU';
process.stdout.write(
  `${cpu} × ${os.cpus().length}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.release()}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}\n`,
);
let failed = 0;
for (const name of wanted.length > 0 ? wanted : known) {
  process.stdout.write(`\n# ${name}\n`);
  // Bundled into the checkout, because packages are found from there.
  const outfile = path.join(root, '.cache', 'bench', `${name}.mjs`);
  mkdirSync(path.dirname(outfile), { recursive: true });
  await build({
    entryPoints: [path.join(folder, `${name}.bench.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  if (!existsSync(outfile)) throw new Error(`${name} was not built`);
  const done = spawnSync(process.execPath, ['--expose-gc', outfile], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, STREAMGAUGE_ROOT: root },
    timeout: limitMs,
  });
  if (done.status !== 0) failed += 1;
}
process.exit(failed > 0 ? 1 : 0);
