/** Worker thread: fuzzes one target until it is told to stop or finds a crash. The main thread watches that it goes on. */
import { parentPort, workerData } from 'node:worker_threads';
import { CoverageMap } from './coverage-map.ts';
import type { FuzzReport, FuzzWorkerData } from './fuzz.ts';
import { minimise, mutate, seededRandom } from './mutate.ts';
import type { FuzzTarget } from './target.ts';

const { url, counters, name, seed, forMs, maxBytes, current, countersName } = workerData as FuzzWorkerData;
const map = new CoverageMap(counters);
(globalThis as Record<string, unknown>)[countersName] = map.counters;
const { fuzzTargets } = (await import(url)) as { fuzzTargets: Record<string, FuzzTarget> };
const target = fuzzTargets[name]!;
const random = seededRandom(seed);
const words = (target.words ?? []).map((word) => new TextEncoder().encode(word));
/** The input that is being tried, for the case that it never comes back. */
const progress = new Int32Array(current, 0, 2);
const tried = new Uint8Array(current, 8);

const corpus: Uint8Array[] = [];
let runs = 0;

function post(report: FuzzReport): void {
  parentPort?.postMessage(report);
}

/** The crash's message, or null. */
function crash(bytes: Uint8Array): string | null {
  tried.set(bytes);
  Atomics.store(progress, 1, bytes.length);
  Atomics.add(progress, 0, 1);
  runs++;
  try {
    target.run(bytes);
    return null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** Where it was thrown: two crashes of one place are one. */
function placeOf(message: string): string {
  return /^\s+at .*$/m.exec(message)?.[0] ?? message;
}

function tryInput(bytes: Uint8Array): boolean {
  const message = crash(bytes);
  if (message !== null) {
    const place = placeOf(message);
    const smallest = minimise(bytes, (shorter) => {
      const other = crash(shorter);
      return other !== null && placeOf(other) === place;
    });
    post({ kind: 'crash', message, input: smallest });
    return false;
  }
  if (map.absorb()) corpus.push(bytes);
  return true;
}

function fuzz(): void {
  const until = performance.now() + forMs;
  for (const bytes of [new Uint8Array(0), ...target.seeds()])
    if (!tryInput(bytes.length > maxBytes ? bytes.slice(0, maxBytes) : bytes.slice())) return;
  while (performance.now() < until) {
    for (let batch = 0; batch < 50; batch++) {
      // What was found last leads on more often than what has been tried for long.
      const newest =
        random(2) === 0 ? corpus.length - 1 - random(Math.min(corpus.length, 20)) : random(corpus.length);
      if (!tryInput(mutate(corpus[newest]!, corpus[random(corpus.length)]!, words, maxBytes, random))) return;
    }
  }
  post({ kind: 'done', runs, corpus: corpus.length, covered: map.covered, branches: counters });
}

fuzz();
