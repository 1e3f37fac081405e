import { nobodyAnswered } from '../../clients/reason.ts';
import type { MachineSecond } from '../../fleet/machine-check.ts';
import type { WorkerSecond } from '../../fleet/self-check.ts';
import { type Point, Registry } from '../../metrics/registry.ts';
import type { GeneratorDoubt } from '../../metrics/shortage.ts';
import type { ClockSummary, ErrorSummary, GeneratorSummary, SessionRecord } from '../../metrics/summary.ts';
import { judgeGenerator } from '../../metrics/verdict.ts';
import { LostStarts } from './lost-starts.ts';
import { Shortages } from './shortages.ts';

/** Kinds of errors that are told apart; their number is bounded by the closed lists of reasons anyway. */
const MAX_ERRORS = 100;

/** Frames that arrive this long before their capture prove clocks that disagree; what NTP leaves over is less. */
const MAX_EARLY_MS = 100;
/** A clock that was set once in a long run spoils few samples. */
const EARLY_SHARE_PERCENT = 5;

/** Adds up what a run brings: points, session records, the threads' looks at themselves. */
export class Tally {
  readonly registry = new Registry();
  /** Latencies and stalls of seconds in which the generator was too busy to be believed. */
  readonly apart = new Registry();
  readonly #errors = new Map<string, { count: number; example: string }>();
  #sessions = 0;
  #unanswered = 0;
  #workerSeconds = 0;
  #invalidSeconds = 0;
  readonly #lostStarts = new LostStarts();
  readonly #shortages = new Shortages();
  #failedSources = 0;

  second(points: readonly Point[]): void {
    this.registry.absorb(points);
  }

  /** @param node the thread that it is of */
  workerSecond(check: WorkerSecond | null, apart: readonly Point[], node: string): void {
    this.apart.absorb(apart);
    if (!check) return;
    this.#shortages.worker(node, check);
    this.#workerSeconds += check.seconds;
    if (!check.valid) this.#invalidSeconds += check.seconds;
  }

  /** Who had the processors in a second of the schedule. */
  machineSecond(second: MachineSecond): void {
    this.#shortages.machine(second);
  }

  /** What a publisher was to send could not be made or read: its viewers' trouble is not the server's. */
  sourceFailed(): void {
    this.#failedSources++;
  }

  session({ result, reason, detail, figures }: SessionRecord): void {
    this.#sessions++;
    if (
      figures.firstByteMs === null &&
      (reason === null ? figures.connectMs === null : nobodyAnswered.has(reason))
    )
      this.#unanswered++;
    if (reason === 'generator-limit') this.#lostStarts.add(detail);
    if (result === 'failed') this.error(reason ?? 'closed', detail);
  }

  error(code: string, example: string): void {
    const known = this.#errors.get(code);
    if (known) known.count++;
    else if (this.#errors.size < MAX_ERRORS) this.#errors.set(code, { count: 1, example });
  }

  get invalidSeconds(): number {
    return this.#invalidSeconds;
  }

  /** There were sessions, and none of them got as much as an answer. */
  get unreachable(): boolean {
    return this.#sessions > 0 && this.#unanswered === this.#sessions;
  }

  /** Most frequent first. */
  errors(): ErrorSummary[] {
    return [...this.#errors]
      .map(([code, { count, example }]) => ({ code, count, example }))
      .sort((a, b) => b.count - a.count);
  }

  #otherDoubts(): GeneratorDoubt[] {
    const doubts = this.#lostStarts.doubts(this.#sessions);
    if (this.#failedSources > 0)
      doubts.push({
        shortage: 'source',
        sentence: `${this.#failedSources === 1 ? 'One stream was' : `${this.#failedSources} streams were`} no longer published, because the source failed.`,
      });
    const deliveryMs = this.registry.total('delivery_ms')?.read({ p: EARLY_SHARE_PERCENT }, 0) ?? 0;
    if (deliveryMs < -MAX_EARLY_MS)
      doubts.push({
        shortage: 'clock',
        sentence: `Frames arrived up to ${Math.round(-deliveryMs)} ms before they were captured: the clock of this machine or of the publisher's is wrong by that at least, and so is every latency.`,
      });
    return doubts;
  }

  /**
   * The generator about itself: whether the figures may be believed.
   * @param clock this machine's clock against the publishers'; `null`: not known
   */
  generator(workers: number, clock: ClockSummary | null = null): GeneratorSummary {
    const figure = (
      name:
        | 'generator_cpu'
        | 'event_loop_lag_ms'
        | 'dropped_starts'
        | 'fd_used_ratio'
        | 'socket_backlog'
        | 'expected_bytes_ratio',
    ) => this.registry.total(name)?.values(0);
    return judgeGenerator(
      {
        cpu: figure('generator_cpu')?.max ?? null,
        eventLoopLagMs: figure('event_loop_lag_ms')?.p99 ?? null,
        seconds: this.#workerSeconds,
        invalidSeconds: this.#invalidSeconds,
        busySeconds: this.#shortages.seconds(),
        droppedStarts: figure('dropped_starts')?.count ?? 0,
        fdUsedRatio: figure('fd_used_ratio')?.max ?? null,
        socketBacklogBytes: figure('socket_backlog')?.max ?? null,
        expectedBytesRatio: figure('expected_bytes_ratio')?.value ?? null,
        clock,
        workers,
        apart: this.apart.summaries().filter(({ tags }) => Object.keys(tags).length === 0),
      },
      this.#otherDoubts(),
      this.#shortages.doubts(),
    );
  }
}
