/**
 * Every parser of the product under fire: what once broke one, and a few seconds of coverage-guided fuzzing each. A release is
 * fuzzed for longer: `npm run fuzz -- --for 10m`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { CoverageMap } from './fuzz/coverage-map.ts';
import { createFuzzer, type Fuzzer } from './fuzz/fuzz.ts';
import { countBranches } from './fuzz/instrument.ts';
import { minimise, mutate, seededRandom } from './fuzz/mutate.ts';
import { fuzzTargets } from './fuzz/targets.ts';

const names = Object.keys(fuzzTargets);
let fuzzer: Fuzzer;
beforeAll(async () => {
  fuzzer = await createFuzzer();
});

it.each(names)('%s: nothing breaks it within two seconds', async (name) => {
  const report = await fuzzer.run({ name, seed: 1, forMs: 2_000 });
  if (report.kind !== 'done')
    throw new Error(`${report.kind} by ${Buffer.from(report.input).toString('base64')}\n${report.message}`);
  // Guidance works: inputs were found that lead further than the seeds.
  expect(report.corpus).toBeGreaterThan(fuzzTargets[name]!.seeds().length + 1);
});

it('what once broke a parser does not any more', () => {
  for (const name of names) {
    const folder = path.join(import.meta.dirname, 'fuzz/crashers', name);
    if (!existsSync(folder)) continue;
    for (const file of readdirSync(folder)) {
      const bytes = new Uint8Array(readFileSync(path.join(folder, file)));
      expect(() => fuzzTargets[name]?.run(bytes), `${name} ${file}`).not.toThrow();
    }
  }
});

it('the fuzzer finds its way to a crash behind three conditions, and makes the input small', async () => {
  const { code, counters } = countBranches(
    'export function run(b) { if (b[0] === 1) { if (b[1] === 127) { if (b[2] > 200 && b[3] === 0) throw new Error("found"); } } }',
  );
  const map = new CoverageMap(counters);
  (globalThis as Record<string, unknown>)['__fuzzCounters'] = map.counters;
  const { run } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
    run(bytes: Uint8Array): void;
  };
  const random = seededRandom(3);
  const corpus: Uint8Array[] = [new Uint8Array(20)];
  let crasher: Uint8Array | null = null;
  const crashes = (bytes: Uint8Array): boolean => {
    try {
      run(bytes);
      return false;
    } catch {
      return true;
    }
  };
  for (let i = 0; i < 300_000 && crasher === null; i++) {
    const input = mutate(corpus[random(corpus.length)]!, corpus[0]!, [], 100, random);
    if (crashes(input)) crasher = input;
    else if (map.absorb()) corpus.push(input);
  }
  expect(crasher).not.toBeNull();
  expect([...minimise(crasher!, crashes)]).toHaveLength(4);
  // One input for each condition that was passed: without guidance it would have been a matter of 2³² tries.
  expect(corpus.length).toBeGreaterThanOrEqual(4);
});
