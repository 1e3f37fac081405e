/** A made-up run for tests, benchmarks and looking at reports: plausible, exact, and the same each time. */
import type { Tags } from '../metrics/catalogue.ts';
import type { Point } from '../metrics/point.ts';
import { Registry } from '../metrics/registry.ts';
import { type RunInfo, SCHEMA, type SessionRecord, type Summary } from '../metrics/summary.ts';
import { judge, parseThreshold } from '../metrics/threshold.ts';
import { judgeGenerator, verdictOf } from '../metrics/verdict.ts';

export interface SyntheticOptions {
  readonly seconds?: number;
  readonly viewersPerStream?: number;
  readonly protocols?: readonly string[];
  readonly streams?: readonly string[];
  /** A second in which http-flv viewers stall and latency jumps; null: all goes well. */
  readonly troubleAt?: number | null;
  readonly thresholds?: readonly (readonly [metric: string, expression: string])[];
  readonly name?: string;
  readonly invalidSeconds?: number;
}

export interface SyntheticRun {
  readonly run: RunInfo;
  /** Points of each second. */
  readonly seconds: readonly Point[][];
  readonly sessions: readonly SessionRecord[];
  readonly summary: Summary;
}

const STARTED_MS = Date.UTC(2026, 10, 23, 18, 0, 0);

/** Made-up run information; `scenario` may hold anything. */
export function syntheticRunInfo(name = 'evening-peak', scenario: unknown = { name }): RunInfo {
  return {
    id: '2026-11-23T18-00-00-7f3a',
    name,
    startedAt: new Date(STARTED_MS).toISOString(),
    version: '0.1.0',
    host: {
      name: 'load-1',
      os: 'linux x64',
      cpu: 'Some Processor at 2.4 GHz',
      cpus: 2,
      memoryBytes: 8_000_000_000,
      node: 'v20.20.2',
    },
    target: 'reference stack',
    environment: { ffmpeg: '5.1.6', Server: 'node-media-server 4.4.3' },
    scenario,
  };
}

export function makeSyntheticRun({
  seconds = 60,
  viewersPerStream = 10,
  protocols = ['http-flv', 'rtmp'],
  streams = ['live/room-1', 'live/room-2'],
  troubleAt = 30,
  thresholds = defaultThresholds,
  name = 'evening-peak',
  invalidSeconds = 0,
}: SyntheticOptions = {}): SyntheticRun {
  const registry = new Registry();
  const random = generator(7);
  const run = syntheticRunInfo(name);
  const points: Point[][] = [];
  const sessions: SessionRecord[] = [];
  const arrivalsFor = Math.max(1, Math.floor(seconds / 3));
  const groups = protocols.flatMap((protocol) => streams.map((stream) => ({ protocol, stream })));

  for (let second = 0; second < seconds; second++) {
    for (const tags of groups) {
      const arrivals =
        Math.floor(((second + 1) * viewersPerStream) / arrivalsFor) -
        Math.floor((second * viewersPerStream) / arrivalsFor);
      const trouble =
        troubleAt !== null && tags.protocol === 'http-flv' && second >= troubleAt && second < troubleAt + 4;
      if (second < arrivalsFor) startSessions(registry, tags, arrivals, random);
      const playing = Math.min(viewersPerStream, Math.floor(((second + 1) * viewersPerStream) / arrivalsFor));
      for (let i = 0; i < playing; i++) {
        registry
          .series('latency_ms', tags)
          .add((tags.protocol === 'rtmp' ? 900 : 1_150) + random() * 180 + (trouble ? 1_400 : 0));
        registry.series('received_bps', tags).add((trouble ? 250_000 : 640_000) * (0.95 + random() * 0.1));
      }
      if (trouble) registry.series('stall_count', tags).add(Math.round(playing * random()));
      registry.series('stall_ratio', tags).add(trouble ? playing * 300 : 0, playing * 1000);
    }
    registry.series('generator_cpu').add(0.2 + 0.15 * random() + (0.2 * second) / seconds);
    registry.series('event_loop_lag_ms').add(1 + random() * 6);
    if (second === seconds - 1)
      for (const tags of groups) endSessions(registry, sessions, tags, viewersPerStream, random);
    points.push(registry.cut(STARTED_MS + (second + 1) * 1000));
  }

  const results = judge(
    thresholds.map(([metric, expression]) => parseThreshold(metric, expression)),
    registry,
  );
  const figures = {
    cpu: 0.52,
    eventLoopLagMs: 7.1,
    seconds: seconds * 2,
    invalidSeconds,
    droppedStarts: 0,
    workers: 2,
  };
  const judged = judgeGenerator(figures);
  const verdict = verdictOf(results, judged);
  const failed = sessions.filter((session) => session.result === 'failed');
  const summary: Summary = {
    schema: SCHEMA,
    run: { ...run, durationMs: seconds * 1000 },
    verdict,
    exitCode: { pass: 0, fail: 99, inconclusive: 96, error: 1 }[verdict],
    metrics: registry.summaries(),
    thresholds: results,
    generator: judged,
    server: {},
    faults:
      troubleAt === null
        ? []
        : [
            {
              atMs: troubleAt * 1000,
              kind: 'link',
              detail: 'http-flv viewers down to 250 kbit/s',
              durationMs: 4000,
            },
          ],
    errors:
      failed.length > 0 ? [{ code: 'not-found', count: failed.length, example: failed[0]!.detail }] : [],
  };
  return { run, seconds: points, sessions, summary };
}

const defaultThresholds = [
  ['first_frame_ms', 'p(95)<1500'],
  ['latency_ms', 'p(95)<2000'],
  ['latency_ms{protocol:rtmp}', 'med<1200'],
  ['stall_ratio', 'value<0.05'],
  ['start_failure_ratio', 'value<0.05'],
] as const;

function startSessions(registry: Registry, tags: Tags, count: number, random: () => number): void {
  registry.series('sessions_started', tags).add(count);
  for (let i = 0; i < count; i++)
    registry.series('first_frame_ms', tags).add(120 + random() * random() * 900);
}

/** One session in fifty fails: it asked for what is not there. */
function endSessions(
  registry: Registry,
  sessions: SessionRecord[],
  tags: Tags,
  count: number,
  random: () => number,
): void {
  for (let i = 0; i < count; i++) {
    const failed = sessions.length % 50 === 49;
    const firstFrameMs = failed ? null : 120 + random() * 500;
    if (failed) registry.series('sessions_failed', { ...tags, reason: 'not-found' }).add(1);
    else registry.series('sessions_ended', tags).add(1);
    registry.series('start_failure_ratio', tags).add(failed ? 1 : 0, 1);
    sessions.push({
      startedMs: STARTED_MS + i * 100,
      tags,
      result: failed ? 'failed' : 'ended',
      phase: failed ? 'before-first-frame' : 'after-first-frame',
      reason: failed ? 'not-found' : null,
      detail: failed ? 'The server answered 404: there is no such stream.' : 'The viewer left.',
      figures: {
        connectMs: 2 + random() * 5,
        firstByteMs: 20 + random() * 30,
        firstFrameMs,
        startupMs: firstFrameMs,
        joinLagMs: firstFrameMs === null ? null : 1100,
        stallCount: 0,
        stallCountPlayer: 0,
        stallMs: 0,
        watchedMs: 30_000,
        playingMs: failed ? 0 : 29_500,
        bytesReceived: failed ? 300 : 2_400_000,
        mediaMs: failed ? 0 : 29_500,
        frames: failed ? 0 : 740,
        framesMissing: 0,
        reconnects: 0,
      },
    });
  }
}

/** A small linear congruential generator (Numerical Recipes), so that a run is the same each time. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
