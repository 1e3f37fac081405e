import { expect, test } from 'vitest';
import { validateScenario } from '../../scenarios/validate.ts';
import { CommandError } from '../exit-codes.ts';
import { type WatchFlags, watchScenario } from './run-watch.ts';

const flags: WatchFlags = {
  urls: ['rtmp://h/live/{1..3}', 'http://h/live/1.flv'],
  viewers: undefined,
  rampMs: undefined,
  durationMs: undefined,
  player: 'plain',
  behaviour: 'normal',
  reconnect: true,
  link: undefined,
  thresholds: [],
  insecure: false,
  out: undefined,
  influxdb: undefined,
  json: false,
  targetFigures: true,
};

test('flags are a scenario: one viewer a stream for half a minute, unless they say otherwise', () => {
  expect(watchScenario(flags).viewers[0]).toMatchObject({
    viewers: 4,
    duration: '30s',
    ramp: '0s',
    player: 'plain',
  });
  const result = validateScenario(
    watchScenario({
      ...flags,
      viewers: 50,
      rampMs: 1500,
      durationMs: 90_000,
      thresholds: [
        'first_frame_ms:p(95)<1500',
        'stall_ratio{protocol:rtmp}:value<=0.01',
        'first_frame_ms:max<9000',
      ],
    }),
  );
  if (!result.ok) throw new Error(result.problems[0]?.sentence);
  expect(result.scenario.viewers[0]).toMatchObject({ viewers: 50, ramp: 1500, duration: 90_000 });
  expect(result.thresholds.map(({ metric, tags, expression }) => [metric, tags, expression])).toEqual([
    ['first_frame_ms', {}, 'p(95)<1500'],
    ['first_frame_ms', {}, 'max<9000'],
    ['stall_ratio', { protocol: 'rtmp' }, 'value<=0.01'],
  ]);
});

test.each<[Partial<WatchFlags>, string]>([
  [
    { urls: ['host/live'] },
    '"host/live" cannot be played: expected rtmp(s)://host/app/stream, http(s):// or ws(s)://host/app/stream.flv, or http(s)://host/app/stream.m3u8.',
  ],
  [{ urls: ['rtmp:///live/a'] }, '"rtmp:///live/a" has no host.'],
  [
    { urls: ['rtmp://h/live'] },
    '"rtmp://h/live" names no application and stream: expected rtmp://host/app/stream.',
  ],
  [{ durationMs: 5000, rampMs: 6000 }, '--ramp 6s is longer than --duration 5s.'],
  [
    { thresholds: ['first_frame_ms'] },
    "--threshold first_frame_ms: write metric:expression, as in 'first_frame_ms:p(95)<1500'.",
  ],
  [
    { thresholds: ['first_frames_ms:max<1'] },
    '--threshold first_frames_ms:max<1: There is no metric "first_frames_ms"; did you mean first_frame_ms?',
  ],
])('%j is wrong usage', (change, sentence) => {
  const attempt = () => watchScenario({ ...flags, ...change });
  expect(attempt).toThrow(CommandError);
  expect(attempt).toThrow(sentence);
});
