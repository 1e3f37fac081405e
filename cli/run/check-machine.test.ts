import { describe, expect, test } from 'vitest';
import type { FleetCohort } from '../../fleet/plan.ts';
import {
  checkMachine,
  lackOfFiles,
  lackOfPorts,
  neededFiles,
  parsePortRange,
  unusableAddress,
} from './check-machine.ts';
import type { RunPlan } from './plan-run.ts';

const cohort = (viewers: number, ...urls: string[]): FleetCohort => ({
  name: 'a',
  streams: urls.map((url) => ({ protocol: /m3u8/.test(url) ? 'hls' : 'http-flv', name: 'live/a', url })),
  shape: { kind: 'viewers', startViewers: viewers, stages: [{ durationMs: 1000, viewers }] },
  startMs: 0,
  watch: null,
  player: 'plain',
});
const plan = (cohorts: FleetCohort[], fleet: Partial<RunPlan['fleet']> = {}): RunPlan => ({
  fleet: { cohorts, seed: 1, clockBoundMs: 2, ...fleet },
  publishers: { publishers: [] },
  workers: 2,
  durationMs: 1000,
  mostViewers: 0,
});
const flv = 'http://10.0.0.1:8000/live/a.flv';

describe('open files', () => {
  test('one for each viewer, more for those of HLS, and some; a shard needs its share', () => {
    const none = neededFiles(plan([]));
    expect(none).toBeGreaterThan(100);
    expect(neededFiles(plan([cohort(5000, flv)]))).toBe(none + 5000);
    expect(neededFiles(plan([cohort(5000, 'http://h/a.m3u8')]))).toBe(none + 15_000);
    expect(neededFiles(plan([cohort(5001, flv)], { shard: { index: 1, count: 2 } }))).toBe(none + 2500);
  });

  test('the command that raises them: the soft limit by the shell, the hard one by root', () => {
    expect(lackOfFiles(1024, { soft: 1024, hard: 4096 })).toBeNull();
    expect(lackOfFiles(1025, { soft: 1024, hard: 4096 })).toMatch(/needs 1025 .*"ulimit -n 2000"/);
    expect(lackOfFiles(10_160, { soft: 4096, hard: 4096 })).toMatch(
      /"sudo prlimit --pid \$\$ --nofile=11000:11000"/,
    );
    expect(lackOfFiles(1e6, null)).toBeNull();
    expect(lackOfFiles(1e6, { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY })).toBeNull();
  });

  test('a run that this process cannot hold is refused before it begins', async () => {
    const endless = plan([cohort(1e9, flv)]);
    await expect(checkMachine(endless, () => {})).rejects.toMatchObject({
      exitCode: 104,
      message: expect.stringMatching(/^This process may have \d+ open files, .*--nofile=\d+.*\.$/),
    });
    await checkMachine(plan([cohort(1, flv)]), (sentence) => expect(sentence).toBe('nothing'));
  });
});

describe('ports', () => {
  const range = parsePortRange('32768\t60999\n');

  test('are read from /proc', () => {
    expect(range).toEqual({ first: 32_768, last: 60_999 });
    expect(parsePortRange('what')).toBeNull();
    expect(parsePortRange(null)).toBeNull();
  });

  test('are short where more viewers go to one address than there are, and not before', () => {
    expect(lackOfPorts(plan([cohort(28_232, flv)]), range)).toEqual([]);
    const [sentence, ...others] = lackOfPorts(plan([cohort(28_233, flv)]), range);
    expect(others).toEqual([]);
    expect(sentence).toMatch(
      /^28233 viewers of 10\.0\.0\.1:8000 .* 28232 \(32768 to 60999\): name 2 addresses/,
    );
    expect(sentence).toMatch(/ip_local_port_range='1024 65535'/);
  });

  test('count by server address over all cohorts; more sources have more', () => {
    const both = [cohort(20_000, flv), cohort(20_000, 'http://10.0.0.1:8000/live/b.flv')];
    expect(lackOfPorts(plan(both), range)).toHaveLength(1);
    expect(lackOfPorts(plan(both, { sourceAddresses: ['127.0.0.2', '127.0.0.3'] }), range)).toEqual([]);
    expect(lackOfPorts(plan([cohort(40_000, flv, 'http://10.0.0.2:8000/live/a.flv')]), range)).toEqual([]);
    expect(lackOfPorts(plan([cohort(40_000, 'rtmp://h/live/a')]), range)[0]).toContain('of h:1935');
    expect(lackOfPorts(plan(both), null)).toEqual([]);
  });
});

test('a source address that is none of this machine is refused', async () => {
  expect(await unusableAddress(['127.0.0.2', '127.0.0.3'])).toBeNull();
  // RFC 5737: an address of nobody.
  expect(await unusableAddress(['127.0.0.2', '192.0.2.7'])).toEqual({
    address: '192.0.2.7',
    code: 'EADDRNOTAVAIL',
  });
  const elsewhere = plan([cohort(1, flv)], { sourceAddresses: ['192.0.2.7'] });
  await expect(checkMachine(elsewhere, () => {})).rejects.toMatchObject({
    exitCode: 104,
    message: expect.stringContaining('192.0.2.7'),
  });
});
