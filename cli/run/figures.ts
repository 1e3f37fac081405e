import { Worker } from 'node:worker_threads';
import type { FiguresWorkerData, FromFiguresWorker } from './figures-worker.ts';

/** One second of the target and of this machine. */
export type FiguresSecond = Extract<FromFiguresWorker, { kind: 'second' }>;

export interface FiguresOptions {
  /** Path of the bundled `cli/run/figures-worker`. */
  readonly entry: string;
  readonly data: FiguresWorkerData;
  readonly second: (second: FiguresSecond) => void;
  /** Gets one sentence on what cannot be read. It is no failure of the run. */
  readonly complaint: (sentence: string) => void;
}

/** Its heap is small, and shall stay so beside thousands of viewers. */
const YOUNG_GENERATION_MB = 4;
const STOP_LIMIT_MS = 1_000;

/** Reads figures of the target and of this machine on a thread of its own while a run goes on. */
export class Figures {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  /** What the target's figures are read from, for people; empty: from nothing. */
  sources: readonly string[] = [];

  constructor({ entry, data, second, complaint }: FiguresOptions) {
    this.#worker = new Worker(entry, {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('message', (message: FromFiguresWorker) => {
      if (message.kind === 'complaint') {
        complaint(message.sentence);
        return;
      }
      if (message.sources.length > 0) this.sources = message.sources;
      second(message);
    });
    this.#worker.on('error', (error) =>
      complaint(`Figures of the target and of this machine are read no more: ${error.message}.`),
    );
  }

  /** Resolves when the thread is gone, in bounded time. */
  async stop(): Promise<void> {
    this.#worker.postMessage('stop');
    const limit = setTimeout(() => void this.#worker.terminate(), STOP_LIMIT_MS);
    await this.#exited;
    clearTimeout(limit);
  }
}
