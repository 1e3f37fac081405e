/** From where on somebody is told (`warn`: in working hours) or woken (`page`). */
export interface AlertLevels {
  readonly warn: number;
  readonly page: number;
}

/** One place for the limits that alert rules judge by and panels draw as lines: defaults to start from, not norms. */
export const alertLevels = {
  /** Stalled time over watched time. */
  stallRatio: { warn: 0.01, page: 0.05 },
  /** Intended start to first picture, p95. */
  firstFrameMs: { warn: 3_000, page: 8_000 },
} as const satisfies Record<string, AlertLevels>;
