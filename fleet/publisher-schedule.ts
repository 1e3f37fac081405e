import { chanceOf } from './chance.ts';
import type { PublisherPresence } from './publisher-presence.ts';
import type { ChurnPlan, PublisherFaultPlan } from './publishers-plan.ts';
import { sessionLengthMs } from './session-length.ts';
import { TimeQueue } from './time-queue.ts';

/** A stream's own part in the schedule. */
export interface ScheduledPublisher {
  readonly number: number;
  readonly stream: string;
  readonly churn: ChurnPlan | null;
  readonly presence: PublisherPresence;
}

export interface ScheduledFault {
  /** Its place among the faults of the plan. */
  readonly index: number;
  readonly plan: PublisherFaultPlan;
  /** Those whom it concerns; none where another process publishes them. */
  readonly publishers: readonly ScheduledPublisher[];
}

export interface PublisherScheduleOptions {
  readonly seed: number;
  readonly publishers: readonly ScheduledPublisher[];
  readonly faults: readonly PublisherFaultPlan[];
  /** A fault has just been made. */
  readonly begun: (fault: ScheduledFault) => void;
}

/** No publisher comes and goes more often than this, whatever a law's shortest lengths are. */
const SHORTEST_MS = 100;

/**
 * When publishers go and come back: churn by each stream's own law, faults when the plan says. It has no timer:
 * whoever holds it calls `advance`. The same seed gives the same times, however many processes share the streams.
 *
 *     churn   up ──── down ── up ──────── down ─ up …      lengths drawn by seed, publisher and turn
 *     fault              at ├── for ──┤
 */
export class PublisherSchedule {
  readonly #options: PublisherScheduleOptions;
  readonly #queue = new TimeQueue<(nowMs: number) => void>();

  constructor(options: PublisherScheduleOptions) {
    this.#options = options;
  }

  /** Churn and faults count from here. */
  start(startMs: number): void {
    const { publishers, faults } = this.#options;
    for (const publisher of publishers)
      if (publisher.churn) this.#churn(publisher, publisher.churn, startMs, 0);
    for (const [index, plan] of faults.entries()) {
      const concerned = publishers.filter(({ stream }) => plan.streams.includes(stream));
      if (concerned.length === 0) continue;
      this.#queue.push(startMs + plan.atMs, (nowMs) =>
        this.#make({ index, plan, publishers: concerned }, nowMs),
      );
    }
  }

  /** Does what is due. */
  advance(nowMs: number): void {
    while (this.#queue.nextMs <= nowMs) this.#queue.pop()?.(nowMs);
  }

  stop(): void {
    this.#queue.clear();
  }

  #churn(publisher: ScheduledPublisher, churn: ChurnPlan, fromMs: number, turn: number): void {
    const { seed } = this.#options;
    const { number, presence } = publisher;
    const length = (law: ChurnPlan['up'], half: number): number =>
      Math.max(SHORTEST_MS, sessionLengthMs(law, chanceOf(seed, number, turn, half)));
    // The first time up has begun before: were all at its beginning, streams of a fixed length would go together.
    const spread = turn === 0 && churn.up.kind === 'fixed' ? chanceOf(seed, number, 0, 2) : 1;
    const goesMs = fromMs + length(churn.up, 0) * spread;
    const comesMs = goesMs + length(churn.down, 1);
    this.#queue.push(goesMs, () => presence.sendAway('goodbye'));
    this.#queue.push(comesMs, () => {
      presence.callBack();
      this.#churn(publisher, churn, comesMs, turn + 1);
    });
  }

  #make(fault: ScheduledFault, nowMs: number): void {
    const { kind, forMs } = fault.plan;
    for (const { presence } of fault.publishers)
      presence.sendAway(kind === 'publisher-drop' ? 'cut' : 'goodbye');
    this.#options.begun(fault);
    if (forMs === null) return;
    // From when it was done, which may be some milliseconds late.
    this.#queue.push(nowMs + forMs, () => {
      for (const { presence } of fault.publishers) presence.callBack();
    });
  }
}
