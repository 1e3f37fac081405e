/**
 * One run shared by two processes that begin at the same moment, as two machines would, and merged afterwards: every
 * viewer and every publisher of the scenario is there once, and the figures are those of one run.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Summary } from '../metrics/summary.ts';
import { type IngestHandle, startIngest } from '../server/ingest/supervisor.ts';
import { builtEntry } from './kit/built-entry.ts';
import { type CliResult, runCli, summaryOf, valuesOf } from './kit/cli.ts';

let folder: string;
let server: IngestHandle;
let scenario: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-shards-'));
  server = await startIngest({ entry: builtEntry('server/ingest/process') });
  scenario = path.join(folder, 'shared.yaml');
  await writeFile(
    scenario,
    `name: shared
target: { rtmp: "${server.rtmpUrl}", http: "${server.httpUrl}" }
publishers:
  - { stream: "live/room-{1..3}", source: recording, gop: 1s }
viewers:
  - { protocol: http-flv, stream: "live/room-{1..3}", executor: constant-viewers, viewers: 7, ramp: 2s, duration: 8s }
  - { protocol: rtmp, stream: "live/room-{1..3}", executor: constant-arrival-rate, rate: 2, duration: 5s, watch: 2s }
thresholds:
  sessions_playing: ["count==17"]
  first_frame_ms: ["p(95)<5000"]
`,
  );
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const inFolder = (name: string): string => path.join(folder, name);

async function summaryFile(name: string): Promise<Summary> {
  return JSON.parse(await readFile(path.join(inFolder(name), 'summary.json'), 'utf8'));
}

/** Seconds since 1970 of a moment by which two processes have started. */
const soon = (seconds: number): string => String(Math.ceil(Date.now() / 1_000) + seconds);

it('two shards publish, watch and are merged like one run', async () => {
  const startAt = soon(15);
  const shards = await Promise.all(
    [1, 2].map((number) =>
      runCli([
        'run',
        scenario,
        '--shard',
        `${number}/2`,
        '--start-at',
        startAt,
        '--out',
        inFolder(`shard-${number}`),
        '--json',
      ]),
    ),
  );
  for (const shard of shards) expect([0, 96], shard.stderr).toContain(shard.code);
  const [one, two] = (await Promise.all([summaryFile('shard-1'), summaryFile('shard-2')])) as [
    Summary,
    Summary,
  ];
  expect(one.run.shard).toEqual({ number: 1, count: 2 });
  // Shares, whose thresholds nobody judges yet.
  expect(one.thresholds).toEqual([]);
  const started = (summary: Summary): number => valuesOf(summary, 'sessions_started').count ?? 0;
  expect([started(one), started(two)]).toEqual([9, 8]);
  const published = (summary: Summary): string[] =>
    summary.metrics.flatMap(({ name, tags }) => (name === 'frames_sent' && tags.stream ? [tags.stream] : []));
  expect(new Set(published(one))).toEqual(new Set(['live/room-1', 'live/room-3']));
  expect(new Set(published(two))).toEqual(new Set(['live/room-2']));

  const merged = await runCli([
    'report',
    'merge',
    inFolder('shard-1'),
    inFolder('shard-2'),
    '--out',
    inFolder('whole'),
    '--json',
  ]);
  // 96: this machine was too busy for one of the shards to be believed; never a pass that hides it.
  expect(merged.code, merged.stderr).toBe(shards.every(({ code }) => code === 0) ? 0 : 96);
  const whole = summaryOf(merged);
  expect(started(whole)).toBe(17);
  expect(whole.thresholds.map(({ ok }) => ok)).toEqual([true, true]);
  const bytes = (summary: Summary): number => valuesOf(summary, 'bytes_received').count ?? 0;
  expect(bytes(whole)).toBe(bytes(one) + bytes(two));
  expect(valuesOf(whole, 'first_frame_ms').count).toBe(17);

  const count = await runCli([
    'report',
    inFolder('whole'),
    '--sql',
    'select count(*) from sessions',
    '--json',
  ]);
  expect(JSON.parse(count.stdout)).toEqual([{ 'count_star()': '17' }]);
  expect(await readFile(path.join(inFolder('whole'), 'report.html'), 'utf8')).toContain('shared');
});

it.concurrent.each<[string, string[], number, RegExp]>([
  [
    'a moment that has passed',
    ['--shard', '1/2', '--start-at', '2026-01-01T00:00:00Z'],
    2,
    /--start-at: .* ago; name a moment to come\./,
  ],
  [
    'no number of a shard',
    ['--shard', '3/2'],
    2,
    /--shard: 3\/2 is not a shard: they are numbered from 1 to 2\./,
  ],
  [
    'a reference stack for each',
    ['--shard', '1/2', '--target', 'reference'],
    2,
    /--shard: each shard would start a reference stack of its own/,
  ],
])('refused: %s', async (_what, flags, code, sentence) => {
  const result = await runCli(['run', scenario, ...flags]);
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(sentence);
});

it('a shard that is not ready in time says so, and is no pass', async () => {
  const late: CliResult = await runCli([
    'run',
    scenario,
    '--start-at',
    soon(1),
    '--out',
    inFolder('late'),
    '--json',
  ]);
  expect(late.code).toBe(1);
  expect(summaryOf(late).errors[0]?.example).toMatch(
    /ready .* the start that was agreed on; name a later --start-at/,
  );
});

it('what is no shard is not merged', async () => {
  const whole = await runCli(['report', 'merge', inFolder('late')]);
  expect(whole.code).toBe(104);
  expect(whole.stderr).toMatch(/is a whole run, no shard of one/);
});
