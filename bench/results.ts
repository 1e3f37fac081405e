import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';

/** One line of the table that `npm run bench` ends with. */
export interface ResultRow {
  /** What was measured, and under which circumstances: `HTTP-FLV viewer, 800 viewers`. */
  readonly what: string;
  /** On which server: it decides how large the reads are. */
  readonly server: string;
  readonly value: number;
  readonly unit: string;
  /** The promised bound; left out: for comparison only. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** Prints a result and keeps it for the table and the JSON file of all benchmarks (`bench/run.mjs`). */
export function record(row: ResultRow): void {
  const { what, server, value, unit, atMost, atLeast } = row;
  const wanted =
    atMost !== undefined ? `; wanted ≤ ${atMost}` : atLeast !== undefined ? `; wanted ≥ ${atLeast}` : '';
  process.stdout.write(`${what}, ${server}: ${Number(value.toPrecision(3))} ${unit}${wanted}\n`);
  const file = process.env['STREAMGAUGE_BENCH_RESULTS'];
  if (file === undefined) return;
  mkdirSync(path.dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(row)}\n`);
}
