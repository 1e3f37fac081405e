import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type MetricName, metricOf } from '../metrics/catalogue.ts';
import { Registry } from '../metrics/registry.ts';
import type { Sink } from '../metrics/sink.ts';
import type { RunInfo, Summary } from '../metrics/summary.ts';
import { type Influxd, startInfluxd } from '../tests/kit/influxd.ts';
import { requireTool } from '../tests/kit/tools.ts';
import { createInfluxdbSink, type InfluxdbSinkOptions } from './influxdb.ts';
import { influxdbFields } from './influxdb-point.ts';
import { describeSinkContract } from './sink-contract.ts';

const run: RunInfo = {
  id: 'run-1',
  name: 'smoke',
  startedAt: '2026-11-23T00:00:00.000Z',
  version: '0.0.0',
  host: { name: 'h', os: 'linux', cpu: 'c', cpus: 1, memoryBytes: 1, node: 'v20' },
};
// The sink does not look at the summary.
const summary = {} as Summary;
const timeMs = 1_700_000_000_000;

/** Points of one second: `series` counters of one byte each. */
function second(series: number, atMs = timeMs): ReturnType<Registry['cut']> {
  const registry = new Registry();
  for (let i = 0; i < series; i++) registry.series('bytes_received', { stream: `live/${i}` }).add(1);
  return registry.cut(atMs);
}

const program = requireTool('influxd', 'the InfluxDB sink against a real influxd');

describe.skipIf(program === null)('the InfluxDB sink on a real influxd', () => {
  let influxd: Influxd;
  beforeAll(async () => {
    influxd = await startInfluxd({ program: program ?? '', login: { user: 'admin', password: 'adm:n@1' } });
    await influxd.query('CREATE DATABASE made');
    await influxd.query("CREATE USER writer WITH PASSWORD 'wr1te'");
    await influxd.query('GRANT WRITE ON made TO writer');
    await influxd.query("CREATE USER nobody WITH PASSWORD 'n0body'");
  });
  afterAll(() => influxd?.stop());

  function sinkOf(login: string, database: string, said: string[] = []): Sink {
    return createInfluxdbSink({
      url: `http://${login}127.0.0.1:${influxd.port}/${database}`,
      log: (sentence) => said.push(sentence),
    });
  }

  it('creates the database and writes every type of metric where queries find it', async () => {
    const registry = new Registry();
    const tags = { protocol: 'http-flv', stream: 'live/room-1', cohort: 'flv' };
    for (const ms of [100, 200, 300]) registry.series('first_frame_ms', tags).add(ms);
    registry.series('bytes_received', tags).add(80_000);
    registry.series('viewers', tags).add(20);
    registry.series('stall_ratio', tags).add(10, 1_000);
    const sink = sinkOf('admin:adm%3An%401@', 'fresh');
    await sink.open(run);
    sink.second(registry.cut(timeMs));
    await sink.close(summary);
    expect(sink.lost).toBe(0);

    const rows = async (q: string): Promise<unknown[][]> =>
      (await influxd.query(q, 'fresh')).flatMap((series) => series.values);
    expect(await rows('SELECT "count","min","avg","max" FROM first_frame_ms')).toEqual([
      [timeMs, 3, 100, 200, 300],
    ]);
    expect(await rows('SELECT value FROM bytes_received')).toEqual([[timeMs, 80_000]]);
    expect(await rows('SELECT sum FROM viewers')).toEqual([[timeMs, 20]]);
    expect(await rows('SELECT num, den, value FROM stall_ratio')).toEqual([[timeMs, 10, 1_000, 0.01]]);
    expect((await rows('SHOW TAG KEYS FROM first_frame_ms')).flat().sort()).toEqual([
      'cohort',
      'protocol',
      'run',
      'scenario',
      'stream',
    ]);
  });

  it('writes 12,000 points of one second in batches and loses none', async () => {
    const sink = sinkOf('admin:adm%3An%401@', 'many');
    await sink.open(run);
    sink.second(second(12_000));
    await sink.close(summary);
    expect(sink.lost).toBe(0);
    const [series] = await influxd.query('SELECT count(value) FROM bytes_received', 'many');
    expect(series?.values[0]?.[1]).toBe(12_000);
  });

  it('writes streams whose names hold signs that the line protocol uses', async () => {
    const names = ['live/a b,c=d', 'live/"quoted"', 'live/ends\\', 'live/line\nbreak', 'live/ü'];
    const registry = new Registry();
    for (const stream of names) registry.series('bytes_received', { stream }).add(1);
    const sink = sinkOf('admin:adm%3An%401@', 'names');
    await sink.open(run);
    sink.second(registry.cut(timeMs));
    await sink.close(summary);
    expect(sink.lost).toBe(0);
    const found = await influxd.query('SHOW TAG VALUES FROM bytes_received WITH KEY = stream', 'names');
    expect(found[0]?.values.map(([, value]) => value).sort()).toEqual(
      ['live/a b,c=d', 'live/"quoted"', 'live/ends', 'live/line break', 'live/ü'].sort(),
    );
  });

  it('writes with a user who may only write into a database that is there', async () => {
    const sink = sinkOf('writer:wr1te@', 'made');
    await sink.open(run);
    sink.second(second(3));
    await sink.close(summary);
    expect(sink.lost).toBe(0);
  });

  describeSinkContract({
    name: 'influxdb',
    writesFolder: false,
    create: (folder) => sinkOf('admin:adm%3An%401@', path.basename(folder)),
    async inspect(folder, { seconds }) {
      const expected = new Map<string, number>();
      for (const { metric } of seconds.flat()) expected.set(metric, (expected.get(metric) ?? 0) + 1);
      for (const [metric, points] of expected) {
        const [field] = influxdbFields[metricOf(metric as MetricName).type];
        const [found] = await influxd.query(
          `SELECT count("${field}") FROM "${metric}"`,
          path.basename(folder),
        );
        expect([metric, found?.values[0]?.[1]]).toEqual([metric, points]);
      }
    },
  });

  it('says in one sentence that a login is wrong or missing, without the password', async () => {
    await expect(sinkOf('admin:s3cret@', 'fresh').open(run)).rejects.toThrow(
      `InfluxDB at http://127.0.0.1:${influxd.port}/fresh refused the login of "admin": check user and password in the address.`,
    );
    await expect(sinkOf('', 'fresh').open(run)).rejects.toThrow('wants a login');
  });

  it('says that a user may not write, and counts what it could not', async () => {
    const said: string[] = [];
    const sink = sinkOf('nobody:n0body@', 'made', said);
    await sink.open(run);
    sink.second(second(3));
    sink.second(second(3, timeMs + 1_000));
    await sink.close(summary);
    expect(sink.lost).toBe(6);
    expect(said).toEqual([
      expect.stringContaining('does not let "nobody" write'),
      expect.stringContaining('6 points could not be written'),
    ]);
    expect(said.join()).not.toContain('n0body');
  });

  it('makes a database again that somebody dropped in the middle of the run', async () => {
    const sink = sinkOf('admin:adm%3An%401@', 'dropped');
    await sink.open(run);
    await influxd.query('DROP DATABASE dropped');
    sink.second(second(2));
    await sink.close(summary);
    expect(sink.lost).toBe(0);
    expect(await influxd.query('SELECT * FROM bytes_received', 'dropped')).toHaveLength(1);
  });

  it('keeps the measurements of an outage and writes them when the database is back', async () => {
    const said: string[] = [];
    let heard = (): void => {};
    const sink = createInfluxdbSink({
      url: `http://admin:adm%3An%401@127.0.0.1:${influxd.port}/outage`,
      log: (sentence) => {
        said.push(sentence);
        heard();
      },
      limits: { firstRetryMs: 20, longestRetryMs: 50 },
    });
    await sink.open(run);
    await influxd.kill();
    const trouble = new Promise<void>((resolve) => {
      heard = resolve;
    });
    sink.second(second(5));
    await trouble;
    sink.second(second(5, timeMs + 1_000));
    const well = new Promise<void>((resolve) => {
      heard = resolve;
    });
    await influxd.restart();
    await well;
    await sink.close(summary);
    expect(sink.lost).toBe(0);
    expect(said).toEqual([
      expect.stringMatching(/does not answer \(.*\): the run goes on/),
      expect.stringContaining('takes measurements again; 0 points lost meanwhile'),
    ]);
    const [series] = await influxd.query('SELECT count(value) FROM bytes_received', 'outage');
    expect(series?.values[0]?.[1]).toBe(10);
  });
});

describe('the InfluxDB sink on a server that misbehaves', () => {
  let server: Server | null = null;
  afterEach(
    () =>
      new Promise<void>((resolve) => {
        server?.closeAllConnections();
        server ? server.close(() => resolve()) : resolve();
        server = null;
      }),
  );

  /** A server that answers with these statuses in turn, the last one for ever; 0 is silence. */
  async function sinkOn(statuses: number[], options: Partial<InfluxdbSinkOptions> = {}) {
    const requests: { path: string; lines: number }[] = [];
    const fake = createServer((request, response) => {
      let body = '';
      request.on('data', (piece) => {
        body += piece;
      });
      request.on('end', () => {
        requests.push({ path: request.url?.split('?')[0] ?? '', lines: body.split('\n').length });
        const status = statuses.length > 1 ? statuses.shift() : statuses[0];
        if (status === 0) return;
        response.writeHead(status ?? 204).end(status === 200 ? '{"results":[{}]}' : '');
      });
    });
    server = fake;
    await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve));
    const { port } = fake.address() as AddressInfo;
    const said: string[] = [];
    const sink = createInfluxdbSink({
      url: `http://127.0.0.1:${port}/db`,
      log: (sentence) => said.push(sentence),
      ...options,
    });
    return { sink, said, requests };
  }

  it('gives up opening on a server that accepts and says nothing', async () => {
    const { sink } = await sinkOn([0], { limits: { requestMs: 50 } });
    await expect(sink.open(run)).rejects.toThrow('does not answer (Request timed out)');
    await sink.close(summary);
  });

  it('says so when what answers is something else', async () => {
    const { sink } = await sinkOn([204]);
    await expect(sink.open(run)).rejects.toThrow('is no InfluxDB 1.x');
    await sink.close(summary);
  });

  it('goes on trying after a failed open, and says that it succeeded', async () => {
    const { sink, said } = await sinkOn([503, 503, 204], { limits: { firstRetryMs: 1 } });
    await expect(sink.open(run)).rejects.toThrow('the run goes on');
    sink.second(second(4));
    await sink.close(summary);
    expect(sink.lost).toBe(0);
    expect(said).toEqual([expect.stringContaining('takes measurements again')]);
  });

  it('sends no more than 5,000 points at once', async () => {
    const { sink, requests } = await sinkOn([200, 204]);
    await sink.open(run);
    sink.second(second(11_000));
    await sink.close(summary);
    expect(requests.filter(({ path }) => path === '/write').map(({ lines }) => lines)).toEqual([
      5_000, 5_000, 1_000,
    ]);
  });

  it('drops the oldest waiting points beyond the bound and counts each lost one once', async () => {
    const { sink } = await sinkOn([200, 0], {
      limits: { queuedPoints: 10, batchPoints: 4, requestMs: 50, closeMs: 20 },
    });
    await sink.open(run);
    for (let i = 0; i < 6; i++) sink.second(second(4, timeMs + i * 1_000));
    expect(sink.lost).toBe(14);
    await sink.close(summary);
    expect(sink.lost).toBe(24);
  });

  it('gives a batch up after the time limit and goes on with the next', async () => {
    const { sink, said } = await sinkOn([200, 500, 500, 204], {
      limits: { batchPoints: 3, firstRetryMs: 1, giveUpMs: 0 },
    });
    await sink.open(run);
    sink.second(second(9));
    await sink.close(summary);
    expect(sink.lost).toBe(6);
    expect(said.at(-1)).toContain('6 points lost meanwhile');
  });

  it('does not repeat what was refused for good', async () => {
    const { sink, requests } = await sinkOn([200, 400, 204]);
    await sink.open(run);
    sink.second(second(2));
    await sink.close(summary);
    expect(sink.lost).toBe(2);
    expect(requests).toHaveLength(2);
  });

  it('closes in bounded time, closes once, and takes nothing afterwards', async () => {
    const { sink } = await sinkOn([200, 0], { limits: { closeMs: 30 } });
    await sink.open(run);
    sink.second(second(2));
    await sink.close(summary);
    expect(sink.lost).toBe(2);
    sink.second(second(2));
    await sink.close(summary);
    expect(sink.lost).toBe(2);
  });
});
