/**
 * The units that scenarios and flags are written in: durations `500ms 30s 5m 1h30m`, bit rates `600k 3mbit`,
 * picture sizes `640x360`. Each reader throws a `UnitError` whose message is one sentence for a person; each
 * writer gives the shortest text that the reader reads back as the same number.
 */

/** The text is not a quantity of the kind asked for. The message says what was found and what is wanted. */
export class UnitError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnitError';
  }
}

const durationUnitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
type DurationUnit = keyof typeof durationUnitsMs;
/** Ten days: longer than any load test, short enough that a slip (`30000s` for `30000ms`) of a monitor is seen. */
const MAX_DURATION_MS = 240 * durationUnitsMs.h;

/** What people write for the units that exist; found only to say what to write instead. */
const durationMistakes: Record<string, DurationUnit> = {
  sec: 's',
  secs: 's',
  second: 's',
  seconds: 's',
  min: 'm',
  mins: 'm',
  minute: 'm',
  minutes: 'm',
  hr: 'h',
  hrs: 'h',
  hour: 'h',
  hours: 'h',
  msec: 'ms',
  millis: 'ms',
  milliseconds: 'ms',
};

/** Reads `500ms`, `30s`, `1.5m`, `1h30m` as milliseconds (0 or more, whole microseconds are not kept). */
export function parseDuration(text: string): number {
  const wanted = 'a duration is a number and a unit: 500ms, 30s, 5m or 1h30m';
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed))
    throw new UnitError(`"${text}" has no unit (did you mean ${trimmed}s?); ${wanted}`);
  if (!/^(\d+(\.\d+)?\s*[a-zµ]+\s*)+$/i.test(trimmed))
    throw new UnitError(`"${text}" is not a duration; ${wanted}`);
  let totalMs = 0;
  let previousMs = Number.POSITIVE_INFINITY;
  for (const [, number = '', unitText = ''] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([a-zµ]+)/gi)) {
    const unitMs = durationUnitsMs[unitText as DurationUnit];
    if (unitMs === undefined) {
      const meant = durationMistakes[unitText.toLowerCase()];
      const hint = meant ? ` (did you mean ${number}${meant}?)` : '';
      throw new UnitError(`"${unitText}" in "${text}" is not a unit of time${hint}; ${wanted}`);
    }
    if (unitMs >= previousMs)
      throw new UnitError(`"${text}" is not a duration: larger units come first, as in 1h30m`);
    previousMs = unitMs;
    totalMs += Number(number) * unitMs;
  }
  if (totalMs > MAX_DURATION_MS) throw new UnitError(`"${text}" is longer than the longest duration, 240h`);
  return Math.round(totalMs * 1000) / 1000;
}

/** Writes milliseconds so that `parseDuration` reads them back: `90000` → `1m30s`, `1500` → `1500ms`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  if (durationMs % 1000 !== 0) return `${durationMs}ms`;
  let restMs = durationMs;
  let text = '';
  for (const unit of ['h', 'm', 's'] as const) {
    const count = Math.floor(restMs / durationUnitsMs[unit]);
    restMs -= count * durationUnitsMs[unit];
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

const bitRateUnits: Record<string, number> = {
  bit: 1,
  bps: 1,
  k: 1e3,
  kbit: 1e3,
  kbps: 1e3,
  m: 1e6,
  mbit: 1e6,
  mbps: 1e6,
  g: 1e9,
  gbit: 1e9,
  gbps: 1e9,
};
const MAX_BITS_PER_SECOND = 100e9;

/** Reads `600k`, `3mbit`, `2.5M`, `64kbps` as bits per second (more than 0). */
export function parseBitRate(text: string): number {
  const wanted = 'a bit rate is a number and a unit: 600k, 3mbit or 1gbit (bits per second)';
  const match = /^(\d+(?:\.\d+)?)\s*([a-z/]*)$/i.exec(text.trim());
  if (!match) throw new UnitError(`"${text}" is not a bit rate; ${wanted}`);
  const [, number = '', unitText = ''] = match;
  if (unitText === '') throw new UnitError(`"${text}" has no unit (did you mean ${number}k?); ${wanted}`);
  const unit = bitRateUnits[unitText.toLowerCase()];
  if (unit === undefined)
    throw new UnitError(`"${unitText}" in "${text}" is not a unit of bit rate; ${wanted}`);
  const bitsPerSecond = Math.round(Number(number) * unit);
  if (bitsPerSecond <= 0) throw new UnitError(`"${text}": a bit rate is more than 0`);
  if (bitsPerSecond > MAX_BITS_PER_SECOND)
    throw new UnitError(`"${text}" is more than the largest bit rate, 100gbit`);
  return bitsPerSecond;
}

/** Writes bits per second so that `parseBitRate` reads them back: `600000` → `600k`. */
export function formatBitRate(bitsPerSecond: number): string {
  for (const [suffix, unit] of [
    ['g', 1e9],
    ['m', 1e6],
    ['k', 1e3],
  ] as const)
    if (bitsPerSecond % unit === 0) return `${bitsPerSecond / unit}${suffix}`;
  return `${bitsPerSecond}bit`;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}
const MIN_PICTURE_SIDE = 16;
const MAX_PICTURE_SIDE = 8192;

/** Reads `1280x720`. Sides are even, because 4:2:0 pictures have half as many colour samples each way. */
export function parsePictureSize(text: string): PictureSize {
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(text.trim());
  if (!match)
    throw new UnitError(`"${text}" is not a picture size; write width x height in pixels, as in 1280x720`);
  const size = { width: Number(match[1]), height: Number(match[2]) };
  for (const side of [size.width, size.height]) {
    if (side < MIN_PICTURE_SIDE || side > MAX_PICTURE_SIDE)
      throw new UnitError(`"${text}": a side is from ${MIN_PICTURE_SIDE} to ${MAX_PICTURE_SIDE} pixels`);
    if (side % 2 !== 0) throw new UnitError(`"${text}": ${side} is odd; width and height are even numbers`);
  }
  return size;
}

export function formatPictureSize(size: PictureSize): string {
  return `${size.width}x${size.height}`;
}
