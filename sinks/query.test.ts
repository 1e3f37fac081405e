import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDuckdbSink } from './duckdb.ts';
import { queryRun, streamQuery } from './query.ts';
import { makeSyntheticRun } from './synthetic-run.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-query-'));
  const given = makeSyntheticRun({ seconds: 3 });
  const sink = createDuckdbSink({ folder });
  await sink.open(given.run);
  for (const session of given.sessions) sink.session(session);
  await sink.close(given.summary);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('queryRun', () => {
  it('gives columns and rows as JSON has them', async () => {
    const result = await queryRun(
      folder,
      `SELECT protocol, count(*) AS sessions, sum(bytes_received)::BIGINT AS bytes FROM sessions GROUP BY 1 ORDER BY 1`,
    );
    expect(result).toEqual({
      columns: ['protocol', 'sessions', 'bytes'],
      rows: [
        ['http-flv', '20', '48000000'],
        ['rtmp', '20', '48000000'],
      ],
    });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it.each([
    ['DELETE FROM sessions', /^Cannot run the query: .*read-only/],
    [`COPY sessions TO '/tmp/streamgauge-stolen.csv'`, /^Cannot run the query: Permission Error: .*disabled/],
    [`SELECT * FROM read_csv('/etc/passwd')`, /^Cannot run the query: Permission Error: .*disabled/],
    [`SET enable_external_access = true`, /^Cannot run the query: .*(locked|Cannot)/],
    [`ATTACH 'other.duckdb'`, /^Cannot run the query: Permission Error/],
    ['SELEC 1', /^Cannot run the query: Parser Error: syntax error at or near "SELEC"\.$/],
    ['SELECT nothing FROM sessions', /^Cannot run the query: Binder Error: .*nothing/],
  ])('refuses %s in one sentence', async (sql, sentence) => {
    const error = await queryRun(folder, sql).then(
      () => null,
      (reason: Error) => reason,
    );
    expect(error?.message).toMatch(sentence);
    expect(error?.message.split('\n')).toHaveLength(1);
    expect((await queryRun(folder, 'SELECT count(*)::INT FROM sessions')).rows).toEqual([[40]]);
    expect(await readdir(folder)).toEqual(['run.duckdb']);
  });

  it('holds no more rows than a table can show, and hands on any number', async () => {
    const many = 'SELECT range AS number FROM range(300000)';
    await expect(queryRun(folder, many)).rejects.toThrow(
      /^The query has more than 100,000 rows, which no table shows; add a LIMIT, or take --json/,
    );
    let [rows, most] = [0, 0];
    await streamQuery(folder, many, (columns, more) => {
      expect(columns).toEqual(['number']);
      [rows, most] = [rows + more.length, Math.max(most, more.length)];
      return true;
    });
    expect(rows).toBe(300_000);
    expect(most).toBeLessThan(10_000);
    let calls = 0;
    await streamQuery(folder, many, () => ++calls < 3);
    expect(calls).toBe(3);
  });

  it('ends a query that would take for ever', async () => {
    const controller = new AbortController();
    const endless = queryRun(
      folder,
      'SELECT count(*) FROM range(10000000000) a, range(10000) b',
      controller.signal,
    );
    // Once the query has begun: one of the loop's turns after another, until it is interrupted.
    const interrupting = setInterval(() => controller.abort(), 50);
    await expect(endless).rejects.toThrow(/^Cannot run the query: .*[Ii]nterrupt/);
    clearInterval(interrupting);
  });

  it('says where it looked for a store', async () => {
    await expect(queryRun('/nowhere/run', 'SELECT 1')).rejects.toThrow(
      'There is no run.duckdb in "/nowhere/run".',
    );
  });

  it('says that a file is no store', async () => {
    const other = await mkdtemp(path.join(tmpdir(), 'streamgauge-query-'));
    try {
      await writeFile(path.join(other, 'run.duckdb'), 'this is not a database '.repeat(1000));
      await expect(queryRun(other, 'SELECT 1')).rejects.toThrow(
        /^Cannot read ".*run\.duckdb": .*not a valid DuckDB database.*$/,
      );
    } finally {
      await rm(other, { recursive: true });
    }
  });
});
