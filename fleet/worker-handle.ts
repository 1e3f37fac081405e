import { Worker } from 'node:worker_threads';
import type { ToWorker } from './worker-messages.ts';

/** How long a thread may take to load its code. */
const READY_LIMIT_MS = 20_000;
/**
 * V8 doubles its young generation as viewers are added, up to 48 MiB: at 2,000 viewers that alone is 7 to 13 KB for each
 * of them. A viewer makes next to no garbage, so a small one serves as well (bench/viewer-cost measures both).
 */
const YOUNG_GENERATION_MB = 4;

/**
 * One worker thread, from its start to its end; nothing of it can be waited for without a limit.
 *
 *     launch ──ready──► start ──second…──► finished ──► (thread exits)
 *                          └──── stop ────────┘   not within the limit: the thread is terminated
 */
export class WorkerHandle<Message extends { readonly kind: string }> {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  /** Resolves at the worker's `finished`; rejects when it breaks or does not get ready. */
  readonly finished: Promise<void>;
  readonly ready: Promise<void>;

  /**
   * @param entry path of the bundled worker
   * @param data its `workerData`
   * @param receive every message but `ready` and `finished`
   */
  constructor(entry: string, data: unknown, receive: (message: Message) => void) {
    const worker = new Worker(entry, {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#worker = worker;
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    let markReady = (): void => {};
    let markFinished = (): void => {};
    let fail = (_: Error): void => {};
    const broken = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const readyLimit = setTimeout(
      () => fail(new Error(`A worker thread did not get ready within ${READY_LIMIT_MS / 1000} s.`)),
      READY_LIMIT_MS,
    );
    this.ready = Promise.race([broken, new Promise<void>((resolve) => (markReady = resolve))]).finally(() =>
      clearTimeout(readyLimit),
    );
    this.finished = Promise.race([broken, new Promise<void>((resolve) => (markFinished = resolve))]);
    // Whoever does not look at one of them shall not be told by an unhandled rejection.
    this.ready.catch(() => {});
    this.finished.catch(() => {});
    worker.on('message', (message: Message) => {
      if (message.kind === 'ready') markReady();
      else if (message.kind === 'finished') markFinished();
      else receive(message);
    });
    worker.on('error', (error) => fail(error));
    worker.once('exit', (code) =>
      fail(new Error(`A worker thread ended before its time (exit code ${code}).`)),
    );
  }

  post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** Asks the worker to end, and terminates it if it has not within the limit. Resolves when the thread is gone. */
  async stop(limitMs: number): Promise<void> {
    this.post({ kind: 'stop' });
    const limit = setTimeout(() => void this.#worker.terminate(), limitMs);
    await this.#exited;
    clearTimeout(limit);
  }
}
