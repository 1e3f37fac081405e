import type { GeneratorSummary, Summary, Verdict } from '../../metrics/summary.ts';
import type { ThresholdResult } from '../../metrics/threshold.ts';
import { verdictOf } from '../../metrics/verdict.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';

/** What broke a run. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly sentence: string;
}

export interface Outcome {
  /** Stopped by Ctrl-C or a signal. */
  readonly interrupted: boolean;
  /** Something broke: not the server's fault, or not known whose. */
  readonly failure: Failure | null;
  /** No session got a single byte, because nobody answered. */
  readonly unreachable: boolean;
  readonly generator: Pick<GeneratorSummary, 'valid'>;
  readonly thresholds: readonly ThresholdResult[];
}

/**
 * What a run comes to. In this order: a run that was stopped or broke is not judged; a target that nobody reached
 * says nothing about thresholds; a generator at its limit says nothing about the server.
 */
export function conclude(outcome: Outcome): { verdict: Verdict; exitCode: ExitCode } {
  const { interrupted, failure, unreachable, generator, thresholds } = outcome;
  if (interrupted) return { verdict: 'error', exitCode: exitCodes.stoppedBySignal };
  if (failure) return { verdict: 'error', exitCode: failure.exitCode };
  if (unreachable) return { verdict: 'error', exitCode: exitCodes.unreachable };
  const verdict = verdictOf(thresholds, generator);
  const byVerdict = {
    pass: exitCodes.passed,
    fail: exitCodes.thresholdCrossed,
    inconclusive: exitCodes.inconclusive,
    error: exitCodes.unexpectedFailure,
  } as const;
  return { verdict, exitCode: byVerdict[verdict] };
}

/** A pass of which nothing is left to show is none. */
export function withoutResults(summary: Summary, sentence: string): Summary {
  if (summary.exitCode !== exitCodes.passed) return summary;
  const error = { code: 'run-failed', count: 1, example: sentence };
  return {
    ...summary,
    verdict: 'error',
    exitCode: exitCodes.unexpectedFailure,
    errors: [error, ...summary.errors],
  };
}
