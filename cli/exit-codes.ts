/** Exit codes: k6's where k6 has one. Scripts rely on them. */
export const exitCodes = {
  passed: 0,
  unexpectedFailure: 1,
  wrongUsage: 2,
  unreachable: 95,
  inconclusive: 96,
  thresholdCrossed: 99,
  invalidScenario: 104,
  stoppedBySignal: 105,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A failure that is no fault of the program: one clear sentence, and the exit code that it ends with. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}
