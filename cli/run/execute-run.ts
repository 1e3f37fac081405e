import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { systemClock } from '../../clients/system-clock.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { Publishers } from '../../fleet/publishers.ts';
import type { Shard } from '../../fleet/share.ts';
import type { Point } from '../../metrics/registry.ts';
import type { Sink } from '../../metrics/sink.ts';
import {
  type ClockSummary,
  type RunInfo,
  SCHEMA,
  type ServerSummary,
  type Summary,
} from '../../metrics/summary.ts';
import { judge, type Threshold } from '../../metrics/threshold.ts';
import { type Scenario, scenarioSchema } from '../../scenarios/schema.ts';
import { scenarioWithoutSecrets } from '../../scenarios/secrets.ts';
import type { Context } from '../command.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { checkMachine } from './check-machine.ts';
import { clockOfRun, withClock } from './clock-of-run.ts';
import { Closing, Interrupted, unlessInterrupted, within } from './closing.ts';
import { conclude, type Failure, withoutResults } from './conclude.ts';
import { renderConclusion } from './conclusion.ts';
import { FaultLog } from './fault-log.ts';
import { Figures } from './figures.ts';
import { takeFolder } from './folder-lock.ts';
import { hostInfo } from './host.ts';
import { LiveDisplay } from './live-display.ts';
import { LEAD_MS, Measurement } from './measurement.ts';
import { planFigures } from './plan-figures.ts';
import { planRun, type RunPlan } from './plan-run.ts';
import { progressFigures } from './progress.ts';
import { relativePath, runFolder, runId } from './run-folder.ts';
import { serverSummary } from './server-summary.ts';
import { sayObstacles, startPublishers } from './start-publishers.ts';
import { startTarget, type Target } from './start-target.ts';
import { targetName } from './target-name.ts';

/** What is to be run. */
export interface RunOrder {
  readonly scenario: Scenario;
  readonly thresholds: readonly Threshold[];
  /** Media files of the scenario are found from here. */
  readonly folder: string;
  /** For results; left out: a new one. */
  readonly out: string | undefined;
  /** Also write the figures to this InfluxDB. */
  readonly influxdb: string | undefined;
  readonly json: boolean;
  /** Read CPU, memory and traffic of the target beside the viewers. Default: yes, where it can be read. */
  readonly targetFigures?: boolean;
  /** One process of several that share the run. Its thresholds are judged where all shards are merged. */
  readonly shard?: Shard;
  /** When the first viewer comes (wall clock, a whole second), so that all shards begin together. */
  readonly startAtMs?: number;
}

/** Beyond the schedule: reconnects, late seconds, a slow end. A run that takes longer hangs, and is ended. */
const OVERTIME_MS = 30_000;
const STOP_LIMIT_MS = 8_000;
const SINKS_LIMIT_MS = 60_000;

/**
 * Carries out a run from the first process to the last file. Whatever happens on the way, what was started is ended,
 * and a report of what had happened is left behind.
 *
 *     sinks ─ target ─ publishers ─ viewers ─ (schedule) ─ viewers ─ publishers ─ target ─ summary ─ sinks
 *     open      start      start      start                   stop       stop       stop              close
 */
export async function executeRun(order: RunOrder, context: Context): Promise<ExitCode> {
  const run = new Run(order, context);
  return run.execute();
}

class Run {
  readonly #order: RunOrder;
  readonly #context: Context;
  readonly #folder: string;
  readonly #info: RunInfo;
  readonly #startedMs: number;
  readonly #display: LiveDisplay;
  readonly #closing = new Closing();
  readonly #measurement = new Measurement({
    second: (points) => this.#sinks?.second(points),
    session: (record) => this.#sinks?.session(record),
  });
  readonly #tally = this.#measurement.tally;
  #sinks: Sink | null = null;
  #publishers: Publishers | null = null;
  readonly #faults: FaultLog;
  #target: Target | null = null;
  #server: ServerSummary = {};
  #workers = 0;
  #clock: ClockSummary | null = null;
  #figures: Figures | null = null;

  constructor(order: RunOrder, context: Context) {
    const { scenario } = order;
    const startedAt = new Date();
    const id = runId(scenario.name, startedAt);
    this.#order = order;
    this.#context = context;
    this.#folder = orUnwritable(() => runFolder(order.out, id));
    this.#startedMs = systemClock.nowMs();
    this.#faults = new FaultLog(startedAt.getTime());
    this.#display = new LiveDisplay(context.terminal);
    this.#info = {
      id,
      name: scenario.name,
      startedAt: startedAt.toISOString(),
      version: context.version,
      host: hostInfo(),
      target: targetName(scenario),
      ...(order.shard && { shard: { number: order.shard.index + 1, count: order.shard.count } }),
      scenario: scenarioWithoutSecrets(z.encode(scenarioSchema, scenario)),
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
    this.#sinks = await this.#openSinks();
    let failure: Failure | null = null;
    let interrupted = false;
    try {
      await this.#perform();
    } catch (error) {
      // What breaks after Ctrl-C breaks because of it: a terminal sends it to the encoders, too.
      interrupted = error instanceof Interrupted || this.#context.interrupted.aborted;
      if (!interrupted) failure = describeFailure(error);
    }
    this.#display.clear();
    await this.#closing.run((sentence) => this.#complain('CLOSING', sentence));
    this.#measurement.drain();

    const judged = this.#summarise(failure, interrupted);
    const unwritten = await this.#closeSinks(judged);
    const summary = unwritten === null ? judged : withoutResults(judged, unwritten);
    await this.#print(summary);
    return summary.exitCode as ExitCode;
  }

  async #print(summary: Summary): Promise<void> {
    const { terminal } = this.#context;
    const file = path.join(this.#folder, 'report.html');
    const report = existsSync(file) ? relativePath(file) : null;
    if (!this.#order.json) {
      terminal.out(`\n${renderConclusion(summary, report, terminal.outColours)}`);
      return;
    }
    const { renderSummaryJson } = await import('../../sinks/summary-json.ts');
    terminal.out(renderSummaryJson(summary));
    if (report !== null) terminal.say(`Report: ${report}`);
  }

  async #perform(): Promise<void> {
    const { scenario, folder } = this.#order;
    const { entryPath, interrupted } = this.#context;
    const { setupTimeout } = scenario.options;
    const step = <T>(promise: Promise<T>): Promise<T> => unlessInterrupted(promise, interrupted);

    if (scenario.target === 'reference') this.#display.say('Starting the reference stack …');
    this.#target = await step(
      within(
        startTarget(scenario, entryPath, this.#closing),
        setupTimeout,
        `The reference stack did not start within ${setupTimeout / 1000} s`,
      ),
    );
    const planned = planRun(scenario, {
      target: this.#target.addresses,
      folder,
      cores: os.availableParallelism(),
      ...(this.#order.shard && { shard: this.#order.shard }),
    });
    await step(checkMachine(planned, (sentence) => this.#display.say(sentence)));
    this.#clock = await step(clockOfRun(planned, scenario.options.ntp ?? null));
    const plan = withClock(planned, this.#clock);
    this.#workers = plan.workers;
    // Publishers first, so that they are closed last: a viewer that goes shall not see its stream go.
    const publishers = this.#createPublishers(plan);
    const fleet = this.#createFleet(plan);
    if (publishers) await step(startPublishers(publishers, setupTimeout));
    await step(fleet.ready());
    this.#readFigures(plan);
    await step(this.#watchSchedule(plan, fleet));
    this.#server = await step(this.#readServer());
  }

  #createPublishers(plan: RunPlan): Publishers | null {
    const count = plan.publishers.publishers.length;
    if (count === 0) return null;
    this.#display.say(`Publishing ${count === 1 ? 'one stream' : `${count} streams`} …`);
    const publishers = new Publishers({
      entry: this.#context.entryPath('fleet/publisher-worker'),
      plan: plan.publishers,
      second: (message) => this.#measurement.workerSecond(message),
      fault: (fault) => this.#faults.take(fault),
      retrying: sayObstacles((sentence) => this.#display.say(sentence)),
      failed: ({ stream, reason, detail }) => {
        // A publisher is sent no media: it is its own that was bad.
        if (reason === 'bad-media' && !this.#context.interrupted.aborted) this.#tally.sourceFailed();
        this.#complain(`publish-${reason}`, `The publisher of "${stream}" has given up: ${detail}`);
      },
    });
    this.#publishers = publishers;
    this.#closing.add('the publishers', STOP_LIMIT_MS, () => publishers.stop());
    return publishers;
  }

  #createFleet(plan: RunPlan): Fleet {
    const fleet = this.#measurement.createFleet(this.#context.entryPath('fleet/viewer-worker'), plan);
    this.#closing.add('the viewers', STOP_LIMIT_MS, () => fleet.stop());
    return fleet;
  }

  /** CPU, memory and traffic of the target, and who has this machine's processors. */
  #readFigures(plan: RunPlan): void {
    const { scenario, targetFigures } = this.#order;
    const figures = new Figures({
      entry: this.#context.entryPath('cli/run/figures-worker'),
      data: planFigures(scenario, plan, targetFigures ?? true),
      second: (second) => this.#measurement.figuresSecond(second),
      complaint: (sentence) => this.#display.say(sentence),
    });
    this.#figures = figures;
    this.#measurement.clockOffsetMs = this.#clock?.offsetMs ?? null;
    this.#closing.add('the reading of figures', STOP_LIMIT_MS, () => figures.stop());
  }

  /** From the first viewer to the last. */
  async #watchSchedule(plan: RunPlan, fleet: Fleet): Promise<void> {
    const { scenario, startAtMs } = this.#order;
    this.#announceStart(startAtMs);
    const tick = (elapsedMs: number, points: readonly Point[]): void =>
      this.#display.update({
        name: scenario.name,
        elapsedMs,
        durationMs: plan.durationMs,
        wantedViewers: plan.mostViewers,
        states: fleet.states(),
        invalidSeconds: this.#tally.invalidSeconds,
        ...progressFigures(this.#tally.registry, points),
      });
    const { startMs, ticker } = this.#measurement.start(fleet, tick, startAtMs);
    this.#publishers?.beginSchedule(startMs);
    this.#closing.add('the display', 1000, async () => ticker.stop());
    await within(
      fleet.finished(),
      startMs - systemClock.wallMs() + plan.durationMs + OVERTIME_MS,
      `The viewers did not end ${OVERTIME_MS / 1000} s after the end of the schedule`,
    );
  }

  /** A shard that begins later than the others would not do its share of the schedule. */
  #announceStart(startAtMs: number | undefined): void {
    if (startAtMs === undefined) return;
    const leftMs = startAtMs - systemClock.wallMs();
    const seconds = (Math.abs(leftMs) / 1000).toFixed(1);
    if (leftMs < LEAD_MS)
      throw new CommandError(
        exitCodes.unexpectedFailure,
        `Publishers and viewers were ready ${leftMs < 0 ? `${seconds} s after` : 'only just at'} the start that was agreed on; name a later --start-at.`,
      );
    this.#display.say(`Ready; the viewers begin in ${seconds} s.`);
  }

  async #readServer(): Promise<ServerSummary> {
    try {
      return await within(this.#target?.figures() ?? Promise.resolve({}), 2000, 'no answer');
    } catch {
      return {};
    }
  }

  #complain(code: string, sentence: string): void {
    // After Ctrl-C things break because they are being stopped; that is nothing to tell.
    if (this.#context.interrupted.aborted && code.startsWith('publish-')) return;
    this.#tally.error(code, sentence);
    this.#display.say(sentence);
  }

  #summarise(failure: Failure | null, interrupted: boolean): Summary {
    // A share of the viewers says nothing about a threshold on all of them.
    const thresholds = this.#order.shard ? [] : judge(this.#order.thresholds, this.#tally.registry);
    const generator = this.#tally.generator(this.#workers, this.#clock);
    const { verdict, exitCode } = conclude({
      interrupted,
      failure,
      unreachable: this.#tally.unreachable,
      generator,
      thresholds,
    });
    return {
      schema: SCHEMA,
      run: { ...this.#info, durationMs: Math.round(systemClock.nowMs() - this.#startedMs) },
      verdict,
      exitCode,
      metrics: this.#tally.registry.summaries(),
      thresholds,
      generator,
      server: { ...this.#server, ...serverSummary(this.#tally.registry, this.#figures?.sources ?? []) },
      faults: this.#faults.summaries(),
      errors: [
        ...(failure ? [{ code: 'run-failed', count: 1, example: failure.sentence }] : []),
        ...this.#tally.errors(),
      ],
    };
  }

  async #openSinks(): Promise<Sink> {
    // Loaded while nothing else is waited for: DuckDB is the heaviest part of the program.
    const { createRunFolder } = await import('../../sinks/run-folder.ts');
    const files = createRunFolder({ folder: this.#folder });
    try {
      await files.open(this.#info);
    } catch (error) {
      throw new CommandError(exitCodes.invalidScenario, (error as Error).message);
    }
    const { influxdb } = this.#order;
    if (influxdb === undefined) return files;
    const [{ createInfluxdbSink }, { fanOut }] = await Promise.all([
      import('../../sinks/influxdb.ts'),
      import('../../sinks/fan-out.ts'),
    ]);
    let database: Sink;
    try {
      database = createInfluxdbSink({ url: influxdb, log: (sentence) => this.#display.say(sentence) });
    } catch (error) {
      throw new CommandError(exitCodes.wrongUsage, (error as Error).message);
    }
    // A database that does not answer yet is no reason not to measure.
    await database.open(this.#info).catch((error: Error) => this.#display.say(error.message));
    return fanOut('results', [files, database]);
  }

  /** The sentence on why results could not be written, if so. */
  async #closeSinks(summary: Summary): Promise<string | null> {
    let unwritten: string | null = null;
    try {
      await within(
        this.#sinks?.close(summary) ?? Promise.resolve(),
        SINKS_LIMIT_MS,
        `The results were not written within ${SINKS_LIMIT_MS / 1000} s.`,
      );
    } catch (error) {
      unwritten = (error as Error).message;
      this.#context.terminal.say(unwritten);
    }
    const lost = this.#sinks?.lost ?? 0;
    if (lost > 0) this.#context.terminal.say(`${lost} points or sessions could not be kept.`);
    return unwritten;
  }
}

/** The folder, or the sentence on why there can be none. */
function orUnwritable(makeFolder: () => string): string {
  try {
    return makeFolder();
  } catch (error) {
    throw new CommandError(
      exitCodes.invalidScenario,
      `Cannot write results here (${(error as Error).message}); name another folder with --out.`,
    );
  }
}

function describeFailure(error: unknown): Failure {
  if (error instanceof CommandError) return { exitCode: error.exitCode, sentence: error.message };
  const message = error instanceof Error ? error.message : String(error);
  const debug = process.env['STREAMGAUGE_DEBUG'] && error instanceof Error ? `\n${error.stack}` : '';
  return { exitCode: exitCodes.unexpectedFailure, sentence: `${message.replace(/\.?$/, '.')}${debug}` };
}
