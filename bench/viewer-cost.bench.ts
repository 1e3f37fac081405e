import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../clients/system-clock.ts';
import type { Viewer } from '../clients/viewer.ts';
import { counter, newViewer, type Protocol, requestsOf } from './blind-request.ts';
import { startLiveServer } from './live-server.ts';
import { startReferenceServer } from './reference-server.ts';
import { runRole } from './role.ts';

/**
 * What measuring costs: CPU of a process with fully measured viewers against one whose sockets only read into a shared
 * buffer and count bytes, on the same stream and server; and the memory of one viewer more.
 *
 * Each figure comes from processes of their own, one after the other in turns, so that both see the same machine.
 * `node viewer-cost.mjs [http-flv|ws-flv|rtmp|memory]…` runs a part.
 */

/** Until all play and the compiler has settled: its threads' CPU counts, too. */
const WARM_UP_MS = 8_000;
const MEASURE_MS = 8_000;
const ROUNDS = 3;
const VIDEO_BITS = 576_000;

type Role = 'server' | 'reference' | 'bare' | 'viewer' | 'memory';
const protocols: readonly Protocol[] = ['http-flv', 'ws-flv', 'rtmp'];

interface Result {
  readonly cpuMs: number;
  readonly bytes: number;
}

const [role, ...args] = process.argv.slice(2);
const roles: Record<Role, (...args: string[]) => Promise<unknown>> = {
  server: (protocol, batchMs, videoBits) =>
    startLiveServer({
      protocol: protocol as Protocol,
      batchMs: Number(batchMs),
      videoBits: Number(videoBits),
    }),
  reference: (protocol, videoBits) => startReferenceServer(protocol as Protocol, Number(videoBits)),
  bare: (protocol, port, count) => measure(() => openBare(protocol as Protocol, Number(port), Number(count))),
  viewer: (protocol, port, count) =>
    measure(() => openViewers(protocol as Protocol, Number(port), Number(count))),
  memory: (protocol, port) => measureMemory(protocol as Protocol, Number(port)),
};

if (process.send && role !== undefined && role in roles) {
  const answer = await roles[role as Role](...args);
  process.send(answer);
  if (role !== 'server' && role !== 'reference') process.exit(0);
  process.once('disconnect', () => setTimeout(() => process.exit(0), 1_000));
} else {
  const parts = process.argv.slice(2);
  for (const protocol of protocols) {
    if (parts.length > 0 && !parts.includes(protocol)) continue;
    await compare(
      protocol,
      200,
      'the reference server, which writes each tag on its own',
      'reference',
      VIDEO_BITS,
    );
    await compare(
      protocol,
      800,
      'a server that writes 350 ms together, as SRS does',
      'server',
      350,
      VIDEO_BITS,
    );
  }
  if (parts.length === 0 || parts.includes('memory')) {
    for (const protocol of protocols) await compareMemory(protocol);
  }
}

async function compare(
  protocol: Protocol,
  viewers: number,
  server: string,
  ...serverRole: [Role, ...number[]]
): Promise<void> {
  const [role, ...settings] = serverRole;
  const { child, answer: port } = await runRole<number>([], role, protocol, ...settings);
  const ratios: number[] = [];
  let last = '';
  for (let round = 0; round < ROUNDS; round++) {
    const bare = (await runRole<Result>([], 'bare', protocol, port, viewers)).answer;
    const viewer = (await runRole<Result>([], 'viewer', protocol, port, viewers)).answer;
    ratios.push(perGigabyte(viewer) / perGigabyte(bare));
    last = `${perGigabyte(viewer).toFixed(2)} against ${perGigabyte(bare).toFixed(2)} CPU s/GB`;
  }
  child.disconnect();
  ratios.sort((a, b) => a - b);
  const shown = ratios.map((ratio) => ratio.toFixed(2)).join(' ');
  const allowed = protocol === 'http-flv' ? 1.25 : 1.5;
  process.stdout.write(
    `${protocol}, ${viewers} viewers, ${server}: ${ratios[Math.floor(ROUNDS / 2)]!.toFixed(2)} × a bare read loop (${shown}; wanted ≤ ${allowed}); ${last}\n`,
  );
}

async function compareMemory(protocol: Protocol): Promise<void> {
  const { child, answer: port } = await runRole<number>([], 'server', protocol, 1_000, 40_000);
  for (const [flags, remark] of [
    // V8 lets its young generation grow to 48 MB, once for all viewers; held small, what is left is the viewers'.
    [['--max-semi-space-size=2'], 'young generation of V8 held at 2 MB'],
    [[], 'with what V8 lets its young generation grow in the meantime'],
  ] as const) {
    const { answer } = await runRole<{ rss: number; heap: number }>(flags, 'memory', protocol, port);
    process.stdout.write(
      `${protocol}: ${kilobytes(answer.rss)} KB of memory (RSS) per additional viewer from 200 to 2,000, of it ${kilobytes(answer.heap)} KB of live heap (${remark}; wanted ≤ 16)\n`,
    );
  }
  child.disconnect();
}

function kilobytes(bytes: number): string {
  return (bytes / 1_024).toFixed(1);
}

function perGigabyte({ cpuMs, bytes }: Result): number {
  return cpuMs / 1e3 / (bytes / 1e9);
}

async function measure(open: () => Promise<() => number>): Promise<Result> {
  const received = await open();
  await delay(WARM_UP_MS);
  const bytesBefore = received();
  const cpuBefore = process.cpuUsage();
  await delay(MEASURE_MS);
  const { user, system } = process.cpuUsage(cpuBefore);
  return { cpuMs: (user + system) / 1_000, bytes: received() - bytesBefore };
}

/** Asks like a viewer, and then only counts what comes. RTMP: the requests of a real session, recorded, played blind. */
async function openBare(protocol: Protocol, port: number, count: number): Promise<() => number> {
  const request = await requestsOf(protocol, port);
  const buffer = new Uint8Array(256 * 1_024);
  let bytes = 0;
  const callback = (read: number): boolean => {
    bytes += read;
    return true;
  };
  for (let i = 0; i < count; i++) {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true, onread: { buffer, callback } });
    socket.write(Buffer.concat(request));
  }
  return () => bytes;
}

async function openViewers(protocol: Protocol, port: number, count: number): Promise<() => number> {
  const observer = counter();
  const viewers: Viewer[] = [];
  // Swept as the fleet sweeps them: all together, once a second.
  setInterval(() => {
    const nowMs = systemClock.nowMs();
    for (const viewer of viewers) viewer.sweep(nowMs);
  }, 1_000);
  while (viewers.length < count) {
    const viewer = newViewer(protocol, port, observer);
    viewers.push(viewer);
    viewer.start();
    if (viewers.length % 100 === 0) await delay(20);
  }
  return () => {
    if (viewers.some((viewer) => viewer.state !== 'playing' && viewer.state !== 'stalled'))
      throw new Error('not all viewers play');
    return viewers.reduce((sum, viewer) => sum + viewer.bytesReceived, 0);
  };
}

async function measureMemory(protocol: Protocol, port: number): Promise<{ rss: number; heap: number }> {
  await openViewers(protocol, port, 200);
  await delay(5_000);
  const before = settledMemory();
  await openViewers(protocol, port, 1_800);
  await delay(10_000);
  const after = settledMemory();
  return { rss: (after.rss - before.rss) / 1_800, heap: (after.heap - before.heap) / 1_800 };
}

function settledMemory(): { rss: number; heap: number } {
  for (let i = 0; i < 5; i++) globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
}
