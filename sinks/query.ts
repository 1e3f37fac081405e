import { existsSync } from 'node:fs';
import path from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type Json } from '@duckdb/node-api';
import { RUN_DUCKDB } from './duckdb.ts';
import { reasonOf } from './result-file.ts';

export interface QueryResult {
  readonly columns: readonly string[];
  /** Values as JSON has them: 64-bit integers and times are strings. */
  readonly rows: readonly (readonly Json[])[];
}

/** What is held in memory at once; tables of a run of hours have more rows than that. */
const MAX_ROWS = 100_000;

const INTERRUPT_EVERY_MS = 50;

/** Gets some rows at a time; the next ones come when it is through with these. `false`: no more are wanted. */
export type TakeRows = (
  columns: readonly string[],
  rows: readonly (readonly Json[])[],
) => Promise<boolean> | boolean;

/**
 * Runs one SQL query on a run's store and holds the rows.
 * @throws Error as `streamQuery`, and when there are more than 100,000 rows
 */
export async function queryRun(folder: string, sql: string, interrupted?: AbortSignal): Promise<QueryResult> {
  let columns: readonly string[] = [];
  const rows: (readonly Json[])[] = [];
  const take: TakeRows = (names, more) => {
    columns = names;
    if (rows.length + more.length > MAX_ROWS)
      throw new TooManyRows(
        `The query has more than ${MAX_ROWS.toLocaleString('en-US')} rows, which no table shows; add a LIMIT, or take --json, which has no such bound.`,
      );
    for (const row of more) rows.push(row);
    return true;
  };
  await streamQuery(folder, sql, take, interrupted);
  return { columns, rows };
}

class TooManyRows extends Error {}

/**
 * Runs one SQL query on a run's store, and hands its rows on as they come: memory does not grow with their number. The store is opened for reading only, and the query cannot reach other files
 * or the network, so that a query from a colleague is safe to try.
 * @param interrupted ends a query that takes too long
 * @throws Error with one clear sentence: no store, not readable, interrupted, or what is wrong with the query
 */
export async function streamQuery(
  folder: string,
  sql: string,
  take: TakeRows,
  interrupted?: AbortSignal,
): Promise<void> {
  await withStore(folder, async (connection) => {
    let again: ReturnType<typeof setInterval> | undefined;
    // Not once: what comes between two pieces of a streamed result is lost.
    const interrupt = (): void => {
      connection.interrupt();
      again ??= setInterval(() => connection.interrupt(), INTERRUPT_EVERY_MS);
    };
    interrupted?.addEventListener('abort', interrupt, { once: true });
    try {
      const result = await connection.stream(sql);
      const columns = result.columnNames();
      // Also where there are no rows.
      await take(columns, []);
      for await (const rows of result.yieldRowsJson()) if (!(await take(columns, rows))) return;
    } catch (error) {
      if (error instanceof TooManyRows) throw error;
      throw new Error(
        `Cannot run the query: ${reasonOf(error).replace(/^Failed to extract statements: /, '')}.`,
      );
    } finally {
      clearInterval(again);
      interrupted?.removeEventListener('abort', interrupt);
    }
  });
}

/** Opens a run's store for reading, does something with it, and closes it whatever happens. */
export async function withStore<Result>(
  folder: string,
  act: (connection: DuckDBConnection) => Promise<Result>,
): Promise<Result> {
  const file = path.join(folder, RUN_DUCKDB);
  if (!existsSync(file)) throw new Error(`There is no ${RUN_DUCKDB} in "${folder}".`);
  let instance: DuckDBInstance;
  try {
    instance = await DuckDBInstance.create(file, {
      access_mode: 'READ_ONLY',
      enable_external_access: 'false',
      lock_configuration: 'true',
    });
  } catch (error) {
    throw new Error(`Cannot read "${file}": ${reasonOf(error)}.`);
  }
  try {
    const connection = await instance.connect();
    try {
      return await act(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}
