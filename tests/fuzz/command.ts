/**
 * `npm run fuzz [-- target …] [--for 10m] [--seed N]`: fuzzes the parsers with an eye on what their code does. What breaks one
 * is kept in `tests/fuzz/crashers/<target>/`, where `npm test` tries it for ever after.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { formatDuration, parseDuration } from '../../scenarios/units.ts';
import { createFuzzer } from './fuzz.ts';
import { fuzzTargets } from './targets.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    for: { type: 'string', default: '10m' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
});
const names = Object.keys(fuzzTargets);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`No target is called ${unknown.join(', ')}; there are ${names.join(', ')}.\n`);
  process.exit(2);
}
const wanted = positionals.length > 0 ? positionals : names;
const seed = Number(values.seed);
const eachMs = parseDuration(values.for) / wanted.length;
process.stdout.write(`${wanted.length} parsers, ${formatDuration(Math.round(eachMs))} each, seed ${seed}\n`);
const fuzzer = await createFuzzer();
let broken = 0;
for (const name of wanted) {
  const report = await fuzzer.run({ name, seed, forMs: eachMs });
  if (report.kind === 'done') {
    process.stdout.write(
      `${name}: ${report.runs} inputs, ${report.corpus} of them led somewhere new, ${report.covered} branches taken; nothing broke\n`,
    );
    continue;
  }
  broken++;
  const folder = path.join('tests/fuzz/crashers', name);
  const file = path.join(
    folder,
    `${createHash('sha256').update(report.input).digest('hex').slice(0, 12)}.bin`,
  );
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, report.input);
  process.stdout.write(`${name}: ${report.kind}, kept as ${file}\n${report.message}\n`);
}
process.exit(broken > 0 ? 1 : 0);
