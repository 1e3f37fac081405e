import type { HoldOptions } from '../../metrics/capacity.ts';

/** What a level looked like in one second of its hold. */
export interface SecondFigures {
  /** Viewers that have not seen a picture yet. */
  readonly waiting: number;
  /** Viewers past their start: playing, stalled or coming back. */
  readonly started: number;
  readonly receivedBps: number;
  /** Share of the second that started viewers stood still, 0–1. */
  readonly stalled: number;
  /** null: no frame carried a stamp. */
  readonly latencyP95Ms: number | null;
}

export type Steadiness =
  | { readonly kind: 'hold on' }
  | { readonly kind: 'steady' }
  /** Held for as long as it may be. `worse`: what got worse until the very end, so that a longer hold would be worse still. */
  | { readonly kind: 'unsteady'; readonly why: string; readonly worse: string | null };

/** By how much two windows may differ and still be called the same. A live stream's own bit rate changes from one picture group to the next. */
const SAME_STARTED = 0.05;
const SAME_RECEIVED = 0.1;
const SAME_STALLED = 0.02;
const SAME_LATENCY = 0.1;
const SAME_LATENCY_MS = 150;

/**
 * Whether a level may end. It is steady when, after its shortest hold, the means of the last window agree with those
 * of the window before it, and nobody waits for a first picture any more.
 * @param seconds all of the hold so far
 * @param open model: somebody always waits there, so only a change of their number counts
 * @param crossed thresholds are crossed as things stand: such a level is not held to the end
 */
export function judgeSteadiness(
  seconds: readonly SecondFigures[],
  hold: HoldOptions,
  open: boolean,
  crossed: boolean,
): Steadiness {
  const heldMs = seconds.length * 1000;
  const window = Math.max(1, Math.round(hold.windowMs / 1000));
  if (heldMs < hold.minMs || seconds.length < 2 * window) return { kind: 'hold on' };
  const last = seconds.slice(-window);
  const before = seconds.slice(-2 * window, -window);
  const { why, worse } = compare(before, last, open);
  if (why === null) return { kind: 'steady' };
  if (heldMs >= hold.maxMs || (crossed && heldMs >= hold.minMs + hold.windowMs))
    return { kind: 'unsteady', why, worse };
  return { kind: 'hold on' };
}

function compare(
  before: readonly SecondFigures[],
  last: readonly SecondFigures[],
  open: boolean,
): { why: string | null; worse: string | null } {
  const means = (read: (second: SecondFigures) => number): [number, number] => [
    mean(before.map(read)),
    mean(last.map(read)),
  ];
  const waiting = last.at(-1)?.waiting ?? 0;
  if (waiting > 0 && !open) {
    const sentence = `${waiting === 1 ? 'One viewer' : `${waiting} viewers`} had no picture yet.`;
    return { why: sentence, worse: sentence };
  }
  const [waitedBefore, waits] = means((second) => second.waiting);
  const [startedBefore, started] = means((second) => second.started);
  if (open && waits - waitedBefore > Math.max(1, SAME_STARTED * started)) {
    const sentence = `More and more viewers waited for a picture (${Math.round(waitedBefore)}, then ${Math.round(waits)}).`;
    return { why: sentence, worse: sentence };
  }
  if (differ(startedBefore, started, SAME_STARTED, 1))
    return { why: 'The number of viewers with a picture still changed.', worse: null };
  const [stalledBefore, stalled] = means((second) => second.stalled);
  if (Math.abs(stalled - stalledBefore) > SAME_STALLED)
    return {
      why: 'The share of viewers whose picture stood still was still changing.',
      worse: stalled > stalledBefore ? 'Stalls became more and more.' : null,
    };
  const [latencyBefore, latency] = latencies(before, last);
  if (
    latency !== null &&
    latencyBefore !== null &&
    differ(latencyBefore, latency, SAME_LATENCY, SAME_LATENCY_MS)
  )
    return {
      why: 'Latency was still changing.',
      worse:
        latency > latencyBefore
          ? `Latency kept growing (p95 ${Math.round(latencyBefore)} ms, then ${Math.round(latency)} ms): viewers fell behind.`
          : null,
    };
  if (differ(...means((second) => second.receivedBps), SAME_RECEIVED, 0))
    return { why: 'The bit rate was still changing.', worse: null };
  return { why: null, worse: null };
}

function latencies(
  before: readonly SecondFigures[],
  last: readonly SecondFigures[],
): [number | null, number | null] {
  const known = (seconds: readonly SecondFigures[]): number | null => {
    const values = seconds.flatMap(({ latencyP95Ms }) => (latencyP95Ms === null ? [] : [latencyP95Ms]));
    return values.length === 0 ? null : mean(values);
  };
  return [known(before), known(last)];
}

function differ(a: number, b: number, share: number, least: number): boolean {
  return Math.abs(a - b) > Math.max(least, share * Math.max(Math.abs(a), Math.abs(b)));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
