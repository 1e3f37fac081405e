import os from 'node:os';
import { systemClock } from '../../clients/system-clock.ts';
import { judgeSteadiness, type Steadiness } from '../../fleet/capacity/steadiness.ts';
import type { HoldOptions, Level, LevelPurpose } from '../../metrics/capacity.ts';
import type { ClockSummary } from '../../metrics/summary.ts';
import type { Threshold } from '../../metrics/threshold.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import type { Context } from '../command.ts';
import { withClock } from '../run/clock-of-run.ts';
import { unlessInterrupted } from '../run/closing.ts';
import { LiveDisplay } from '../run/live-display.ts';
import type { Measurement } from '../run/measurement.ts';
import { type PlanInputs, planRun } from '../run/plan-run.ts';
import { progressFigures } from '../run/progress.ts';
import { serverSummary } from '../run/server-summary.ts';
import { judgeLevel, LevelWindow, levelFigures } from './level-window.ts';
import { scenarioAt, settleMs } from './scenario-at.ts';

/** Beyond its longest hold: a level that takes longer hangs. */
const OVERTIME_MS = 30_000;
/** Starts that the generator did not make: more than this share, and the load was not the one asked for. */
const MAX_DROPPED = 0.01;

export interface LevelOrder {
  readonly number: number;
  readonly load: number;
  readonly purpose: LevelPurpose;
  /** `160 viewers` */
  readonly words: string;
  readonly scenario: Scenario;
  readonly open: boolean;
  readonly hold: HoldOptions;
  readonly thresholds: readonly Threshold[];
  readonly inputs: PlanInputs;
  /** Where figures of publishers and of the target go meanwhile, too. */
  readonly measurement: Measurement;
  /** What is known of this machine's clock. */
  readonly clock: ClockSummary | null;
  /** What the server's figures are read from, for people; asked at the end of the level. */
  readonly readFrom: () => readonly string[];
  /** The server is on this machine, and so has its cores and memory. */
  readonly local: boolean;
}

/** A level, and whether anybody answered at all. */
export interface HeldLevel {
  readonly level: Level;
  readonly unreachable: boolean;
}

/**
 * Holds one load with viewers of its own until it is steady, and judges it; then they leave.
 * @throws Interrupted
 */
export async function holdLevel(order: LevelOrder, context: Context): Promise<HeldLevel> {
  const { load, hold, open, thresholds, measurement, inputs } = order;
  const { interrupted } = context;
  const step = <T>(promise: Promise<T>): Promise<T> => unlessInterrupted(promise, interrupted);
  const scenario = scenarioAt(order.scenario, load, hold);
  const plan = withClock(planRun(scenario, inputs), order.clock);
  const rampMs = hold.rampMs + settleMs(scenario.viewers);
  const window = new LevelWindow(Math.ceil(hold.minMs / 1000));
  const { tally } = measurement;
  const display = new LiveDisplay(context.terminal);
  const fleet = measurement.createFleet(context.entryPath('fleet/viewer-worker'), plan);
  const startedAt = new Date();
  let stopTicking = (): void => {};
  let steadiness = { kind: 'hold on' } as Steadiness;
  const judgeNow = () => judgeLevel(thresholds, tally.registry, window.total(), open);
  try {
    await step(fleet.ready());
    const steady = new Promise<void>((resolve, reject) => {
      const { ticker } = measurement.start(fleet, (elapsedMs, points) => {
        const states = fleet.states();
        if (elapsedMs > rampMs) {
          window.add(points, states);
          const crossed = () => judgeNow().some(({ ok }) => !ok);
          steadiness = judgeSteadiness(
            window.figures,
            hold,
            open,
            window.heldMs >= hold.minMs + hold.windowMs && crossed(),
          );
          if (steadiness.kind !== 'hold on') resolve();
        }
        if (elapsedMs > rampMs + hold.maxMs + OVERTIME_MS)
          reject(new Error('A level did not end in its time.'));
        display.update({
          name: `level ${order.number} · ${order.words} · ${order.purpose}`,
          elapsedMs,
          durationMs: rampMs + Math.max(hold.minMs, window.heldMs),
          wantedViewers: open ? states.playing + states.starting + states.connecting : load,
          states,
          invalidSeconds: tally.invalidSeconds,
          ...progressFigures(tally.registry, points),
        });
      });
      stopTicking = () => ticker.stop();
    });
    // Everybody may fail before the hold begins; then there is nothing to hold.
    await step(Promise.race([steady, fleet.finished()]));
    // Before they leave, which would count as having left without a picture.
    const whole = tally.registry;
    const total = window.heldMs > 0 ? window.total() : whole;
    const results = judgeLevel(thresholds, whole, total, open);
    const figures = levelFigures(whole, total, open, window.started);
    const read = serverSummary(total, order.readFrom());
    const server =
      order.local && read['cpu'] !== undefined
        ? { ...read, cpus: os.availableParallelism(), memoryBytes: os.totalmem() }
        : read;
    // Sessions are told when they are over; of those that are under way somebody may have been answered.
    const unreachable = tally.unreachable && whole.total('first_byte_ms') === null;
    stopTicking();
    display.clear();
    await fleet.stop();
    measurement.drain();
    const generator = withDropped(
      tally.generator(plan.workers, order.clock),
      tally.registry.total('sessions_started')?.read('count', 0) ?? 0,
    );
    const objections = objectionsTo(steadiness, unreachable, window.heldMs);
    return {
      unreachable,
      level: {
        number: order.number,
        load,
        purpose: order.purpose,
        startedAt: startedAt.toISOString(),
        heldMs: window.heldMs,
        steady: steadiness.kind === 'steady',
        unsteady: steadiness.kind === 'unsteady' ? steadiness.why : null,
        verdict: !generator.valid
          ? 'inconclusive'
          : results.every(({ ok }) => ok) && objections.length === 0
            ? 'good'
            : 'bad',
        objections,
        thresholds: results,
        figures,
        generator,
        server,
        errors: tally.errors(),
      },
    };
  } finally {
    stopTicking();
    display.clear();
    await fleet.stop();
  }
}

function objectionsTo(steadiness: Steadiness, unreachable: boolean, heldMs: number): string[] {
  if (unreachable) return ['Nobody answered.'];
  if (heldMs === 0 || steadiness.kind === 'hold on') return ['Every session failed before its time.'];
  return steadiness.kind === 'unsteady' && steadiness.worse !== null ? [steadiness.worse] : [];
}

/** A load that was not generated was not measured. */
function withDropped(generator: Level['generator'], started: number): Level['generator'] {
  const { droppedStarts } = generator;
  if (droppedStarts <= MAX_DROPPED * (started + droppedStarts)) return generator;
  const reason = `${droppedStarts} of ${started + droppedStarts} sessions could not be started when they were due.`;
  return { ...generator, valid: false, reasons: [...generator.reasons, reason] };
}

/** Time without viewers, so that one level's aftermath is not the next one's load. */
export function rest(restMs: number, interrupted: AbortSignal): Promise<void> {
  return unlessInterrupted(new Promise((wake) => setTimeout(wake, restMs)), interrupted);
}

/** For measuring time at work. */
export const nowMs = (): number => systemClock.nowMs();
