import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { repositoryRoot } from '../kit/built-entry.ts';
import { COUNTERS, type Instrumented, instrument } from './instrument.ts';

export interface FuzzOptions {
  readonly name: string;
  readonly seed: number;
  readonly forMs: number;
}

export type FuzzReport =
  | {
      readonly kind: 'done';
      readonly runs: number;
      /** Inputs that each did something new. */
      readonly corpus: number;
      /** Branches taken, of all in the bundle (that of all targets together). */
      readonly covered: number;
      readonly branches: number;
    }
  | { readonly kind: 'crash' | 'hang'; readonly message: string; readonly input: Uint8Array };

export interface FuzzWorkerData extends Instrumented {
  readonly name: string;
  readonly seed: number;
  readonly forMs: number;
  readonly maxBytes: number;
  readonly current: SharedArrayBuffer;
  readonly countersName: string;
}

const MAX_INPUT_BYTES = 8_192;
/** An input of a few kilobytes that takes this long is a hang. */
const HANG_MS = 10_000;
/** What a parser of one small input may hold; beyond it the thread ends, and the input is kept. */
const MAX_HEAP_MB = 256;

export interface Fuzzer {
  /** Fuzzes one target with an eye on what its code does (coverage guidance), in bounded time. */
  run(options: FuzzOptions): Promise<FuzzReport>;
}

/** Bundles the targets with counters in every branch, and the worker. */
export async function createFuzzer(): Promise<Fuzzer> {
  const instrumented = await instrument('tests/fuzz/targets.ts');
  const worker = path.join(repositoryRoot(), '.cache', 'fuzz', `worker.${process.pid}.mjs`);
  await build({
    entryPoints: [path.join(repositoryRoot(), 'tests/fuzz/worker.ts')],
    outfile: worker,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  return { run: (options) => runWorker(worker, instrumented, options) };
}

function runWorker(file: string, instrumented: Instrumented, options: FuzzOptions): Promise<FuzzReport> {
  const current = new SharedArrayBuffer(8 + MAX_INPUT_BYTES);
  const progress = new Int32Array(current, 0, 2);
  const data: FuzzWorkerData = {
    ...instrumented,
    ...options,
    current,
    maxBytes: MAX_INPUT_BYTES,
    countersName: COUNTERS,
  };
  const worker = new Worker(file, {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    env: { ...process.env, STREAMGAUGE_ROOT: repositoryRoot() },
  });
  const lastInput = (): Uint8Array => new Uint8Array(current.slice(8, 8 + Atomics.load(progress, 1)));
  return new Promise((resolve) => {
    let before = -1;
    const watch = setInterval(() => {
      const now = Atomics.load(progress, 0);
      if (now === before)
        settle({ kind: 'hang', message: `no answer within ${HANG_MS / 1_000} s`, input: lastInput() });
      before = now;
    }, HANG_MS);
    const settle = (report: FuzzReport): void => {
      clearInterval(watch);
      void worker.terminate();
      resolve(report);
    };
    worker.once('message', settle);
    worker.once('error', (error) =>
      settle({ kind: 'crash', message: error.stack ?? error.message, input: lastInput() }),
    );
  });
}
