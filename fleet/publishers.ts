import type { PublishersPlan } from './publishers-plan.ts';
import { WorkerHandle } from './worker-handle.ts';
import type { FromPublisherWorker, PublisherWorkerData, SecondMessage } from './worker-messages.ts';

/** How long saying goodbye and ending the encoders may take before the thread is terminated. */
const STOP_LIMIT_MS = 5_000;

/** A publisher has given up. */
export interface PublisherFailure {
  readonly stream: string;
  readonly reason: string;
  readonly detail: string;
}

export interface PublishersOptions {
  /** Path of the bundled `fleet/publisher-worker`. */
  readonly entry: string;
  readonly plan: PublishersPlan;
  readonly second: (message: SecondMessage) => void;
  readonly failed: (failure: PublisherFailure) => void;
}

/** All publishers, on a thread of their own, seen from the main thread. */
export class Publishers {
  readonly #handle: WorkerHandle<FromPublisherWorker>;
  readonly #awaited: Set<string>;
  #allUp: () => void = () => {};
  #firstFailure: (failure: PublisherFailure) => void = () => {};

  constructor({ entry, plan, second, failed }: PublishersOptions) {
    this.#awaited = new Set(plan.publishers.map((publisher) => publisher.stream));
    const data: PublisherWorkerData = { plan, node: 'publishers' };
    this.#handle = new WorkerHandle<FromPublisherWorker>(entry, data, (message) => {
      switch (message.kind) {
        case 'second':
          second(message);
          return;
        case 'up':
          this.#awaited.delete(message.stream);
          if (this.#awaited.size === 0) this.#allUp();
          return;
        case 'failed': {
          const { stream, reason, detail } = message;
          failed({ stream, reason, detail });
          this.#firstFailure({ stream, reason, detail });
        }
      }
    });
  }

  /**
   * Starts all of them. Resolves when the server takes every stream and frames of each are on their way; with the
   * failure as soon as one gives up; rejects when the thread breaks. The caller brings the limit.
   */
  async start(atWallMs: number): Promise<PublisherFailure | null> {
    await this.#handle.ready;
    const outcome = new Promise<PublisherFailure | null>((resolve) => {
      this.#allUp = () => resolve(null);
      this.#firstFailure = resolve;
    });
    this.#handle.post({ kind: 'start', atWallMs });
    if (this.#awaited.size === 0) return null;
    return Promise.race([outcome, this.#handle.finished.then(() => null)]);
  }

  /** Streams that are not up yet. */
  get awaited(): readonly string[] {
    return [...this.#awaited];
  }

  /** Resolves when every publisher has ended by itself; rejects when the thread breaks. */
  get finished(): Promise<void> {
    return this.#handle.finished;
  }

  /** Every publisher says goodbye; resolves when the thread is gone, in bounded time. */
  async stop(): Promise<void> {
    await this.#handle.stop(STOP_LIMIT_MS);
  }
}
