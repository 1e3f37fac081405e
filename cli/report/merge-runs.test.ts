import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Tags } from '../../metrics/catalogue.ts';
import { type MetricSummary, Registry } from '../../metrics/registry.ts';
import { SCHEMA, type SessionRecord, type Summary } from '../../metrics/summary.ts';
import { judgeGenerator } from '../../metrics/verdict.ts';
import { queryRun } from '../../sinks/query.ts';
import { createRunFolder } from '../../sinks/run-folder.ts';
import { syntheticRunInfo } from '../../sinks/synthetic-run.ts';
import { mergeRuns } from './merge-runs.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'streamgauge-merge-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const startMs = Date.UTC(2026, 10, 23, 18, 0, 0);
const SECONDS = 130;

/** Reproducible, spread over three decades. */
function sampler(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return 10 ** (1 + 3 * (state / 2 ** 32));
  };
}

interface Shaped {
  readonly scenario?: unknown;
  readonly generatorBusy?: number;
  readonly exitCode?: number;
}

/** Writes the folders of shards, and adds the same samples up in one registry: what a single process would have. */
async function writeShards(count: number, shape: (number: number) => Shaped = () => ({})): Promise<Registry> {
  const whole = new Registry();
  const sample = sampler(7);
  const shards = Array.from({ length: count }, (_, index) => {
    const { scenario = { name: 'peak', thresholds: { first_frame_ms: ['p(95)<100000'] } } } = shape(
      index + 1,
    );
    const info = {
      ...syntheticRunInfo('peak', scenario),
      id: `run-${index + 1}`,
      shard: { number: index + 1, count },
    };
    return {
      info,
      registry: new Registry(),
      sinks: createRunFolder({ folder: path.join(folder, `shard-${index + 1}`) }),
    };
  });
  for (const { info, sinks } of shards) await sinks.open(info);
  for (let second = 1; second <= SECONDS; second++) {
    const timeMs = startMs + second * 1_000;
    for (const [index, { registry, sinks }] of shards.entries()) {
      // The last shard has nothing to do after a while: its store is shorter.
      if (index === count - 1 && second > 50) continue;
      const tags: Tags = { protocol: 'rtmp', stream: `live/${second % 3}`, cohort: 'all' };
      for (let i = 0; i < 5; i++) {
        const ms = sample();
        for (const to of [whole, registry]) {
          to.series('first_frame_ms', tags).add(ms);
          to.series('stall_ratio', tags).add(ms, 100_000);
          to.series('bytes_received', tags).add(Math.round(ms));
          to.series('received_bps', tags).add(ms);
        }
      }
      registry.series('viewers', tags).add(index + 1);
      registry.series('generator_cpu', { node: 'viewers-1' }).add(0.1 * (index + 1));
      whole.series('generator_cpu', { node: `${index + 1}.viewers-1` }).add(0.1 * (index + 1));
      sinks.second(registry.cut(timeMs));
    }
    const watching = second > 50 ? (count * (count - 1)) / 2 : (count * (count + 1)) / 2;
    whole.series('viewers', { protocol: 'rtmp', stream: `live/${second % 3}`, cohort: 'all' }).add(watching);
    whole.cut(timeMs);
  }
  for (const [index, { info, registry, sinks }] of shards.entries()) {
    const { generatorBusy = 0, exitCode = 0 } = shape(index + 1);
    for (let i = 0; i < 10; i++) sinks.session(session(index * 10 + i));
    const figures = {
      cpu: 0.2,
      eventLoopLagMs: 3,
      seconds: 100,
      invalidSeconds: generatorBusy,
      droppedStarts: index,
    };
    const summary: Summary = {
      schema: SCHEMA,
      run: { ...info, durationMs: SECONDS * 1_000 },
      verdict: exitCode === 0 ? 'pass' : 'error',
      exitCode,
      metrics: registry.summaries(),
      thresholds: [],
      generator: judgeGenerator(figures, [], [{ shortage: 'cpu', sentence: 'Too busy.' }]),
      server: {},
      faults: [],
      errors: [{ code: 'reset', count: index + 1, example: 'The server reset the connection.' }],
    };
    await sinks.close(summary);
  }
  return whole;
}

function session(number: number): SessionRecord {
  return {
    startedMs: startMs + number,
    tags: { protocol: 'rtmp', stream: 'live/1', cohort: 'all' },
    result: number % 2 ? 'ended' : 'failed',
    phase: 'after-first-frame',
    reason: number % 2 ? null : 'reset',
    detail: `session ${number}`,
    figures: {
      connectMs: number,
      firstByteMs: null,
      firstFrameMs: number * 1.5,
      startupMs: null,
      joinLagMs: null,
      stallCount: 1,
      stallCountPlayer: 0,
      stallMs: 100.25,
      watchedMs: 9_000,
      playingMs: 8_000,
      bytesReceived: 5_000_000_000,
      mediaMs: 8_000,
      frames: 200,
      framesMissing: 2,
      reconnects: 0,
    },
  };
}

const folders = (...numbers: number[]): string[] =>
  numbers.map((number) => path.join(folder, `shard-${number}`));
const out = (): string => path.join(folder, 'whole');

/** Sums of floating-point numbers depend on the order in the last digits; what is counted and read off does not. */
function comparable(metrics: readonly MetricSummary[]) {
  return metrics
    .map(({ name, tags, values }) => ({
      series: `${name} ${JSON.stringify(Object.entries(tags).sort())}`,
      values: Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key, Number(value.toPrecision(12))]),
      ),
    }))
    .sort((a, b) => (a.series < b.series ? -1 : 1));
}

test('the figures of three shards together are those of one big run, percentile by percentile', async () => {
  const whole = await writeShards(3);
  const { summary } = await mergeRuns(folders(3, 1, 2), out());
  expect(summary.verdict).toBe('pass');
  expect(summary.exitCode).toBe(0);
  expect(comparable(summary.metrics)).toEqual(comparable(whole.summaries()));
  expect(summary.thresholds).toMatchObject([{ metric: 'first_frame_ms', ok: true }]);
  expect(summary.thresholds[0]?.observed).toBe(whole.total('first_frame_ms')?.read({ p: 95 }, 0));
  expect(summary.run.shard).toBeUndefined();
  expect(summary.generator).toMatchObject({ valid: true, seconds: 300, droppedStarts: 3 });
  expect(summary.errors).toEqual([{ code: 'reset', count: 6, example: 'The server reset the connection.' }]);
});

test('the store of the merged run holds every second and every session', async () => {
  await writeShards(2);
  await mergeRuns(folders(1, 2), out());
  const ask = async (sql: string) => (await queryRun(out(), sql)).rows;
  const [whole, one, two] = await Promise.all(
    [out(), ...folders(1, 2)].map(
      async (store) =>
        (await queryRun(store, "SELECT sum(count)::INT FROM series WHERE metric = 'first_frame_ms'"))
          .rows[0]?.[0],
    ),
  );
  expect(whole).toBe(Number(one) + Number(two));
  expect(
    await ask(
      'SELECT count(*)::INT, count(DISTINCT detail)::INT, max(bytes_received)::VARCHAR FROM sessions',
    ),
  ).toEqual([[20, 20, '5000000000']]);
  expect(await ask("SELECT DISTINCT node FROM series WHERE metric = 'generator_cpu' ORDER BY 1")).toEqual([
    ['1.viewers-1'],
    ['2.viewers-1'],
  ]);
  expect(await ask("SELECT max(value) FROM series WHERE metric = 'viewers'")).toEqual([[3]]);
});

test('a missing shard makes it no pass, and is named', async () => {
  await writeShards(3);
  const { summary } = await mergeRuns(folders(1, 3), out());
  expect(summary).toMatchObject({ verdict: 'error', exitCode: 1 });
  expect(summary.errors[0]?.example).toContain('Shard 2 of 3 is not among the folders');
});

test('a shard whose generator was too busy makes the whole inconclusive', async () => {
  await writeShards(2, (number) => ({ generatorBusy: number === 2 ? 40 : 0 }));
  const { summary } = await mergeRuns(folders(1, 2), out());
  expect(summary).toMatchObject({ verdict: 'inconclusive', exitCode: 96 });
  expect(summary.generator.reasons.join()).toMatch(/^Shard 2: /);
});

test('a shard that broke makes it no pass', async () => {
  await writeShards(2, (number) => ({ exitCode: number === 1 ? 95 : 0 }));
  const { summary } = await mergeRuns(folders(1, 2), out());
  expect(summary).toMatchObject({ verdict: 'error', exitCode: 1 });
  expect(summary.errors[0]?.example).toContain('Shard 1 has not done its share (exit code 95');
});

test('what does not belong together is refused', async () => {
  await writeShards(2, (number) => ({ scenario: { name: 'peak', seed: number } }));
  await expect(mergeRuns(folders(1, 2), out())).rejects.toThrow('are not of one run: their scenarios differ');
  await expect(mergeRuns(folders(1, 1), out())).rejects.toThrow('are both shard 1; name one of them');
  await expect(mergeRuns([], out())).rejects.toThrow('No folders were named');
  await expect(mergeRuns([path.join(folder, 'nowhere')], out())).rejects.toThrow('there is no such file');
  await expect(mergeRuns(folders(1), folders(1)[0])).rejects.toThrow(
    'is the folder of shard 1; name another one',
  );
});
