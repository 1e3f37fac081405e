import { describe, expect, test } from 'vitest';
import { defaultReconnect } from '../../clients/viewer.ts';
import { type ScenarioInput, scenarioSchema } from '../../scenarios/schema.ts';
import { planRun, planWorkers } from './plan-run.ts';

const target = { rtmp: 'rtmp://127.0.0.1:1', http: 'http://127.0.0.1:2' };

function plan(scenario: Partial<ScenarioInput>, cores = 4) {
  const viewers: ScenarioInput['viewers'] = [
    { protocol: 'rtmp', stream: 'live/{1..2}', executor: 'constant-viewers', viewers: 20, duration: '30s' },
  ];
  return planRun(scenarioSchema.parse({ name: 'x', target: 'reference', viewers, ...scenario }), {
    target,
    folder: '/media',
    cores,
  });
}

describe('a plan', () => {
  test('has every address, and defaults left to the clients', () => {
    const { fleet, durationMs, mostViewers } = plan({});
    expect(fleet.cohorts[0]).toEqual({
      name: 'rtmp',
      streams: [
        { protocol: 'rtmp', name: 'live/1', url: 'rtmp://127.0.0.1:1/live/1' },
        { protocol: 'rtmp', name: 'live/2', url: 'rtmp://127.0.0.1:1/live/2' },
      ],
      shape: {
        kind: 'viewers',
        startViewers: 0,
        stages: [
          { durationMs: 0, viewers: 20 },
          { durationMs: 30_000, viewers: 20 },
        ],
      },
      startMs: 0,
      watch: null,
      player: 'mpegts.js',
    });
    expect(durationMs).toBe(30_000);
    expect(mostViewers).toBe(20);
  });

  test('says what a cohort says of itself', () => {
    const { fleet, durationMs, mostViewers } = plan({
      viewers: [
        {
          name: 'flv',
          url: 'https://h/live/a.flv?sign=1',
          executor: 'ramping-arrival-rate',
          startTime: '10s',
          stages: [{ duration: '20s', target: 2 }],
          maxViewers: 15,
          watch: { median: '5s', p95: '10s' },
          player: 'plain',
          reconnect: { maxAttempts: 2, firstDelay: '1s' },
          timeouts: { firstByte: '3s' },
          headers: { referer: 'http://h/' },
        },
      ],
      options: { insecureSkipTLSVerify: true, seed: 7 },
    });
    expect(fleet.seed).toBe(7);
    expect(fleet.cohorts[0]).toMatchObject({
      name: 'flv',
      streams: [{ protocol: 'http-flv', name: 'live/a', url: 'https://h/live/a.flv?sign=1' }],
      startMs: 10_000,
      watch: { kind: 'log-normal', medianMs: 5000, p95Ms: 10_000 },
      player: 'plain',
      reconnect: { ...defaultReconnect, maxAttempts: 2, firstDelayMs: 1000 },
      timeouts: { firstByteMs: 3000 },
      headers: { referer: 'http://h/' },
      tls: { rejectUnauthorized: false },
    });
    expect(durationMs).toBe(30_000);
    expect(mostViewers).toBe(15);
  });

  test('has one publisher for each stream, with numbers of their own; files are found from the scenario', () => {
    const { publishers } = plan({
      publishers: [
        { stream: 'live/{1..2}', size: '320x180', fps: 30, bitrate: '300k', gop: '1s' },
        { url: 'rtmp://elsewhere/live/talk', source: 'talk.mp4' },
      ],
    }).publishers;
    expect(publishers.map(({ number, stream, url }) => [number, stream, url])).toEqual([
      [1, 'live/1', 'rtmp://127.0.0.1:1/live/1'],
      [2, 'live/2', 'rtmp://127.0.0.1:1/live/2'],
      [3, 'live/talk', 'rtmp://elsewhere/live/talk'],
    ]);
    expect(publishers[0]?.source).toEqual({
      kind: 'testcard',
      width: 320,
      height: 180,
      fps: 30,
      bitsPerSecond: 300_000,
      gopMs: 1000,
    });
    expect(publishers[2]?.source).toMatchObject({ kind: 'file', path: '/media/talk.mp4' });
  });

  test('never reconnects where the scenario says so', () => {
    const { fleet } = plan({
      viewers: [
        {
          protocol: 'rtmp',
          stream: 'a/b',
          executor: 'constant-viewers',
          viewers: 1,
          duration: '1s',
          reconnect: false,
        },
      ],
    });
    expect(fleet.cohorts[0]?.reconnect).toBeNull();
  });
});

test('threads follow from viewers and cores', () => {
  expect(planWorkers(40, 8)).toBe(1);
  expect(planWorkers(2_501, 8)).toBe(2);
  expect(planWorkers(100_000, 8)).toBe(7);
  expect(planWorkers(100_000, 1)).toBe(1);
});
