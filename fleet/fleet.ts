import type { Tags } from '../metrics/catalogue.ts';
import type { SessionRecord } from '../metrics/summary.ts';
import type { FleetPlan } from './plan.ts';
import { addStates, noStates, type ViewerStates } from './viewer-states.ts';
import { WorkerHandle } from './worker-handle.ts';
import type { FromViewerWorker, SecondMessage, ViewerWorkerData } from './worker-messages.ts';

/** How long sessions may take to be closed before their thread is terminated. */
const STOP_LIMIT_MS = 5_000;

export interface FleetOptions {
  /** Path of the bundled `fleet/viewer-worker`. */
  readonly entry: string;
  readonly workers: number;
  readonly plan: FleetPlan;
  readonly second: (message: SecondMessage) => void;
  readonly session: (record: SessionRecord) => void;
}

/** Thousands of viewers on threads of their own, seen from the main thread. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #handles: WorkerHandle<FromViewerWorker>[];
  readonly #states: ViewerStates[];
  readonly #active: (readonly number[])[];

  constructor(options: FleetOptions) {
    const { entry, workers, plan, second, session } = options;
    this.#options = options;
    this.#states = Array.from({ length: workers }, noStates);
    this.#active = Array.from({ length: workers }, () => []);
    this.#handles = Array.from({ length: workers }, (_, worker) => {
      const data: ViewerWorkerData = { plan, worker, workers, node: `viewers-${worker + 1}` };
      return new WorkerHandle<FromViewerWorker>(entry, data, (message) => {
        if (message.kind !== 'second') return;
        this.#states[worker] = message.states;
        this.#active[worker] = message.active;
        second(message);
        for (const record of message.sessions) session(record);
      });
    });
  }

  /** All threads have loaded their code. */
  async ready(): Promise<void> {
    await Promise.all(this.#handles.map((handle) => handle.ready));
  }

  /** The schedule begins at this moment of the wall clock. */
  start(atWallMs: number): void {
    for (const handle of this.#handles) handle.post({ kind: 'start', atWallMs });
  }

  /** Resolves when every schedule is over and every session has ended; rejects when a thread breaks. */
  async finished(): Promise<void> {
    await Promise.all(this.#handles.map((handle) => handle.finished));
  }

  /** Every watcher leaves; resolves when the threads are gone, in bounded time. */
  async stop(): Promise<void> {
    await Promise.all(this.#handles.map((handle) => handle.stop(STOP_LIMIT_MS)));
  }

  /** Viewers by state at the last second. */
  states(): ViewerStates {
    const sum = noStates();
    for (const states of this.#states) addStates(sum, states);
    return sum;
  }

  /** Sessions under way at the last second, by series. */
  active(): { tags: Tags; count: number }[] {
    const series = this.#options.plan.cohorts.flatMap((cohort) =>
      cohort.streams.map(({ protocol, name }) => ({ protocol, stream: name, cohort: cohort.name })),
    );
    return series.map((tags, index) => ({
      tags,
      count: this.#active.reduce((sum, active) => sum + (active[index] ?? 0), 0),
    }));
  }
}
