import { Worker } from 'node:worker_threads';
import { ScenarioError } from './problem.ts';

/** A module that makes a scenario may ask a server for its streams; one that takes longer hangs. */
const LIMIT_MS = 30_000;

/** Runs in the thread. The code is a module of its own, so that its `import`s and `await`s are the language's. */
const THREAD = `
import { parentPort, workerData } from 'node:worker_threads';
const module = await import(workerData);
const exported = module.default ?? module.scenario;
const value = await (typeof exported === 'function' ? exported() : exported);
try {
  parentPort.postMessage({ exists: exported !== undefined && exported !== null, value });
} catch (error) {
  throw new Error('what it exports is no plain data: ' + error.message);
}
`;

/**
 * Runs the code of a module (ESM, with all it imports) and gives the scenario that it exports. In a thread, so that
 * one that never ends, exits or fails later neither holds up nor ends the program. What it prints goes to standard error.
 * @throws ScenarioError
 */
export async function runModule(
  code: string,
  filename: string,
  { limitMs = LIMIT_MS, interrupted }: { limitMs?: number; interrupted?: AbortSignal | undefined } = {},
): Promise<unknown> {
  const worker = new Worker(dataUrl(THREAD), { workerData: dataUrl(code).href, stdout: true });
  worker.stdout.pipe(process.stderr, { end: false });
  let limit: NodeJS.Timeout | undefined;
  let onAbort = (): void => {};
  try {
    return await new Promise((resolve, reject) => {
      const refuse = (sentence: string): void => reject(new ScenarioError([`${filename}: ${sentence}`]));
      worker.on('message', ({ exists, value }: { exists: boolean; value: unknown }) =>
        exists ? resolve(value) : refuse('has neither a default export nor an export "scenario"'),
      );
      worker.on('error', (error: unknown) => refuse(`failed while it was run (${firstLine(error)})`));
      worker.on('exit', () => refuse('ended without giving a scenario'));
      limit = setTimeout(
        () => refuse(`has not made a scenario within ${limitMs / 1000} s, so it was ended`),
        limitMs,
      );
      onAbort = () => refuse('was stopped by a signal');
      interrupted?.addEventListener('abort', onAbort, { once: true });
    });
  } finally {
    clearTimeout(limit);
    interrupted?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}

function dataUrl(code: string): URL {
  return new URL(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`);
}

function firstLine(error: unknown): string {
  const message = (error as Error | null | undefined)?.message ?? String(error);
  return message.split('\n', 1)[0] ?? '';
}
