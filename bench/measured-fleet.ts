import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { planRun } from '../cli/run/plan-run.ts';
import { Fleet } from '../fleet/fleet.ts';
import type { SecondMessage } from '../fleet/worker-messages.ts';
import { validateScenario } from '../scenarios/validate.ts';

/** A fleet as a run starts it: one worker thread, everything measured, every second's figures sent to the main thread. */
export interface FleetOrder {
  readonly url: string;
  /** Levels of viewers, one after the other; each is measured. */
  readonly levels: readonly number[];
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Answers with the number of requests that the server was asked so far; left out: of HLS segments only are counted. */
  readonly requestsUrl?: string;
}

export interface FleetLevel {
  readonly viewers: number;
  /** User and system time of the whole process. */
  readonly cpuMs: number;
  readonly bytes: number;
  readonly elapsedMs: number;
  readonly rssBytes: number;
  readonly playing: number;
  /** As the server counts them; else the segments of HLS. */
  readonly requests: number;
  readonly droppedStarts: number;
  readonly failedSessions: number;
  /** Of the run so far, and how many of them were not valid. */
  readonly seconds: number;
  readonly invalidSeconds: number;
  readonly stalls: number;
}

const STARTS_PER_SECOND = 800;

/** Runs the fleet in this process and measures it at each level. */
export async function measureFleet(order: FleetOrder): Promise<FleetLevel[]> {
  const { url, levels, warmUpMs, measureMs, requestsUrl } = order;
  const root = process.env['STREAMGAUGE_ROOT'] ?? process.cwd();
  const rampMs = levels.map((level, index) =>
    Math.ceil(((level - (levels[index - 1] ?? 0)) / STARTS_PER_SECOND) * 1_000),
  );
  const holdMs = warmUpMs + measureMs + 3_000;
  const plan = planRun(scenario(url, levels, rampMs, holdMs), {
    target: {},
    folder: process.cwd(),
    cores: 2,
  });
  const sums = { bytes: 0, requests: 0, dropped: 0, failed: 0, invalid: 0, seconds: 0, stalls: 0 };
  const fleet = new Fleet({
    entry: path.join(root, 'dist/fleet/viewer-worker.js'),
    workers: 1,
    plan: plan.fleet,
    second: (message) => addSecond(sums, message),
    session: () => {},
  });
  await fleet.ready();
  fleet.start(Date.now());
  const results: FleetLevel[] = [];
  for (const [index, viewers] of levels.entries()) {
    await delay(rampMs[index]! + warmUpMs);
    const before = { ...sums };
    const askedBefore = await requestsAt(requestsUrl);
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    await delay(measureMs);
    const { user, system } = process.cpuUsage(cpuBefore);
    const asked = (await requestsAt(requestsUrl)) - askedBefore;
    const elapsedMs = performance.now() - startedMs;
    const { playing } = fleet.states();
    // For the memory, and not before: V8 lets a collection that is asked for be followed by others some seconds later.
    for (let i = 0; i < 3; i++) globalThis.gc?.();
    results.push({
      viewers,
      cpuMs: (user + system) / 1_000,
      bytes: sums.bytes - before.bytes,
      elapsedMs,
      rssBytes: process.memoryUsage.rss(),
      playing,
      requests: requestsUrl === undefined ? sums.requests - before.requests : asked,
      droppedStarts: sums.dropped,
      failedSessions: sums.failed,
      seconds: sums.seconds,
      invalidSeconds: sums.invalid,
      stalls: sums.stalls - before.stalls,
    });
    await delay(3_000);
  }
  await fleet.stop();
  return results;
}

async function requestsAt(url: string | undefined): Promise<number> {
  if (url === undefined) return 0;
  const { get } = url.startsWith('https:') ? https : http;
  const request = get(url, { agent: false, rejectUnauthorized: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return Number(await text(response));
}

function scenario(url: string, levels: readonly number[], rampMs: readonly number[], holdMs: number) {
  const stages = levels.flatMap((target, index) => [
    { duration: `${rampMs[index]}ms`, target },
    { duration: `${holdMs}ms`, target },
  ]);
  const result = validateScenario({
    name: 'bench',
    viewers: [{ name: 'bench', url, executor: 'ramping-viewers', stages }],
    options: { insecureSkipTLSVerify: true, workers: 1 },
  });
  if (!result.ok) throw new Error(result.problems[0]!.sentence);
  return result.scenario;
}

function addSecond(
  sums: {
    bytes: number;
    requests: number;
    dropped: number;
    failed: number;
    invalid: number;
    seconds: number;
    stalls: number;
  },
  { points, apart, check }: SecondMessage,
): void {
  if (check) sums.seconds += check.seconds;
  if (check && !check.valid) sums.invalid += check.seconds;
  for (const { metric, value = 0, histogram } of [...points, ...apart]) {
    if (metric === 'bytes_received') sums.bytes += value;
    else if (metric === 'dropped_starts') sums.dropped += value;
    else if (metric === 'sessions_failed') sums.failed += value;
    else if (metric === 'stall_count') sums.stalls += value;
    else if (metric === 'segment_ttfb_ms') sums.requests += histogram?.count ?? 0;
  }
}
