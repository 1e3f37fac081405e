import { systemClock } from '../../clients/system-clock.ts';
import { Fleet } from '../../fleet/fleet.ts';
import { SecondCollector } from '../../fleet/second-collector.ts';
import { SecondTicker } from '../../fleet/second-ticker.ts';
import type { SecondMessage } from '../../fleet/worker-messages.ts';
import { type Point, Registry } from '../../metrics/registry.ts';
import type { SessionRecord } from '../../metrics/summary.ts';
import { ExpectedBytes } from './expected-bytes.ts';
import type { FiguresSecond } from './figures.ts';
import type { RunPlan } from './plan-run.ts';
import { Tally } from './tally.ts';

/** The threads must have heard of the start before it comes. */
export const LEAD_MS = 150;
/** After a second, the threads' figures of it have arrived by then. */
const THREADS_DELIVER_MS = 200;

export interface MeasurementOptions {
  /** Gets each second once, when the figures of all threads are there. */
  readonly second: (points: readonly Point[]) => void;
  readonly session: (record: SessionRecord) => void;
}

/**
 * One fleet on its schedule, and everything that is measured meanwhile, added up. A run is one of them; a search for
 * the capacity is one after the other, under the same publishers.
 */
export class Measurement {
  readonly tally = new Tally();
  readonly #options: MeasurementOptions;
  readonly #seconds = new SecondCollector();
  /** Gauges of the main thread: how many viewers there are. */
  readonly #own = new Registry();
  readonly #expected = new ExpectedBytes();
  /** This machine's clock against the one that stamps the frames; `null`: not known. */
  clockOffsetMs: number | null = null;
  /** Wall clock; nobody watches before. */
  #scheduleStartMs = Number.POSITIVE_INFINITY;

  constructor(options: MeasurementOptions) {
    this.#options = options;
  }

  /** What a thread has measured: the fleet's own, or publishers that somebody else started. */
  workerSecond({ node, secondMs, points, apart, check }: SecondMessage): void {
    this.#seconds.add(secondMs, points);
    // While streams are being set up nobody watches, and a recording may be encoded: those seconds are not judged.
    this.tally.workerSecond(secondMs > this.#scheduleStartMs ? check : null, apart, node);
  }

  /** What was read of the target and of this machine. */
  figuresSecond({ secondMs, points, machine }: FiguresSecond): void {
    this.#seconds.add(secondMs, points);
    if (machine !== null && secondMs > this.#scheduleStartMs) this.tally.machineSecond(machine);
  }

  /** @param entry path of the bundled `fleet/viewer-worker` */
  createFleet(entry: string, plan: RunPlan): Fleet {
    return new Fleet({
      entry,
      workers: plan.workers,
      plan: plan.fleet,
      second: (message) => this.workerSecond(message),
      session: (record) => {
        this.tally.session(record);
        this.#options.session(record);
      },
    });
  }

  /**
   * Begins the schedule at the next whole second, or at the moment that was agreed on with others.
   * @param tick after each second of the schedule
   * @param agreedMs wall clock; a whole second to come
   * @returns when it begins (wall clock), and how to stop the ticking
   */
  start(
    fleet: Fleet,
    tick: (elapsedMs: number, points: readonly Point[]) => void,
    agreedMs?: number,
  ): { startMs: number; ticker: SecondTicker } {
    // A whole second, so that the first is a full one; not so near that a thread could miss it.
    const startMs = agreedMs ?? Math.ceil((systemClock.wallMs() + LEAD_MS) / 1000) * 1000;
    this.#scheduleStartMs = startMs;
    const endSecond = (secondMs: number): void => {
      for (const { tags, count } of fleet.active()) this.#own.series('viewers', tags).add(count);
      if (this.clockOffsetMs !== null)
        this.#own.series('clock_offset_ms', { node: 'generator' }).add(this.clockOffsetMs);
      this.#seconds.add(secondMs, this.#own.cut(secondMs));
      const measured = this.#seconds.take(secondMs);
      const points = [...measured, ...this.#expected.second(measured, secondMs)];
      this.#take(points);
      if (secondMs > startMs) tick(secondMs - startMs, points);
    };
    const ticker = new SecondTicker(systemClock, endSecond, THREADS_DELIVER_MS);
    ticker.start();
    fleet.start(startMs);
    return { startMs, ticker };
  }

  /** Takes what came after the last tick. */
  drain(): void {
    for (const points of this.#seconds.takeAll()) this.#take(points);
  }

  #take(points: readonly Point[]): void {
    if (points.length === 0) return;
    this.tally.second(points);
    this.#options.second(points);
  }
}
