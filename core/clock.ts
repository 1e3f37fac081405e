/** Time is passed in, never read: pure code takes a `Clock`, tests pass one that they turn by hand. */
export interface Clock {
  /** Monotonic milliseconds with fractions; its zero means nothing. All durations come from it. */
  nowMs(): number;
  /** Wall-clock milliseconds since the Unix epoch with fractions. Only the stamp uses it. */
  wallMs(): number;
}
