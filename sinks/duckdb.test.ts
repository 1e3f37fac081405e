import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDuckdbSink } from './duckdb.ts';
import { queryRun } from './query.ts';
import { readStoredPoints } from './stored-points.ts';
import { makeSyntheticRun } from './synthetic-run.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-duckdb-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const first = async (sql: string) => (await queryRun(folder, sql)).rows[0];

describe('run.duckdb', () => {
  it('answers what a load engineer asks, in SQL', async () => {
    const given = makeSyntheticRun({ viewersPerStream: 40 });
    const sink = createDuckdbSink({ folder });
    await sink.open(given.run);
    for (const points of given.seconds) sink.second(points);
    for (const session of given.sessions) sink.session(session);
    await sink.close(given.summary);

    const failed = given.sessions.filter((session) => session.result === 'failed').length;
    expect(
      await first(
        `SELECT count(*)::INT FROM sessions WHERE reason = 'not-found' AND phase = 'before-first-frame'`,
      ),
    ).toEqual([failed]);
    const firstFrames = given.sessions
      .flatMap(({ figures }) => figures.firstFrameMs ?? [])
      .sort((a, b) => a - b);
    expect(await first('SELECT quantile_disc(first_frame_ms, 0.5) FROM sessions')).toEqual([
      firstFrames[Math.ceil(firstFrames.length / 2) - 1],
    ]);

    const stalls = given.summary.metrics.find(
      ({ name, tags }) => name === 'stall_count' && Object.keys(tags).length === 0,
    );
    expect(await first(`SELECT sum(value) FROM series WHERE metric = 'stall_count'`)).toEqual([
      stalls?.values.count,
    ]);
    expect(await first(`SELECT min(second), max(second) FROM series`)).toEqual([1, 60]);
    expect(await first(`SELECT DISTINCT scenario, run FROM series`)).toEqual(['evening-peak', given.run.id]);
    expect(await first(`SELECT time::VARCHAR FROM series WHERE second = 1 LIMIT 1`)).toEqual([
      '2026-11-23 18:00:01',
    ]);
    expect(await first(`SELECT started_at::VARCHAR, duration_ms, exit_code FROM runs`)).toEqual([
      '2026-11-23 18:00:00',
      60_000,
      0,
    ]);
    // Exact histograms: buckets of one second can be added up to those of any span.
    expect(
      await first(
        `SELECT sum(count)::INT = sum(list_sum(list_filter(histogram::INTEGER[], (x, i) -> i % 2 = 0)))::INT FROM series WHERE metric = 'latency_ms'`,
      ),
    ).toEqual([true]);
  });

  it('keeps ten minutes of 42 series and 20,000 sessions', async () => {
    const streams = Array.from({ length: 5 }, (_, i) => `live/room-${i}`);
    const given = makeSyntheticRun({ seconds: 600, streams, viewersPerStream: 20 });
    const sink = createDuckdbSink({ folder });
    await sink.open(given.run);
    for (const points of given.seconds) sink.second(points);
    for (let i = 0; i < 20_000; i++) sink.session(given.sessions[i % given.sessions.length]!);
    await sink.close(given.summary);
    expect(sink.lost).toBe(0);
    expect(
      await first('SELECT (SELECT count(*) FROM series)::INT, (SELECT count(*) FROM sessions)::INT'),
    ).toEqual([given.seconds.flat().length, 20_000]);
    expect(await first('SELECT max(second) FROM series')).toEqual([600]);
  });

  it('gives points back exactly as they were', async () => {
    const given = makeSyntheticRun({ seconds: 8, troubleAt: 3 });
    const sink = createDuckdbSink({ folder });
    await sink.open(given.run);
    for (const points of given.seconds) sink.second(points);
    await sink.close(given.summary);

    const stored = await readStoredPoints(folder, [
      'latency_ms',
      'stall_count',
      'stall_ratio',
      'received_bps',
      'sessions_failed',
    ]);
    const wanted = new Set(['latency_ms', 'stall_count', 'stall_ratio', 'received_bps', 'sessions_failed']);
    const order = (points: typeof stored) =>
      points.map((point) => JSON.stringify(Object.entries(point).sort())).sort();
    const addRun = (point: (typeof stored)[number]) => ({
      ...point,
      tags: { ...point.tags, scenario: given.run.name, run: given.run.id },
    });
    const expected = given.seconds
      .flat()
      .filter(({ metric }) => wanted.has(metric))
      .map(addRun);
    const normal = (points: typeof stored) =>
      order(
        points.map((point) => ({ ...point, tags: Object.fromEntries(Object.entries(point.tags).sort()) })),
      );
    expect(normal(stored)).toEqual(normal(expected));
  });

  it('loses, and counts, what does not fit into its queue, and never waits', async () => {
    const given = makeSyntheticRun({ seconds: 4 });
    const sink = createDuckdbSink({ folder, maxQueued: 10 });
    await sink.open(given.run);
    const points = given.seconds.flat();
    sink.second(points);
    sink.session(given.sessions[0]!);
    expect(sink.lost).toBe(points.length - 10 + 1);
    await sink.close(given.summary);
    expect(await first('SELECT (SELECT count(*) FROM series)::INT, (SELECT lost FROM runs)::INT')).toEqual([
      10,
      points.length - 9,
    ]);
  });

  it('counts as lost what comes before it is open', () => {
    const given = makeSyntheticRun({ seconds: 1 });
    const sink = createDuckdbSink({ folder });
    sink.session(given.sessions[0]!);
    expect(sink.lost).toBe(1);
  });

  it('loses no more than the last seconds when the process is killed', async () => {
    const given = makeSyntheticRun({ seconds: 20 });
    const sink = createDuckdbSink({ folder });
    await sink.open(given.run);
    for (const points of given.seconds) {
      sink.second(points);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    // What a killed process leaves: the file and its log as they lie there, never closed.
    const left = path.join(folder, 'left');
    await mkdir(left);
    for (const name of ['run.duckdb', 'run.duckdb.wal'])
      await copyFile(path.join(folder, name), path.join(left, name));
    const { rows } = await queryRun(left, 'SELECT max(second), (SELECT verdict FROM runs) FROM series');
    expect(rows[0]?.[0]).toBeGreaterThanOrEqual(15);
    expect(rows[0]?.[1]).toBeNull();
    await sink.close(given.summary);
  });

  it('leaves one file that needs no other, and replaces that of an earlier run', async () => {
    for (const name of ['first', 'second']) {
      const given = makeSyntheticRun({ seconds: 2, name });
      const sink = createDuckdbSink({ folder });
      await sink.open(given.run);
      for (const points of given.seconds) sink.second(points);
      await sink.close(given.summary);
    }
    expect(await readdir(folder)).toEqual(['run.duckdb']);
    expect((await queryRun(folder, 'SELECT name FROM runs')).rows).toEqual([['second']]);
  });
});
