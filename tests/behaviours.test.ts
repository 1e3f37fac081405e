/** What viewers do other than watch, as a user runs it: one scenario with all behaviours, against the reference server. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CliResult, runCli, summaryOf } from './kit/cli.ts';
import { startSocketServer } from './kit/scripted-server.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-behaviours-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(scenario: string): Promise<CliResult> {
  const file = path.join(folder, 'scenario.yaml');
  await writeFile(file, scenario);
  return runCli(['run', file, '--json', '--out', path.join(folder, 'out')]);
}

it('zappers, slow readers, pauses, floods and idle sockets', async ({ onTestFinished }) => {
  // Has enough of whoever says nothing for a second.
  const impatient = await startSocketServer((socket) => {
    const timer = setTimeout(() => socket.end(), 1000);
    socket.once('close', () => clearTimeout(timer));
  });
  onTestFinished(() => impatient.stop());
  const duration = 'executor: constant-viewers, duration: 10s';
  const result = await run(`
name: behaviours
target: reference
publishers:
  - { stream: "live/{1..3}", source: recording, gop: 1s, bitrate: 600k }
viewers:
  - { name: zapper, protocol: http-flv, stream: "live/{1..3}", ${duration}, viewers: 3,
      popularity: zipf, behaviour: { kind: zapper, every: 2s } }
  - { name: slow, protocol: http-flv, stream: live/1, ${duration}, viewers: 2,
      behaviour: { kind: slow-reader, rate: 300k } }
  - { name: live, protocol: rtmp, stream: live/2, ${duration}, viewers: 2,
      behaviour: { kind: pause-and-return, after: 2s, for: 3s, return: live } }
  - { name: anew, protocol: ws-flv, stream: live/3, ${duration}, viewers: 2,
      behaviour: { kind: pause-and-return, after: 2s, for: 3s, return: reconnect } }
  - { name: flood, protocol: rtmp, stream: live/1, executor: constant-arrival-rate, rate: 5, duration: 6s,
      behaviour: { kind: connect-only, handshake: true, hold: 200ms } }
  - { name: idle, url: "http://${impatient.url}/live/a.flv", ${duration}, viewers: 3, behaviour: idle }
  - { name: held, protocol: ws-flv, stream: live/1, ${duration}, viewers: 2,
      behaviour: { kind: connect-only, handshake: true, hold: 30s } }
options: { sourceAddresses: 127.0.0.2-127.0.0.4 }
thresholds: { connect_ms: [ "max<5000" ] }
`);
  const summary = summaryOf(result);
  expect(summary.errors, result.stderr).toEqual([]);
  expect([0, 96], result.stderr).toContain(result.code);
  /** Over all streams of a cohort. */
  const of = (metric: string, cohort: string) => {
    const series = summary.metrics.filter(
      ({ name, tags }) => name === metric && tags.cohort === cohort && tags.stream,
    );
    const values = series.map((one) => one.values as Record<string, number>);
    const numbers = (key: string) => values.flatMap((one) => one[key] ?? []);
    return {
      count: numbers('count').reduce((sum, count) => sum + count, 0),
      min: Math.min(...numbers('min')),
      max: Math.max(...numbers('max')),
    };
  };

  // Three seats, each with sessions at 0, 2, 4, 6 and 8 s.
  expect(of('sessions_started', 'zapper')).toMatchObject({ count: 15 });
  expect(of('first_frame_ms', 'zapper')).toMatchObject({ count: 15 });
  expect(of('sessions_ended', 'zapper')).toMatchObject({ count: 15 });

  expect(of('received_bps', 'slow').max).toBeLessThan(330_000);
  // Stalls of seconds in which this machine was too busy are kept apart.
  if (result.code === 0) expect(of('stall_ms', 'slow').count).toBeGreaterThan(2_000);

  // Watched 0 to 2 and 5 to 7 s, paused in between and after.
  for (const cohort of ['live', 'anew']) {
    expect(of('watched_ms', cohort).count).toBeGreaterThan(2 * 3_900);
    expect(of('watched_ms', cohort).count).toBeLessThan(2 * 4_300);
    expect(of('sessions_started', cohort)).toMatchObject({ count: 2 });
  }
  expect(of('stall_ms', 'live').count).toBeLessThan(500);
  expect(of('reconnect_ms', 'anew')).toMatchObject({ count: 2 });

  expect(of('sessions_started', 'flood')).toMatchObject({ count: 30 });
  // Those of the last moment may be cut short by the cohort's end.
  expect(of('connect_ms', 'flood').count).toBeGreaterThanOrEqual(28);
  expect(of('sessions_ended', 'flood')).toMatchObject({ count: 30 });
  expect(of('connect_ms', 'held')).toMatchObject({ count: 2 });

  expect(of('idle_tolerated_ms', 'idle')).toMatchObject({ count: 3 });
  expect(of('idle_tolerated_ms', 'idle').min).toBeGreaterThan(900);
  expect(of('idle_tolerated_ms', 'idle').max).toBeLessThan(1_500);
  for (const cohort of ['flood', 'idle', 'held'])
    expect(
      summary.metrics.filter(({ name, tags }) => name === 'start_failure_ratio' && tags.cohort === cohort),
    ).toEqual([]);
});
