/** The tables of `run.duckdb`. A column is described once: its name, type, and what goes into it. */
import type { DuckDBAppender } from '@duckdb/node-api';
import { DuckDBTimestampValue } from '@duckdb/node-api';
import { type Tags, tagNames } from '../metrics/catalogue.ts';
import type { Point } from '../metrics/point.ts';
import { type PointFigures, pointFigures } from '../metrics/point-figures.ts';
import type { RunInfo, SessionRecord } from '../metrics/summary.ts';

type ColumnType = 'VARCHAR' | 'DOUBLE' | 'INTEGER' | 'BIGINT' | 'TIMESTAMP';
type Value = string | number | null | undefined;

export interface Column<Row> {
  readonly name: string;
  readonly type: ColumnType;
  /** TIMESTAMP takes wall-clock milliseconds since the epoch. */
  readonly value: (row: Row) => Value;
}

/** A row with what it needs of its run. */
export interface Of<Record> {
  readonly record: Record;
  readonly run: RunInfo;
  readonly runStartedMs: number;
}

const tagColumns = <Record extends { tags: Tags }>(): Column<Of<Record>>[] =>
  tagNames.map((name) => ({
    name,
    type: 'VARCHAR',
    // Runs and shards of a run can be put together with UNION ALL and are still told apart.
    value: ({ record, run }) =>
      record.tags[name] ?? (name === 'run' ? run.id : name === 'scenario' ? run.name : null),
  }));

type SeriesRow = Of<Point> & { readonly figures: PointFigures };

export function seriesRow(record: Point, run: RunInfo, runStartedMs: number): SeriesRow {
  return { record, run, runStartedMs, figures: pointFigures(record) };
}

const figure = (name: keyof PointFigures, type: ColumnType = 'DOUBLE'): Column<SeriesRow> => ({
  name,
  type,
  value: ({ figures }) => figures[name],
});

/** One row per series and second. */
export const seriesColumns: readonly Column<SeriesRow>[] = [
  { name: 'time', type: 'TIMESTAMP', value: ({ record }) => record.timeMs },
  {
    name: 'second',
    type: 'INTEGER',
    value: ({ record, runStartedMs }) => Math.round((record.timeMs - runStartedMs) / 1000),
  },
  { name: 'metric', type: 'VARCHAR', value: ({ record }) => record.metric },
  { name: 'type', type: 'VARCHAR', value: ({ record }) => record.type },
  ...tagColumns<Point>(),
  figure('count', 'INTEGER'),
  figure('min'),
  figure('avg'),
  figure('p50'),
  figure('p90'),
  figure('p95'),
  figure('p99'),
  figure('max'),
  figure('value'),
  figure('sum'),
  figure('den'),
  {
    // A list in JSON: `histogram::INTEGER[]` in SQL. DuckDB's own list type takes ten times as long to append.
    name: 'histogram',
    type: 'VARCHAR',
    value: ({ record }) => (record.histogram ? JSON.stringify(record.histogram.buckets) : null),
  },
];

const session = (
  name: string,
  type: ColumnType,
  value: (record: SessionRecord) => Value,
): Column<Of<SessionRecord>> => ({ name, type, value: ({ record }) => value(record) });

/** One row per viewer session. */
export const sessionColumns: readonly Column<Of<SessionRecord>>[] = [
  session('started_at', 'TIMESTAMP', (record) => record.startedMs),
  ...tagColumns<SessionRecord>().map((column) =>
    column.name === 'reason' ? session('reason', 'VARCHAR', (record) => record.reason) : column,
  ),
  session('result', 'VARCHAR', (record) => record.result),
  session('phase', 'VARCHAR', (record) => record.phase),
  session('detail', 'VARCHAR', (record) => record.detail),
  session('connect_ms', 'DOUBLE', ({ figures }) => figures.connectMs),
  session('first_byte_ms', 'DOUBLE', ({ figures }) => figures.firstByteMs),
  session('first_frame_ms', 'DOUBLE', ({ figures }) => figures.firstFrameMs),
  session('startup_ms', 'DOUBLE', ({ figures }) => figures.startupMs),
  session('join_lag_ms', 'DOUBLE', ({ figures }) => figures.joinLagMs),
  session('stall_count', 'INTEGER', ({ figures }) => figures.stallCount),
  session('stall_count_player', 'INTEGER', ({ figures }) => figures.stallCountPlayer),
  session('stall_ms', 'DOUBLE', ({ figures }) => figures.stallMs),
  session('watched_ms', 'DOUBLE', ({ figures }) => figures.watchedMs),
  session('playing_ms', 'DOUBLE', ({ figures }) => figures.playingMs),
  session('bytes_received', 'BIGINT', ({ figures }) => figures.bytesReceived),
  session('media_ms', 'DOUBLE', ({ figures }) => figures.mediaMs),
  session('frames', 'INTEGER', ({ figures }) => figures.frames),
  session('frames_missing', 'INTEGER', ({ figures }) => figures.framesMissing),
  session('reconnects', 'INTEGER', ({ figures }) => figures.reconnects),
];

/** Statements that make the tables. */
export const createTables: readonly string[] = [
  `CREATE TABLE runs (id VARCHAR, name VARCHAR, started_at TIMESTAMP, duration_ms DOUBLE, version VARCHAR, target VARCHAR,
    host VARCHAR, verdict VARCHAR, exit_code INTEGER, lost BIGINT, summary VARCHAR)`,
  createTable('series', seriesColumns),
  createTable('sessions', sessionColumns),
];

function createTable<Row>(name: string, columns: readonly Column<Row>[]): string {
  return `CREATE TABLE ${name} (${columns.map((column) => `"${column.name}" ${column.type}`).join(', ')})`;
}

/** Appends one row; the appender must be that of the columns' table. */
export function appendRow<Row>(appender: DuckDBAppender, columns: readonly Column<Row>[], row: Row): void {
  for (const { type, value } of columns) appendValue(appender, type, value(row));
  appender.endRow();
}

function appendValue(appender: DuckDBAppender, type: ColumnType, value: Value): void {
  // A figure that is no number is no figure: integer columns would throw, and a row must never end half-written.
  const missing =
    value === null || value === undefined || (typeof value === 'number' && !Number.isFinite(value));
  if (missing) appender.appendNull();
  else write[type](appender, value);
}

const write: Record<ColumnType, (appender: DuckDBAppender, value: string | number) => void> = {
  VARCHAR: (appender, value) => appender.appendVarchar(String(value)),
  DOUBLE: (appender, value) => appender.appendDouble(Number(value)),
  INTEGER: (appender, value) =>
    appender.appendInteger(Math.max(-0x8000_0000, Math.min(0x7fff_ffff, Math.round(Number(value))))),
  BIGINT: (appender, value) => appender.appendBigInt(BigInt(Math.round(Number(value)))),
  TIMESTAMP: (appender, value) =>
    appender.appendTimestamp(new DuckDBTimestampValue(BigInt(Math.round(Number(value) * 1000)))),
};
