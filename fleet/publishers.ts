import type { FaultReport } from './publisher-group.ts';
import type { PublishersPlan } from './publishers-plan.ts';
import { WorkerHandle } from './worker-handle.ts';
import type { FromPublisherWorker, PublisherWorkerData, SecondMessage } from './worker-messages.ts';

/** How long saying goodbye and ending the encoders may take before the thread is terminated. */
const STOP_LIMIT_MS = 5_000;

/** A publisher could not publish: it tries again, or has given up. */
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
  readonly retrying: (failure: PublisherFailure) => void;
  readonly failed: (failure: PublisherFailure) => void;
  /** A fault has begun, or is over. */
  readonly fault?: (fault: FaultReport) => void;
}

/** All publishers, on a thread of their own, seen from the main thread. */
export class Publishers {
  readonly #handle: WorkerHandle<FromPublisherWorker>;
  /** Names of streams that are not up yet; one may be published to several servers, and is here once for each. */
  readonly #awaited: string[];
  /** When the last of them begins. */
  readonly lastStartMs: number;
  readonly #lastFailures = new Map<string, PublisherFailure>();
  #allUp: () => void = () => {};
  #firstFailure: (failure: PublisherFailure) => void = () => {};

  constructor({ entry, plan, second, retrying, failed, fault }: PublishersOptions) {
    this.#awaited = plan.publishers.map((publisher) => publisher.stream);
    this.lastStartMs = plan.publishers.reduce((last, { startMs = 0 }) => Math.max(last, startMs), 0);
    const data: PublisherWorkerData = { plan, node: 'publishers' };
    this.#handle = new WorkerHandle<FromPublisherWorker>(entry, data, (message) => {
      switch (message.kind) {
        case 'second':
          second(message);
          return;
        case 'fault':
          fault?.(message.fault);
          return;
        case 'up': {
          const place = this.#awaited.indexOf(message.stream);
          if (place >= 0) this.#awaited.splice(place, 1);
          if (this.#awaited.length === 0) this.#allUp();
          return;
        }
        case 'retrying':
        case 'failed': {
          const { kind, stream, reason, detail } = message;
          const failure = { stream, reason, detail };
          this.#lastFailures.set(stream, failure);
          if (kind === 'retrying') retrying(failure);
          else {
            failed(failure);
            this.#firstFailure(failure);
          }
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
    if (this.#awaited.length === 0) return null;
    return Promise.race([outcome, this.#handle.finished.then(() => null)]);
  }

  /** Viewers begin to come at this moment of the wall clock: churn and faults count from it. */
  beginSchedule(atWallMs: number): void {
    this.#handle.post({ kind: 'schedule', atWallMs });
  }

  /** Streams that are not up yet. */
  get awaited(): readonly string[] {
    return this.#awaited;
  }

  /** Why one of the streams that are not up is not; `null` where nothing is known. */
  get obstacle(): PublisherFailure | null {
    for (const stream of this.#awaited) {
      const failure = this.#lastFailures.get(stream);
      if (failure) return failure;
    }
    return null;
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
