/** One thing that a machine has or lacks. */
export interface Check {
  readonly name: string;
  /** `lacking`: something that Streamgauge cannot do without. `limited`: works, but not all of it. */
  readonly level: 'ok' | 'limited' | 'lacking';
  /** What was found, in words. */
  readonly found: string;
  /** What to do about it, where something is to be done. */
  readonly remedy?: string;
}

/** True when nothing is lacking that is needed. */
export function isHealthy(checks: readonly Check[]): boolean {
  return checks.every(({ level }) => level !== 'lacking');
}
