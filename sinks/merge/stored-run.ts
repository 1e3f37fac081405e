import type { DuckDBConnection } from '@duckdb/node-api';
import { findMetric, type Reason, tagNames } from '../../metrics/catalogue.ts';
import type { Point } from '../../metrics/point.ts';
import type { SessionRecord } from '../../metrics/summary.ts';
import { type StoredRow, toPoint } from '../stored-points.ts';

/** What is read at a time: a store of hours shall not have to fit into memory. */
const WINDOW_MS = 60_000;
const SESSIONS_AT_A_TIME = 5_000;

/** One second of a store. */
export interface StoredSecond {
  readonly timeMs: number;
  readonly points: readonly Point[];
}

/** All seconds of an open store in order of time, as exact as they were measured. */
export async function* storedSeconds(connection: DuckDBConnection): AsyncGenerator<StoredSecond> {
  const bounds = await connection.runAndReadAll(
    'SELECT epoch_ms(min(time))::DOUBLE AS first, epoch_ms(max(time))::DOUBLE AS last FROM series',
  );
  const { first, last } = bounds.getRowObjectsJS()[0] as { first: number | null; last: number | null };
  if (first === null || last === null) return;
  for (let fromMs = first; fromMs <= last; fromMs += WINDOW_MS) {
    const reader = await connection.runAndReadAll(
      `SELECT * REPLACE (epoch_ms(time)::DOUBLE AS time) FROM series
        WHERE time >= epoch_ms(${fromMs}::BIGINT) AND time < epoch_ms(${fromMs + WINDOW_MS}::BIGINT) ORDER BY time`,
    );
    const rows = reader.getRowObjectsJS() as StoredRow[];
    let points: Point[] = [];
    for (const [index, row] of rows.entries()) {
      const point = toPoint(row);
      if (point) points.push(point);
      const next = rows[index + 1];
      if (next !== undefined && next['time'] === row['time']) continue;
      yield { timeMs: Number(row['time']), points };
      points = [];
    }
  }
}

/** All sessions of an open store, some at a time. */
export async function* storedSessions(connection: DuckDBConnection): AsyncGenerator<SessionRecord[]> {
  for (let from = 0; ; from += SESSIONS_AT_A_TIME) {
    const reader = await connection.runAndReadAll(
      `SELECT * REPLACE (epoch_ms(started_at)::DOUBLE AS started_at, bytes_received::DOUBLE AS bytes_received) FROM sessions
        WHERE rowid >= ${from} AND rowid < ${from + SESSIONS_AT_A_TIME}`,
    );
    const rows = reader.getRowObjectsJS() as StoredRow[];
    if (rows.length === 0) return;
    yield rows.map(toSession);
  }
}

/** Tags that a session has: those that a metric of its viewers may have. */
const sessionTags = findMetric('sessions_failed')?.tags ?? [];

function toSession(row: StoredRow): SessionRecord {
  const text = (name: string): string => String(row[name] ?? '');
  const figure = (name: string): number => Number(row[name] ?? 0);
  const figureOrNull = (name: string): number | null => (row[name] == null ? null : Number(row[name]));
  const tags = Object.fromEntries(
    tagNames
      .filter((name) => name !== 'reason' && sessionTags.includes(name) && row[name] !== null)
      .map((name) => [name, text(name)]),
  );
  return {
    startedMs: figure('started_at'),
    tags,
    result: text('result') as SessionRecord['result'],
    phase: text('phase') as SessionRecord['phase'],
    reason: row['reason'] === null ? null : (text('reason') as Reason),
    detail: text('detail'),
    figures: {
      connectMs: figureOrNull('connect_ms'),
      firstByteMs: figureOrNull('first_byte_ms'),
      firstFrameMs: figureOrNull('first_frame_ms'),
      startupMs: figureOrNull('startup_ms'),
      joinLagMs: figureOrNull('join_lag_ms'),
      stallCount: figure('stall_count'),
      stallCountPlayer: figure('stall_count_player'),
      stallMs: figure('stall_ms'),
      watchedMs: figure('watched_ms'),
      playingMs: figure('playing_ms'),
      bytesReceived: figure('bytes_received'),
      mediaMs: figure('media_ms'),
      frames: figure('frames'),
      framesMissing: figure('frames_missing'),
      reconnects: figure('reconnects'),
    },
  };
}
