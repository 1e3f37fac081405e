import type { LinkTrace } from './profile.ts';

/** The text is no trace. `line` from 1; `null`: the file as a whole. The message is one sentence without its full stop. */
export class TraceError extends Error {
  readonly line: number | null;
  constructor(line: number | null, message: string) {
    super(message);
    this.name = 'TraceError';
    this.line = line;
  }
}

/** More than a day in seconds; longer files are something else. */
const MAX_STEPS = 200_000;
/** A trace that lets less through would stop every viewer, and take for ever to walk. */
const LEAST_MEAN_BPS = 1_000;
const MAX_KBPS = 100_000_000;
/** Shorter steps than this no link can tell apart. */
const LEAST_STEP_MS = 1;

/**
 * Reads bandwidth over time, in one of three forms:
 *
 *     seconds,kbit/s      CSV: from each time on that rate; the last holds as long as the one before it
 *     0,3000              (a heading, blank lines and # comments may be there)
 *     10,500
 *
 *     [[0, 3000], [10, 500]]        JSON: the same
 *
 *     1                   Mahimahi (Netravali et al., USENIX ATC 2015): each line a millisecond at which 1,500 bytes
 *     5                   may be delivered; the last is the end, and the trace begins anew
 *
 * @throws TraceError
 */
export function parseTrace(text: string): LinkTrace {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const content: Line[] = [];
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    if (line !== '' && !line.startsWith('#')) content.push({ number: index + 1, text: line });
  }
  const [first] = content;
  if (first === undefined) throw new TraceError(null, 'is empty');
  if (/^[[{]/.test(first.text)) return fromSteps(readJson(text));
  if (first.text.includes(',')) return fromSteps(readCsv(content));
  return fromOpportunities(content);
}

interface Line {
  readonly number: number;
  readonly text: string;
}

interface Sample {
  readonly line: number | null;
  readonly seconds: number;
  readonly kbps: number;
}

function readCsv(content: readonly Line[]): Sample[] {
  const hasHeading = /[a-z]/i.test(content[0]?.text ?? '') && !/^[\d.]/.test(content[0]?.text ?? '');
  return content.slice(hasHeading ? 1 : 0).map(({ number, text }) => {
    const cells = text.split(',').map((cell) => cell.trim());
    const [seconds, kbps] = cells;
    if (cells.length !== 2 || !isNumber(seconds) || !isNumber(kbps))
      throw new TraceError(number, `${quoted(text)} is not seconds,kbit/s, as in 10,3000`);
    return { line: number, seconds: Number(seconds), kbps: Number(kbps) };
  });
}

function readJson(text: string): Sample[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TraceError(null, `is not JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(value))
    throw new TraceError(null, 'is no list of [seconds, kbit/s], as in [[0, 3000], [10, 500]]');
  return value.map((pair: unknown, index) => {
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((part) => Number.isFinite(part)))
      throw new TraceError(null, `entry ${index} is not [seconds, kbit/s], as in [10, 3000]`);
    const [seconds, kbps] = pair as [number, number];
    return { line: null, seconds, kbps };
  });
}

function fromSteps(samples: readonly Sample[]): LinkTrace {
  const [first] = samples;
  if (first === undefined) throw new TraceError(null, 'has no steps');
  if (samples.length > MAX_STEPS)
    throw new TraceError(null, `has ${samples.length} steps; ${MAX_STEPS} are the most`);
  let previousMs = Number.NEGATIVE_INFINITY;
  const startsMs = samples.map(({ line, seconds, kbps }) => {
    // To the microsecond: what is written in decimals shall not be a hair less than it says.
    const ms = Math.round((seconds - first.seconds) * 1e6) / 1e3;
    if (kbps < 0 || kbps > MAX_KBPS)
      throw new TraceError(line, `${kbps} kbit/s is not from 0 to ${MAX_KBPS}`);
    if (ms - previousMs < LEAST_STEP_MS)
      throw new TraceError(line, `${seconds} s is not later than the time before it (by 1 ms at least)`);
    previousMs = ms;
    return ms;
  });
  const lastMs = startsMs.at(-1) ?? 0;
  const lastStepMs = startsMs.length > 1 ? lastMs - (startsMs.at(-2) ?? 0) : 1_000;
  return checked({
    startsMs,
    bps: samples.map(({ kbps }) => kbps * 1_000),
    periodMs: lastMs + lastStepMs,
  });
}

const OPPORTUNITY_BITS = 1_500 * 8;
/** Opportunities are put together over so long: 1,500 bytes at a time would be coarser than what is read at a time. */
const MAHIMAHI_STEP_MS = 100;

function fromOpportunities(content: readonly Line[]): LinkTrace {
  const times: number[] = [];
  for (const { number, text } of content) {
    if (!/^\d{1,12}$/.test(text))
      throw new TraceError(
        number,
        `${quoted(text)} is neither seconds,kbit/s (CSV) nor a whole number of milliseconds (Mahimahi)`,
      );
    const ms = Number(text);
    if (ms < (times.at(-1) ?? 0)) throw new TraceError(number, `${ms} ms is earlier than the time before it`);
    times.push(ms);
  }
  const periodMs = times.at(-1) ?? 0;
  if (periodMs === 0) throw new TraceError(null, 'ends at 0 ms');
  const steps = Math.ceil(periodMs / MAHIMAHI_STEP_MS);
  if (steps > MAX_STEPS)
    throw new TraceError(null, `lasts ${periodMs} ms; ${MAX_STEPS * MAHIMAHI_STEP_MS} are the most`);
  const bits = new Array<number>(steps).fill(0);
  for (const ms of times) {
    const step = Math.min(steps - 1, Math.floor(ms / MAHIMAHI_STEP_MS));
    bits[step] = (bits[step] ?? 0) + OPPORTUNITY_BITS;
  }
  const startsMs = bits.map((_, step) => step * MAHIMAHI_STEP_MS);
  const lengthMs = (step: number): number => (startsMs[step + 1] ?? periodMs) - (startsMs[step] ?? 0);
  return checked({ startsMs, bps: bits.map((count, step) => (count / lengthMs(step)) * 1_000), periodMs });
}

function checked(trace: LinkTrace): LinkTrace {
  if (meanBps(trace) < LEAST_MEAN_BPS)
    throw new TraceError(null, `lets less than ${LEAST_MEAN_BPS} bit/s through on average`);
  return trace;
}

/** Over one round. */
export function meanBps({ startsMs, bps, periodMs }: LinkTrace): number {
  const bits = bps.reduce(
    (sum, rate, step) => sum + rate * ((startsMs[step + 1] ?? periodMs) - (startsMs[step] ?? 0)),
    0,
  );
  return bits / periodMs;
}

function isNumber(cell: string | undefined): cell is string {
  return cell !== undefined && /^\d+(\.\d+)?$/.test(cell);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
