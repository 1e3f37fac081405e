/** The search for the capacity, against servers whose capacity is known exactly. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CapacityReport } from '../metrics/capacity.ts';
import { type CliResult, type RunningCli, runCli, startCli } from './kit/cli.ts';
import { type LimitedServer, startLimitedServer } from './kit/limited-server.ts';

let folder: string;
let server: LimitedServer | null = null;
let running: RunningCli | null = null;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-capacity-'));
});
afterEach(async () => {
  await running?.stop();
  await server?.stop();
  [running, server] = [null, null];
  await rm(folder, { recursive: true, force: true });
});

/** Short levels: the servers here do the same in every second. */
const short = ['--hold', '2s', '--ramp', '300ms', '--rest', '100ms', '--patience', '12', '--player', 'plain'];

function reportOf({ stdout, stderr, code }: CliResult): CapacityReport {
  try {
    return JSON.parse(stdout) as CapacityReport;
  } catch {
    throw new Error(`No report on standard output (exit ${code}):\n${stdout}\n${stderr}`);
  }
}

/** What was found of each load. A busy machine makes a level inconclusive; it is held once more then. */
const verdicts = ({ levels }: CapacityReport): string[] =>
  [
    ...new Set(
      levels
        .filter(({ verdict }) => verdict !== 'inconclusive')
        .map(({ load, verdict }) => `${load} ${verdict}`),
    ),
  ].sort();

const saved = async (): Promise<CapacityReport> =>
  JSON.parse(await readFile(path.join(folder, 'capacity.json'), 'utf8')) as CapacityReport;

it('a server that refuses the 14th viewer carries 13: found although the search is killed, interrupted and taken up again', async () => {
  server = await startLimitedServer({ capacity: 13, beyond: 'refuse' });
  const search = [
    ...['capacity', server.url, ...short, '--start', '12', '--step', '+2', '--resolution', '1'],
    ...['--out', folder, '--json'],
  ];
  running = startCli(search);
  await running.sees(/12 viewers · carried/);
  running.child.kill('SIGKILL');
  await running.done;
  const first = await saved();
  expect(first).toMatchObject({ state: 'searching', exitCode: null });
  expect(verdicts(first)).toEqual(['12 good']);
  expect(existsSync(path.join(folder, 'capacity.json.unfinished'))).toBe(false);

  running = startCli(['capacity', '--resume', folder]);
  await running.sees(/viewers playing/);
  const other = await runCli(['watch', server.url, '--duration', '1s', '--out', folder]);
  expect(other.code).toBe(104);
  expect(other.stderr).toContain(
    `Another run (process ${running.child.pid}) has been writing to "${folder}"`,
  );
  await running.sees(/14 viewers · too much/);
  running.child.kill('SIGINT');
  const stopped = await running.done;
  expect(stopped.code).toBe(105);
  expect(stopped.stdout).toMatch(/Not finished.*at least 12 viewers/);
  expect(stopped.stdout).toContain('--resume');

  const changed = await runCli([...search, '--resume', folder, '--threshold', 'stall_ratio:value<0.5']);
  expect(changed.code).toBe(104);
  expect(changed.stderr).toMatch(/begun with another scenario/);

  const report = reportOf(await runCli([...search, '--resume', folder, '--require', '13']));
  expect(report).toMatchObject({ state: 'done', exitCode: 0, require: 13 });
  expect(verdicts(report)).toEqual(['12 good', '13 good', '14 bad']);
  expect(report.levels.slice(0, first.levels.length)).toEqual(first.levels);
  expect(report.answer).toMatchObject({ outcome: 'found', capacity: 13, low: 13, high: 14 });
  const [crossed] = report.answer!.limit!.crossed;
  expect(crossed).toMatchObject({ metric: 'start_failure_ratio', observed: 1 / 14 });
  expect(server.mostViewers).toBe(13);
  // The server is in this process, whose figures are found by its port.
  expect(report.levels.every(({ server }) => typeof server['cpu'] === 'number')).toBe(true);

  const markdown = await readFile(path.join(folder, 'capacity.md'), 'utf8');
  expect(markdown).toContain('This server carries 13 viewers (14 were too many).');
  const page = await readFile(path.join(folder, 'capacity.html'), 'utf8');
  expect(page).toContain('<strong>13 viewers</strong>');
  expect(page).not.toMatch(/(?:src|href)="http/);

  // A finished search only tells its answer again; that more is required now is another matter.
  const again = await runCli(['capacity', '--resume', folder, '--require', '14']);
  expect(again.code).toBe(99);
  expect(again.stdout).toMatch(/Required were 14 viewers: not met/);
});

it('a server that has bandwidth for 12 viewers carries 12', async () => {
  server = await startLimitedServer({ capacity: 12, beyond: 'share' });
  const report = reportOf(
    await runCli([
      ...['capacity', server.url, ...short, '--repeats', '1'],
      ...['--start', '8', '--step', '+4', '--resolution', '4', '--out', folder, '--json'],
    ]),
  );
  expect(report.exitCode).toBe(0);
  expect(report.answer).toMatchObject({ outcome: 'found', capacity: 12, high: 16 });
  expect(report.answer!.limit!.crossed.map(({ metric }) => metric)).toContain('stall_ratio');
});

it('new sessions per second, with a scenario that publishes to the reference stack', async () => {
  const scenario = path.join(folder, 'arrivals.yaml');
  await writeFile(
    scenario,
    `name: arrivals
target: reference
publishers: [{ stream: live/a, source: recording, gop: 1s }]
viewers: [{ protocol: http-flv, stream: live/a, executor: constant-arrival-rate, rate: 1, duration: 10s, watch: 1s }]
thresholds: { start_failure_ratio: ["value<0.01"] }
`,
  );
  const report = reportOf(
    await runCli([
      ...['capacity', '--scenario', scenario, ...short, '--start', '2', '--max', '4', '--repeats', '1'],
      ...['--out', path.join(folder, 'found'), '--json'],
    ]),
  );
  expect(report).toMatchObject({
    of: 'arrival-rate',
    exitCode: 0,
    answer: { outcome: 'at-least', capacity: 4 },
  });
  const { server: stack } = report.levels.at(-1)!;
  expect(stack['cpu']).toBeGreaterThan(0);
  expect(stack['rssBytes']).toBeGreaterThan(20e6);
});

it('nobody there: unreachable', async () => {
  const url = 'http://127.0.0.1:1/live/a.flv';
  const { code, stdout } = await runCli(['capacity', url, ...short, '--out', folder]);
  expect(code).toBe(95);
  expect(stdout).toMatch(/The server does not answer/);
});

it('a server that carries nobody: not even the smallest load', async () => {
  server = await startLimitedServer({ capacity: 0, beyond: 'refuse' });
  const one = ['--start', '1', '--repeats', '1', '--out', folder];
  const { code, stdout } = await runCli(['capacity', server.url, ...short, ...one]);
  expect(code).toBe(99);
  expect(stdout).toMatch(/Not even the smallest load, 1 viewer, met the thresholds/);
});

it('a largest load that this machine has no files for is refused before the search, with the command that helps', async () => {
  server = await startLimitedServer({ capacity: 13, beyond: 'refuse' });
  const much = ['--max', '1000000', '--out', folder];
  const { code, stdout } = await runCli(['capacity', server.url, ...short, ...much]);
  expect(code).toBe(104);
  expect(stdout).toMatch(/may have \d+ open files.*prlimit|ulimit -n/);
  expect(server.mostViewers).toBe(0);
});
