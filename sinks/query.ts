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

/**
 * Runs one SQL query on a run's store. The store is opened for reading only, and the query cannot reach other files
 * or the network, so that a query from a colleague is safe to try.
 * @param interrupted ends a query that takes too long
 * @throws Error with one clear sentence: no store, not readable, interrupted, or what is wrong with the query
 */
export async function queryRun(folder: string, sql: string, interrupted?: AbortSignal): Promise<QueryResult> {
  return withStore(folder, async (connection) => {
    const interrupt = (): void => connection.interrupt();
    interrupted?.addEventListener('abort', interrupt, { once: true });
    try {
      const reader = await connection.runAndReadAll(sql);
      return { columns: reader.columnNames(), rows: reader.getRowsJson() };
    } catch (error) {
      throw new Error(`Cannot run the query: ${reasonOf(error)}.`);
    } finally {
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
