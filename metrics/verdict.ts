/** From results to one word. Exit codes are the command line's business. */
import type { GeneratorDoubt } from './shortage.ts';
import type { GeneratorSummary, Verdict } from './summary.ts';
import type { ThresholdResult } from './threshold.ts';

/** A second in which a worker's loop lag p99 or its CPU is above these is invalid. */
export const MAX_LOOP_LAG_MS = 50;
export const MAX_CPU = 0.9;
/** A run with a larger share of invalid seconds says more about the generator than about the server. */
export const MAX_INVALID_SHARE = 0.05;

/** Whether one second of one worker is to be believed. */
export function isSecondValid(second: { cpu: number; eventLoopLagMs: number }): boolean {
  return second.eventLoopLagMs <= MAX_LOOP_LAG_MS && second.cpu <= MAX_CPU;
}

/** From this many worker-seconds on, one of them is not more than the allowed share. */
const LONG_ENOUGH_SECONDS = 1 / MAX_INVALID_SHARE;

/**
 * What the generator's own figures come to: whether the run's figures may be believed, and why not.
 * @param busy what the invalid seconds were short of: told when there are too many of them
 * @param others what makes the run doubtful however few they are
 */
export function judgeGenerator(
  figures: Omit<GeneratorSummary, 'valid' | 'reasons' | 'shortOf'>,
  others: readonly GeneratorDoubt[] = [],
  busy: readonly GeneratorDoubt[] = [],
): GeneratorSummary {
  const { seconds, invalidSeconds } = figures;
  const tooMany = seconds > 0 && invalidSeconds / seconds > MAX_INVALID_SHARE;
  const doubts = tooMany ? [...busy, ...others] : others;
  const reasons = doubts.map(({ sentence }) => sentence);
  if (tooMany) {
    const percent = Math.round((invalidSeconds / seconds) * 100);
    const short =
      invalidSeconds === 1 && seconds < LONG_ENOUGH_SECONDS
        ? ` In so short a run one second is more than the ${MAX_INVALID_SHARE * 100} % that are allowed; let it last ${LONG_ENOUGH_SECONDS} s or more.`
        : '';
    reasons.unshift(
      `The load generator was too busy in ${invalidSeconds} of ${seconds} worker-seconds (${percent} %): its event loop lagged more than ${MAX_LOOP_LAG_MS} ms or its CPU was above ${MAX_CPU * 100} %.${short}`,
    );
  }
  const shortOf = [...new Set(doubts.map(({ shortage }) => shortage))];
  return { ...figures, valid: reasons.length === 0, reasons, ...(shortOf.length > 0 && { shortOf }) };
}

/**
 * The verdict of a run. A generator at its limit makes it inconclusive whatever the thresholds say: slow figures may
 * be its own. A run that broke (`failure`) has no verdict on the server at all.
 */
export function verdictOf(
  thresholds: readonly ThresholdResult[],
  generator: Pick<GeneratorSummary, 'valid'>,
  failure: string | null = null,
): Verdict {
  if (failure !== null) return 'error';
  if (!generator.valid) return 'inconclusive';
  return thresholds.every((threshold) => threshold.ok) ? 'pass' : 'fail';
}
