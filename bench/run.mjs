// `npm run bench [-- name …]`: bundles and runs the benchmarks one after the other and says on what machine.
// Each prints what it measured within its own run; absolute figures of another machine or hour do not compare.
// What they recorded (`results.ts`) is the table at the end, and `.cache/bench/results.json`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { exitWith, root, setUp } from '../cli/setup/install.mjs';

const folder = path.join(root, 'bench');
const limitMs = 20 * 60_000;

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
const machine = `${cpu} × ${os.cpus().length}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.release()}, Node ${process.versions.node}`;
const date = new Date().toISOString().slice(0, 10);
process.stdout.write(`${machine}, ${date}\n`);
const rowsFile = path.join(root, '.cache', 'bench', 'results.jsonl');
rmSync(rowsFile, { force: true });
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
    env: { ...process.env, STREAMGAUGE_ROOT: root, STREAMGAUGE_BENCH_RESULTS: rowsFile },
    timeout: limitMs,
  });
  if (done.status !== 0) failed += 1;
}
printTable();
process.exit(failed > 0 ? 1 : 0);

function printTable() {
  if (!existsSync(rowsFile)) return;
  const rows = readFileSync(rowsFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const file = path.join(root, '.cache', 'bench', 'results.json');
  writeFileSync(file, `${JSON.stringify({ machine, date, rows }, null, 2)}\n`);
  const lines = rows.map(({ what, server, value, unit, atMost, atLeast }) => {
    const wanted = atMost !== undefined ? `≤ ${atMost}` : atLeast !== undefined ? `≥ ${atLeast}` : '';
    const kept =
      wanted === '' ? '' : value <= (atMost ?? value) && value >= (atLeast ?? value) ? 'yes' : 'NO';
    return [what, server, `${Number(value.toPrecision(3))} ${unit}`.trim(), wanted, kept];
  });
  const table = [['measured', 'server', 'value', 'wanted', 'kept'], ...lines];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  const show = (line) => line.map((cell, column) => cell.padEnd(widths[column])).join(' | ');
  const rule = widths.map((width) => '-'.repeat(width));
  const shown = [table[0], rule, ...table.slice(1)].map((line) => `| ${show(line)} |`);
  process.stdout.write(`\n${shown.join('\n')}\n\n${path.relative(process.cwd(), file)}\n`);
}
