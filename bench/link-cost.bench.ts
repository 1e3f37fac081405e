/**
 * What a link costs: 1,000 HTTP-FLV viewers of one stream of 600 kbit/s in one thread, without a link, with one that
 * only delays, and behind a narrow line with delay and jitter. The server is a process of its own.
 */
import { fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createViewer } from '../clients/create-viewer.ts';
import { systemClock } from '../clients/system-clock.ts';
import type { Viewer, ViewerObserver } from '../clients/viewer.ts';
import { Link } from '../core/link/link.ts';
import { type LinkProfile, unlimited } from '../core/link/profile.ts';
import { playerProfiles } from '../core/player/profile.ts';
import { startLiveServer } from './live-server.ts';

const VIEWERS = 1_000;
const WARM_UP_MS = 5_000;
const MEASURE_MS = 8_000;

const links: Readonly<Record<string, LinkProfile | null>> = {
  none: null,
  'delay 40 ms': { ...unlimited, delayMs: 40 },
  '3mbit/1mbit, 40 ± 10 ms': { ...unlimited, downBps: 3e6, upBps: 1e6, delayMs: 40, jitterMs: 10 },
  '4mbit trace, 40 ms': {
    ...unlimited,
    delayMs: 40,
    trace: { startsMs: [0, 500], bps: [6e6, 2e6], periodMs: 1_000 },
  },
};

const ignore = (): void => {};
const observer: ViewerObserver = {
  connected: ignore,
  firstByte: ignore,
  firstMedia: ignore,
  firstFrame: ignore,
  startup: ignore,
  joinLag: ignore,
  latency: ignore,
  delivery: ignore,
  stalled: ignore,
  stallEnded: ignore,
  reconnected: ignore,
  progress: ignore,
  ended: ignore,
};

async function main(): Promise<void> {
  process.stdout.write(`${VIEWERS} viewers at 600 kbit/s, batches of 350 ms and single tags\n`);
  for (const batchMs of [350, 0])
    for (const name of Object.keys(links)) {
      const result = await inProcess({ batchMs, name });
      process.stdout.write(`${batchMs} ms  ${name.padEnd(26)} ${result}\n`);
    }
}

/** Each measurement has fresh processes, one for the server and one for the viewers. */
async function inProcess({ batchMs, name }: { batchMs: number; name: string }): Promise<string> {
  const server = fork(fileURLToPath(import.meta.url), ['server', String(batchMs)]);
  const port = await new Promise<number>((resolve) =>
    server.once('message', (value) => resolve(value as number)),
  );
  const viewers = fork(fileURLToPath(import.meta.url), ['viewers', String(port), name]);
  const result = await new Promise<string>((resolve) =>
    viewers.once('message', (value) => resolve(value as string)),
  );
  viewers.kill();
  server.kill();
  return result;
}

async function measure(port: number, name: string): Promise<string> {
  const profile = links[name] ?? null;
  const viewers: Viewer[] = [];
  while (viewers.length < VIEWERS) {
    const nowMs = systemClock.nowMs();
    const viewer = createViewer({
      url: `http://127.0.0.1:${port}/live/a.flv`,
      player: playerProfiles['mpegts.js'],
      clock: systemClock,
      observer,
      intendedStartMs: nowMs,
      ...(profile && { link: new Link(profile, viewers.length, nowMs) }),
    });
    viewers.push(viewer);
    viewer.start();
    if (viewers.length % 100 === 0) await delay(20);
  }
  setInterval(() => {
    for (const viewer of viewers) viewer.sweep(systemClock.nowMs());
  }, 1_000);
  const received = (): number => viewers.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
  await delay(WARM_UP_MS);
  const before = { bytes: received(), cpu: process.cpuUsage(), ms: performance.now() };
  await delay(MEASURE_MS);
  const { user, system } = process.cpuUsage(before.cpu);
  const bytes = received() - before.bytes;
  const seconds = (performance.now() - before.ms) / 1_000;
  const cpuSeconds = (user + system) / 1e6;
  return [
    `${((cpuSeconds / seconds) * 100).toFixed(0)} % of a core`,
    `${(cpuSeconds / (bytes / 1e9)).toFixed(2)} CPU-s per GB`,
    `${((bytes * 8) / seconds / VIEWERS / 1_000).toFixed(0)} kbit/s each`,
  ].join(', ');
}

const [role, first = '', second = ''] = process.argv.slice(2);
if (role === 'server')
  process.send?.(await startLiveServer({ protocol: 'http-flv', batchMs: Number(first), videoBits: 536_000 }));
else if (role === 'viewers') process.send?.(await measure(Number(first), second));
else await main();
