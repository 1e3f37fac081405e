import os from 'node:os';
import path from 'node:path';
import { systemClock } from '../../clients/system-clock.ts';
import { answerOf } from '../../fleet/capacity/answer.ts';
import { nextStep } from '../../fleet/capacity/search.ts';
import { Publishers } from '../../fleet/publishers.ts';
import { CAPACITY_SCHEMA, type CapacityReport, type Level } from '../../metrics/capacity.ts';
import type { ClockSummary } from '../../metrics/summary.ts';
import { renderCapacityJson, writeCapacityJson, writeCapacityReports } from '../../sinks/capacity/files.ts';
import { levelLine, loadWords } from '../../sinks/capacity/words.ts';
import type { Context } from '../command.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { checkMachine } from '../run/check-machine.ts';
import { clockOfRun } from '../run/clock-of-run.ts';
import { Closing, Interrupted, unlessInterrupted, within } from '../run/closing.ts';
import { Figures } from '../run/figures.ts';
import { takeFolder } from '../run/folder-lock.ts';
import { hostInfo } from '../run/host.ts';
import { Measurement } from '../run/measurement.ts';
import { planFigures } from '../run/plan-figures.ts';
import { type PlanInputs, planPublishers, planRun, type RunPlan } from '../run/plan-run.ts';
import { relativePath, runFolder, runId } from '../run/run-folder.ts';
import { sayObstacles, startPublishers } from '../run/start-publishers.ts';
import { startTarget } from '../run/start-target.ts';
import { targetName } from '../run/target-name.ts';
import {
  type CapacityOrder,
  DEFAULT_MAX,
  fingerprintOf,
  thresholdTexts,
  writtenScenario,
} from './capacity-order.ts';
import { holdLevel, nowMs, rest } from './hold-level.ts';
import { renderAnswer } from './render-answer.ts';
import { scenarioAt } from './scenario-at.ts';

export interface SearchPlace {
  /** For results; left out: a new one. */
  readonly out: string | undefined;
  /** What was found so far, when a search is taken up again. */
  readonly saved: CapacityReport | null;
  readonly json: boolean;
}

const STOP_LIMIT_MS = 8_000;

/**
 * Searches for the capacity, from the first process to the last file. Server and publishers stay for the whole search;
 * each level has viewers of its own. Every level is written as soon as it is over.
 *
 *     target ─ publishers ─ (level ─ rest)* ─ publishers ─ target ─ reports
 *                              └ capacity.json
 */
export async function searchCapacity(
  order: CapacityOrder,
  place: SearchPlace,
  context: Context,
): Promise<ExitCode> {
  const search = new CapacitySearch(order, place, context);
  return search.execute();
}

class CapacitySearch {
  readonly #order: CapacityOrder;
  readonly #context: Context;
  readonly #json: boolean;
  readonly #folder: string;
  readonly #closing = new Closing();
  /** Time at work before this process, and when this one began. */
  readonly #workedMs: number;
  readonly #startedMs = nowMs();
  #report: CapacityReport;
  #clock: ClockSummary | null = null;
  #figures: Figures | null = null;
  #local = false;
  readonly #said = new Set<string>();
  /** Of the level under way; publishers' figures go there, too. */
  #measurement: Measurement | null = null;

  constructor(order: CapacityOrder, { out, saved, json }: SearchPlace, context: Context) {
    const startedAt = new Date();
    const { name } = order.scenario;
    const id = saved?.run.id ?? runId(name === 'capacity' ? name : `capacity-${name}`, startedAt);
    this.#order = order;
    this.#context = context;
    this.#json = json;
    this.#folder = runFolder(out, id);
    this.#workedMs = saved?.run.durationMs ?? 0;
    this.#report = {
      schema: CAPACITY_SCHEMA,
      run: {
        id,
        name,
        startedAt: saved?.run.startedAt ?? startedAt.toISOString(),
        version: context.version,
        host: hostInfo(),
        target: targetName(order.scenario),
        scenario: writtenScenario(order),
        durationMs: 0,
      },
      of: order.of,
      state: 'searching',
      failure: null,
      exitCode: null,
      require: order.require,
      search: order.search,
      hold: order.hold,
      folder: order.folder,
      fingerprint: fingerprintOf(order),
      thresholds: thresholdTexts(order.thresholds),
      levels: saved?.levels ?? [],
      answer: null,
    };
  }

  async execute(): Promise<ExitCode> {
    const giveBack = await takeFolder(this.#folder);
    try {
      return await this.#carryOut();
    } finally {
      await giveBack();
    }
  }

  async #carryOut(): Promise<ExitCode> {
    await this.#write({});
    let end: Pick<CapacityReport, 'state' | 'failure' | 'exitCode'>;
    try {
      if (this.#next().kind === 'hold') await this.#perform();
      end = { state: 'done', failure: null, exitCode: this.#judge() };
    } catch (error) {
      // What breaks after Ctrl-C breaks because of it.
      end =
        error instanceof Interrupted || this.#context.interrupted.aborted
          ? { state: 'stopped', failure: null, exitCode: exitCodes.stoppedBySignal }
          : { state: 'failed', ...failureOf(error) };
    }
    await this.#closing.run((sentence) => this.#say(sentence));
    await this.#write(end);
    await writeCapacityReports(this.#folder, this.#report);
    this.#print();
    return end.exitCode as ExitCode;
  }

  async #perform(): Promise<void> {
    const { scenario, folder } = this.#order;
    const { entryPath, interrupted } = this.#context;
    const { setupTimeout } = scenario.options;
    const step = <T>(promise: Promise<T>): Promise<T> => unlessInterrupted(promise, interrupted);
    if (scenario.target === 'reference') this.#say('Starting the reference stack …');
    const target = await step(
      within(
        startTarget(scenario, entryPath, this.#closing),
        setupTimeout,
        `The reference stack did not start within ${setupTimeout / 1000} s`,
      ),
    );
    const inputs = { target: target.addresses, folder, cores: os.availableParallelism() };
    const publishers = this.#createPublishers(inputs);
    // Before anything is published: a search that ends at its largest load for want of files helps nobody.
    if (this.#order.search.max !== DEFAULT_MAX)
      await step(this.#checkMachine(this.#order.search.max, inputs));
    if (publishers) await step(startPublishers(publishers, setupTimeout));
    const plan = this.#planAt(this.#order.search.start, inputs);
    this.#clock = await step(clockOfRun(plan, scenario.options.ntp ?? null));
    this.#readFigures(plan);
    // Streams that come and go do so for the whole search.
    publishers?.beginSchedule(systemClock.wallMs());
    await this.#holdLevels(inputs);
  }

  #planAt(load: number, inputs: PlanInputs): RunPlan {
    return planRun(scenarioAt(this.#order.scenario, load, this.#order.hold), inputs);
  }

  /** @throws CommandError where this machine cannot hold the load */
  #checkMachine(load: number, inputs: PlanInputs): Promise<void> {
    return checkMachine(this.#planAt(load, inputs), (sentence) => this.#sayOnce(sentence));
  }

  /** CPU, memory and traffic of the target, and who has this machine's processors; for the whole search. */
  #readFigures(plan: RunPlan): void {
    const data = planFigures(this.#order.scenario, plan, true);
    const figures = new Figures({
      entry: this.#context.entryPath('cli/run/figures-worker'),
      data,
      second: (second) => this.#measurement?.figuresSecond(second),
      complaint: (sentence) => this.#say(sentence),
    });
    this.#figures = figures;
    // What it looks for in this machine's processes and tables is not asked of a page somewhere else.
    this.#local = data.target?.pid !== undefined || data.target?.ports !== undefined;
    this.#closing.add('the reading of figures', STOP_LIMIT_MS, () => figures.stop());
  }

  async #holdLevels(inputs: PlanInputs): Promise<void> {
    const { scenario, thresholds, hold, of } = this.#order;
    let first = true;
    let lost = false;
    for (;;) {
      const next = this.#next();
      if (next.kind === 'done') return;
      if (!first) await rest(hold.restMs, this.#context.interrupted);
      first = false;
      await this.#checkMachine(next.load, inputs);
      this.#measurement = new Measurement({ second: () => {}, session: () => {} });
      this.#measurement.clockOffsetMs = this.#clock?.offsetMs ?? null;
      const { level, unreachable } = await holdLevel(
        {
          number: this.#report.levels.length + 1,
          load: next.load,
          purpose: next.purpose,
          words: loadWords(next.load, of),
          scenario,
          open: of === 'arrival-rate',
          hold,
          thresholds,
          inputs,
          measurement: this.#measurement,
          clock: this.#clock,
          readFrom: () => this.#figures?.sources ?? [],
          local: this.#local,
        },
        this.#context,
      );
      // A server that no longer answers once it was overloaded is told by the next, smaller level.
      if (unreachable && (lost || this.#report.levels.length === 0)) throw this.#unreachable(level);
      lost = unreachable;
      await this.#write({ levels: [...this.#report.levels, level] });
      this.#say(levelLine(level, of));
    }
  }

  #unreachable({ errors, load }: Level): CommandError {
    const why = errors[0] === undefined ? '' : ` (${errors[0].example})`;
    const when =
      this.#report.levels.length === 0
        ? ''
        : ' any more; when it is back, go on with --resume. It stopped answering at ' +
          `${loadWords(this.#report.levels.at(-1)?.load ?? load, this.#order.of)}`;
    return new CommandError(exitCodes.unreachable, `The server does not answer${why}${when}.`);
  }

  #createPublishers(inputs: PlanInputs): Publishers | null {
    const { scenario } = this.#order;
    const plan = {
      ...planPublishers(scenario.publishers, inputs.target, inputs.folder),
      ...(scenario.options.insecureSkipTLSVerify && { tls: { rejectUnauthorized: false } }),
    };
    const count = plan.publishers.length;
    if (count === 0) return null;
    this.#say(`Publishing ${count === 1 ? 'one stream' : `${count} streams`} …`);
    const publishers = new Publishers({
      entry: this.#context.entryPath('fleet/publisher-worker'),
      plan,
      second: (message) => this.#measurement?.workerSecond(message),
      retrying: sayObstacles((sentence) => this.#say(sentence)),
      failed: ({ stream, reason, detail }) => {
        if (this.#context.interrupted.aborted) return;
        // A publisher is sent no media: it is its own that was bad.
        if (reason === 'bad-media') this.#measurement?.tally.sourceFailed();
        this.#say(`The publisher of "${stream}" has given up: ${detail}`);
      },
    });
    this.#closing.add('the publishers', STOP_LIMIT_MS, () => publishers.stop());
    return publishers;
  }

  #next() {
    return nextStep(this.#order.search, this.#report.levels);
  }

  /** Of a search that came to its end. */
  #judge(): ExitCode {
    const { answer, require } = this.#report;
    const capacity = answer?.capacity ?? 0;
    if (require !== null && capacity >= require) return exitCodes.passed;
    if (answer?.outcome === 'generator') return exitCodes.inconclusive;
    return require !== null || answer?.outcome === 'none' ? exitCodes.thresholdCrossed : exitCodes.passed;
  }

  async #write(changes: Partial<CapacityReport>): Promise<void> {
    const report = { ...this.#report, ...changes };
    this.#report = {
      ...report,
      run: { ...report.run, durationMs: Math.round(this.#workedMs + nowMs() - this.#startedMs) },
      answer: answerOf(report.search, report.levels, report.of),
    };
    await writeCapacityJson(this.#folder, this.#report);
  }

  #say(sentence: string): void {
    this.#context.terminal.say(sentence);
  }

  #sayOnce(sentence: string): void {
    if (this.#said.has(sentence)) return;
    this.#said.add(sentence);
    this.#say(sentence);
  }

  #print(): void {
    const { terminal } = this.#context;
    const report = relativePath(path.join(this.#folder, 'capacity.html'));
    const resume =
      this.#report.state === 'done'
        ? null
        : `Go on with: streamgauge capacity --resume ${relativePath(this.#folder)}`;
    if (this.#json) {
      terminal.out(renderCapacityJson(this.#report));
      this.#say(`Report: ${report}`);
      if (resume !== null) this.#say(resume);
      return;
    }
    terminal.out(renderAnswer(this.#report, report, resume, terminal.outColours));
  }
}

function failureOf(error: unknown): { failure: string; exitCode: ExitCode } {
  if (error instanceof CommandError) return { failure: error.message, exitCode: error.exitCode };
  const message = error instanceof Error ? error.message : String(error);
  const debug = process.env['STREAMGAUGE_DEBUG'] && error instanceof Error ? `\n${error.stack}` : '';
  return { failure: `${message.replace(/\.?$/, '.')}${debug}`, exitCode: exitCodes.unexpectedFailure };
}
