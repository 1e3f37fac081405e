import { rm } from 'node:fs/promises';
import path from 'node:path';
import { type DuckDBAppender, type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Point } from '../metrics/point.ts';
import type { Sink } from '../metrics/sink.ts';
import type { RunInfo, SessionRecord, Summary } from '../metrics/summary.ts';
import { appendRow, createTables, seriesColumns, seriesRow, sessionColumns } from './duckdb-schema.ts';
import { prepareFolder, reasonOf } from './result-file.ts';
import { renderSummaryJson } from './summary-json.ts';

export const RUN_DUCKDB = 'run.duckdb';

export interface DuckdbSinkOptions {
  /** The run's folder; made if it does not exist. */
  readonly folder: string;
  /** Points and sessions that may wait to be written; those beyond it are lost, and counted. */
  readonly maxQueued?: number;
}

/** Rows written before the event loop gets its turn: a few milliseconds. */
const ROWS_PER_SLICE = 500;
/** Run time between flushes to the file. A flush costs 2 ms and more, whatever is in it; a killed process loses this much. */
const FLUSH_EVERY_MS = 5_000;

/**
 * `run.duckdb`, the embedded store: every session and every one-second series, for SQL.
 *
 *     second(), session() ──► queue (bounded) ──► appender, a slice at a time ──► file, every 5 s of the run
 *
 * A file of an earlier run in the same folder is replaced.
 */
export function createDuckdbSink(options: DuckdbSinkOptions): Sink {
  return new DuckdbSink(options);
}

type Row = { readonly point: Point } | { readonly session: SessionRecord };

class DuckdbSink implements Sink {
  readonly name = RUN_DUCKDB;
  lost = 0;
  readonly #folder: string;
  readonly #maxQueued: number;
  #store: Store | null = null;
  #queue: Row[] = [];
  /** Rows that are not written yet: those in the queue, and those that the drain has taken out of it. */
  #waiting = 0;
  #draining: Promise<void> | null = null;
  #lastFlushMs = Number.NEGATIVE_INFINITY;
  #newestMs = Number.NEGATIVE_INFINITY;
  #closed: Promise<void> | null = null;
  /** The first failure of the store; nothing can be written after it. */
  #failure: string | null = null;

  constructor({ folder, maxQueued = 200_000 }: DuckdbSinkOptions) {
    this.#folder = folder;
    this.#maxQueued = maxQueued;
  }

  async open(run: RunInfo): Promise<void> {
    await prepareFolder(this.#folder);
    const file = path.join(this.#folder, RUN_DUCKDB);
    try {
      await rm(file, { force: true });
      await rm(`${file}.wal`, { force: true });
      this.#store = await Store.create(file, run);
    } catch (error) {
      throw new Error(`Cannot write "${file}": ${reasonOf(error)}.`);
    }
  }

  second(points: readonly Point[]): void {
    for (const point of points) this.#enqueue({ point });
    const timeMs = points[0]?.timeMs;
    if (timeMs !== undefined && timeMs > this.#newestMs) this.#newestMs = timeMs;
  }

  session(session: SessionRecord): void {
    this.#enqueue({ session });
  }

  close(summary: Summary): Promise<void> {
    this.#closed ??= this.#finish(summary);
    return this.#closed;
  }

  #enqueue(row: Row): void {
    if (this.#closed) return;
    if (!this.#store || this.#failure !== null || this.#waiting >= this.#maxQueued) {
      this.lost++;
      return;
    }
    this.#queue.push(row);
    this.#waiting++;
    this.#draining ??= this.#drain(this.#store);
  }

  async #drain(store: Store): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const rows = this.#queue;
        this.#queue = [];
        for (const [index, row] of rows.entries()) {
          // The turn of the caller, and of everything else, comes before each slice.
          if (index % ROWS_PER_SLICE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
          store.append(row);
          this.#waiting--;
        }
      }
      if (this.#newestMs - this.#lastFlushMs >= FLUSH_EVERY_MS) {
        this.#lastFlushMs = this.#newestMs;
        store.flush();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#draining = null;
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= `Cannot write "${path.join(this.#folder, RUN_DUCKDB)}": ${reasonOf(error)}.`;
    this.lost += this.#waiting;
    this.#waiting = 0;
    this.#queue = [];
  }

  async #finish(summary: Summary): Promise<void> {
    if (!this.#store) return;
    while (this.#draining) await this.#draining;
    try {
      await this.#store.finish(summary, this.lost);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#store.release();
      this.#store = null;
    }
    if (this.#failure !== null) throw new Error(this.#failure);
  }
}

/** The open database of one run. */
class Store {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #series: DuckDBAppender;
  readonly #sessions: DuckDBAppender;
  readonly #run: RunInfo;
  readonly #runStartedMs: number;

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    series: DuckDBAppender,
    sessions: DuckDBAppender,
    run: RunInfo,
  ) {
    this.#instance = instance;
    this.#connection = connection;
    this.#series = series;
    this.#sessions = sessions;
    this.#run = run;
    this.#runStartedMs = Date.parse(run.startedAt);
  }

  static async create(file: string, run: RunInfo): Promise<Store> {
    // One thread: the processor belongs to the viewers.
    const instance = await DuckDBInstance.create(file, { threads: '1' });
    const connection = await instance.connect();
    for (const statement of createTables) await connection.run(statement);
    await connection.run(
      'INSERT INTO runs (id, name, started_at, version, target, host) VALUES ($1, $2, $3::TIMESTAMP, $4, $5, $6)',
      [run.id, run.name, run.startedAt, run.version, run.target ?? null, JSON.stringify(run.host)],
    );
    const series = await connection.createAppender('series');
    const sessions = await connection.createAppender('sessions');
    return new Store(instance, connection, series, sessions, run);
  }

  append(row: Row): void {
    if ('point' in row)
      appendRow(this.#series, seriesColumns, seriesRow(row.point, this.#run, this.#runStartedMs));
    else {
      const { session: record } = row;
      appendRow(this.#sessions, sessionColumns, { record, run: this.#run, runStartedMs: this.#runStartedMs });
    }
  }

  flush(): void {
    this.#series.flushSync();
    this.#sessions.flushSync();
  }

  async finish(summary: Summary, lost: number): Promise<void> {
    this.#series.closeSync();
    this.#sessions.closeSync();
    const { durationMs } = summary.run;
    await this.#connection.run(
      'UPDATE runs SET duration_ms = $1, verdict = $2, exit_code = $3, lost = $4, summary = $5',
      [durationMs, summary.verdict, summary.exitCode, lost, renderSummaryJson(summary)],
    );
    // Everything into the one file: no log beside it that a copy would forget.
    await this.#connection.run('CHECKPOINT');
  }

  release(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}
