import { type ChildProcess, fork } from 'node:child_process';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createViewer } from '../clients/create-viewer.ts';
import { systemClock } from '../clients/system-clock.ts';
import type { Viewer, ViewerObserver } from '../clients/viewer.ts';
import { playerProfiles } from '../core/player/profile.ts';
import { upgradeFields, webSocketKey } from '../core/websocket/handshake.ts';
import { startLiveServer } from './live-server.ts';
import { startReferenceServer } from './reference-server.ts';

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
const protocols = ['http-flv', 'ws-flv', 'rtmp'] as const;
type Protocol = (typeof protocols)[number];

const urlOf: Record<Protocol, (port: number) => string> = {
  'http-flv': (port) => `http://127.0.0.1:${port}/live/a.flv`,
  'ws-flv': (port) => `ws://127.0.0.1:${port}/live/a.flv`,
  rtmp: (port) => `rtmp://127.0.0.1:${port}/live/a`,
};

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
  const { child, answer: port } = await run<number>([], role, protocol, ...settings);
  const ratios: number[] = [];
  let last = '';
  for (let round = 0; round < ROUNDS; round++) {
    const bare = (await run<Result>([], 'bare', protocol, port, viewers)).answer;
    const viewer = (await run<Result>([], 'viewer', protocol, port, viewers)).answer;
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
  const { child, answer: port } = await run<number>([], 'server', protocol, 1_000, 40_000);
  for (const [flags, remark] of [
    // V8 lets its young generation grow to 48 MB, once for all viewers; held small, what is left is the viewers'.
    [['--max-semi-space-size=2'], 'young generation of V8 held at 2 MB'],
    [[], 'with what V8 lets its young generation grow in the meantime'],
  ] as const) {
    const { answer } = await run<{ rss: number; heap: number }>(flags, 'memory', protocol, port);
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

/** This file again as a child in another role; resolves with what it sends first. */
function run<T>(
  flags: readonly string[],
  role: Role,
  ...args: (string | number)[]
): Promise<{ child: ChildProcess; answer: T }> {
  const child = fork(process.argv[1]!, [role, ...args.map(String)], {
    execArgv: [...process.execArgv, ...flags],
  });
  return new Promise((resolve, reject) => {
    child.once('message', (answer) => resolve({ child, answer: answer as T }));
    child.once('exit', (code) => reject(new Error(`the ${role} process ended (${code})`)));
  });
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

/** What asks the server for the stream. */
function requestsOf(protocol: Protocol, port: number): Promise<Uint8Array[]> | Uint8Array[] {
  if (protocol === 'rtmp') return recordRequests(port);
  const upgrade = Object.entries(upgradeFields(webSocketKey(new Uint8Array(16))));
  const headers = [['host', 'a'], ...(protocol === 'ws-flv' ? upgrade : [])];
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return [Buffer.from(`GET /live/a.flv HTTP/1.1\r\n${lines}\r\n`)];
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

/** What one of our viewers sends until it plays. */
function recordRequests(port: number): Promise<Uint8Array[]> {
  return new Promise((resolve) => {
    const sent: Uint8Array[] = [];
    const relay = net.createServer((client) => {
      const upstream = net.connect(port, '127.0.0.1');
      // The viewer leaves in the middle of the stream: what was on its way meets a closed socket.
      for (const socket of [client, upstream]) socket.on('error', () => {});
      client.on('data', (bytes) => {
        sent.push(bytes);
        upstream.write(bytes);
      });
      upstream.on('data', (bytes) => client.write(bytes));
      client.on('close', () => upstream.destroy());
    });
    relay.listen(0, '127.0.0.1', () => {
      const { port: relayPort } = relay.address() as net.AddressInfo;
      const viewer = newViewer('rtmp', relayPort, {
        ...counter(),
        startup: () => {
          viewer.stop();
          relay.close();
          resolve(sent);
        },
      });
      viewer.start();
    });
  });
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

function newViewer(protocol: Protocol, port: number, observer: ViewerObserver): Viewer {
  return createViewer({
    url: urlOf[protocol](port),
    player: playerProfiles['mpegts.js'],
    clock: systemClock,
    observer,
    intendedStartMs: systemClock.nowMs(),
  });
}

/** Listens to everything, as a run does, and keeps next to nothing. */
function counter(): ViewerObserver {
  let sum = 0;
  const add = (ms: number): void => {
    sum += ms;
  };
  return {
    connected: add,
    firstByte: add,
    firstMedia: add,
    firstFrame: add,
    startup: add,
    joinLag: add,
    latency: add,
    delivery: add,
    stalled: add,
    stallEnded: add,
    reconnected: add,
    progress: ({ watchedMs }) => add(watchedMs),
    ended: ({ detail }) => {
      if (detail !== 'the viewer left') throw new Error(`${detail} (${sum})`);
    },
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
