/**
 * The fleet's promises: what a fully measured viewer costs per GB received, next to a C loop that only reads; how the
 * cost behaves from 1,000 to 10,000 viewers of one worker thread; and the memory of a viewer.
 *
 * The server is a process of its own that is never the limit (`live-server.ts`). It writes 350 ms together, as SRS does;
 * a server that writes each tag on its own makes every reader dearer (`viewer-cost` compares both).
 * `npm run bench -- fleet-cost` runs all; `node .cache/bench/fleet-cost.mjs cost|tls|scale|memory|hls` a part.
 *
 * HLS (`hls`) is cheap in bytes and dear in requests: two bit rates tell both apart, because the requests and the frames are the same.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { MAX_INVALID_SHARE } from '../metrics/verdict.ts';
import { type Protocol, requestsOf } from './blind-request.ts';
import { type HlsSourceOptions, startHlsSource } from './hls-source.ts';
import { startLiveServer } from './live-server.ts';
import { type FleetLevel, type FleetOrder, measureFleet } from './measured-fleet.ts';
import { record } from './results.ts';
import { runRole } from './role.ts';

const WARM_UP_MS = 8_000;
const MEASURE_MS = 8_000;
const BATCH_MS = 350;
/** With sound: 640 and 300 kbit/s. */
const VIDEO_BITS = 576_000;
const SMALL_VIDEO_BITS = 240_000;
const ROUNDS = 3;
const COST_VIEWERS = 2_000;
const TLS_VIEWERS = 400;
const SERVER = `own server, ${BATCH_MS} ms together`;
const HLS_VIEWERS = 2_000;
const HLS_TLS_VIEWERS = 400;
/** With sound: 100 and 1,000 kbit/s. */
const HLS_VIDEO_BITS = [36_000, 936_000] as const;
const HLS_WARM_UP_MS = 7_000;
const HLS_SERVER = 'own origin, 2 s segments';
const HLS_MOST_US = 60;
const HLS_MOST_KB = 24;
/** CPU seconds per GB at 640 kbit/s. */
const limits: Record<Protocol, number> = { 'http-flv': 0.5, rtmp: 0.7, 'ws-flv': 0.7 };
const MOST_TIMES_C_LOOP = 1.7;
const FLAT_WITHIN = 1.15;

const protocols: readonly Protocol[] = ['http-flv', 'ws-flv', 'rtmp'];

function urlOf(protocol: Protocol, port: number, secure: boolean): string {
  const s = secure ? 's' : '';
  if (protocol === 'rtmp') return `rtmp${s}://127.0.0.1:${port}/live/a`;
  return `${protocol === 'http-flv' ? 'http' : 'ws'}${s}://127.0.0.1:${port}/live/a.flv`;
}

const roles: Record<string, (argument: string) => Promise<unknown>> = {
  server: (options) => startLiveServer(JSON.parse(options)),
  hls: async (options) => (await startHlsSource(JSON.parse(options))).port,
  fleet: (order) => measureFleet(JSON.parse(order)),
};

const [role, argument = ''] = process.argv.slice(2);
if (process.send && role !== undefined && role in roles) {
  process.send(await roles[role]!(argument));
  if (role === 'fleet') process.exit(0);
  process.once('disconnect', () => process.exit(0));
} else {
  const wanted = process.argv.slice(2);
  const parts = { cost, tls, scale, memory, hls };
  for (const [name, part] of Object.entries(parts))
    if (wanted.length === 0 || wanted.includes(name)) await part();
}

async function cost(): Promise<void> {
  const reader = buildReader();
  for (const protocol of protocols) {
    await withServer(protocol, VIDEO_BITS, false, async (port) => {
      const costs: number[] = [];
      const loops: number[] = [];
      // In turns, so that both see the same machine.
      for (let round = 0; round < ROUNDS; round++) {
        if (reader) loops.push(perGigabyte(await runReader(reader, protocol, port, COST_VIEWERS)));
        const [level] = await runFleet(urlOf(protocol, port, false), [COST_VIEWERS]);
        costs.push(perGigabyte(level!));
      }
      const what = `${protocol} viewer, ${COST_VIEWERS} at 640 kbit/s`;
      record({ what, server: SERVER, value: median(costs), unit: 'CPU-s/GB', atMost: limits[protocol] });
      if (loops.length === 0) return;
      record({ what: `C epoll loop, the same`, server: SERVER, value: median(loops), unit: 'CPU-s/GB' });
      record({
        what: `${what}, against the C loop`,
        server: SERVER,
        value: median(costs.map((each, round) => each / loops[round]!)),
        unit: '×',
        ...(protocol === 'http-flv' && { atMost: MOST_TIMES_C_LOOP }),
      });
    });
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function tls(): Promise<void> {
  for (const protocol of protocols) {
    const costs: number[] = [];
    for (const secure of [false, true])
      await withServer(protocol, VIDEO_BITS, secure, async (port) => {
        const [level] = await runFleet(urlOf(protocol, port, secure), [TLS_VIEWERS]);
        costs.push(perGigabyte(level!));
      });
    const [plain = Number.NaN, secured = Number.NaN] = costs;
    const what = `${protocol} viewer, ${TLS_VIEWERS} at 640 kbit/s`;
    record({ what: `${what}, plain`, server: SERVER, value: plain, unit: 'CPU-s/GB' });
    record({ what: `${what}, TLS`, server: SERVER, value: secured, unit: 'CPU-s/GB' });
  }
}

/** One worker thread from 1,000 to 10,000 viewers. */
async function scale(): Promise<void> {
  await withServer('http-flv', SMALL_VIDEO_BITS, false, async (port) => {
    const levels = await runFleet(urlOf('http-flv', port, false), [1_000, 5_000, 10_000]);
    for (const level of levels)
      record({
        what: `http-flv viewer, ${level.viewers} at 300 kbit/s, one worker`,
        server: SERVER,
        value: perGigabyte(level),
        unit: 'CPU-s/GB',
      });
    const costs = levels.map(perGigabyte);
    record({
      what: 'dearest of the three levels over the cheapest',
      server: SERVER,
      value: Math.max(...costs) / Math.min(...costs),
      unit: '×',
      atMost: FLAT_WITHIN,
    });
    const last = levels.at(-1)!;
    const of = `of 10,000 viewers from one worker`;
    record({ what: `playing ${of}`, server: SERVER, value: last.playing, unit: '', atLeast: 10_000 });
    record({ what: `dropped starts ${of}`, server: SERVER, value: last.droppedStarts, unit: '', atMost: 0 });
    record({
      what: `failed sessions ${of}`,
      server: SERVER,
      value: last.failedSessions,
      unit: '',
      atMost: 0,
    });
    record({ what: `stalls ${of} in ${MEASURE_MS / 1_000} s`, server: SERVER, value: last.stalls, unit: '' });
    record({
      what: `share of seconds in which the generator was not valid ${of}`,
      server: SERVER,
      value: last.invalidSeconds / last.seconds,
      unit: '',
      atMost: MAX_INVALID_SHARE,
    });
  });
}

async function memory(): Promise<void> {
  for (const protocol of protocols)
    await withServer(protocol, SMALL_VIDEO_BITS, false, async (port) => {
      const [few, many] = await runFleet(urlOf(protocol, port, false), [500, 5_000]);
      record({
        what: `memory (RSS) of one ${protocol} viewer more, from 500 to 5,000`,
        server: SERVER,
        value: (many!.rssBytes - few!.rssBytes) / 4_500 / 1_024,
        unit: 'KB',
        atMost: 14,
      });
    });
}

async function hls(): Promise<void> {
  for (const container of ['ts', 'fmp4'] as const)
    recordHls(container, HLS_VIEWERS, await hlsLevels({ container }, HLS_VIEWERS), HLS_MOST_US);
  recordHls('ts over TLS', HLS_TLS_VIEWERS, await hlsLevels({ secure: true }, HLS_TLS_VIEWERS));
  const [few, many] = await runHls({ videoBits: HLS_VIDEO_BITS[0] }, [500, 5_000]);
  record({
    what: 'memory (RSS) of one hls viewer more, from 500 to 5,000',
    server: HLS_SERVER,
    value: (many!.rssBytes - few!.rssBytes) / 4_500 / 1_024,
    unit: 'KB',
    atMost: HLS_MOST_KB,
  });
}

async function hlsLevels(options: HlsSourceOptions, viewers: number): Promise<FleetLevel[]> {
  const levels: FleetLevel[] = [];
  for (const videoBits of HLS_VIDEO_BITS) {
    const [level] = await runHls({ ...options, videoBits }, [viewers]);
    if (level!.playing < viewers) throw new Error(`${viewers - level!.playing} HLS viewers do not play`);
    levels.push(level!);
  }
  return levels;
}

/** The line through what a request costs at few and at many bytes: its slope is the bytes', the rest the request's. */
function recordHls(what: string, viewers: number, [low, high]: readonly FleetLevel[], atMost?: number): void {
  const bytesOf = ({ bytes, requests }: FleetLevel): number => bytes / requests;
  const usOf = ({ cpuMs, requests }: FleetLevel): number => (cpuMs * 1_000) / requests;
  const usPerByte = (usOf(high!) - usOf(low!)) / (bytesOf(high!) - bytesOf(low!));
  const of = `hls viewer (${what}), ${viewers}`;
  const server = HLS_SERVER;
  record({
    what: `${of}: a request beyond its bytes`,
    server,
    value: usOf(low!) - usPerByte * bytesOf(low!),
    unit: 'µs CPU',
    ...(atMost !== undefined && { atMost }),
  });
  record({ what: `${of}: the bytes`, server, value: usPerByte * 1e3, unit: 'CPU-s/GB' });
  record({ what: `${of}: a request, of ${kilobytes(low!)}`, server, value: usOf(low!), unit: 'µs CPU' });
  record({ what: `${of}: a request, of ${kilobytes(high!)}`, server, value: usOf(high!), unit: 'µs CPU' });

  function kilobytes(level: FleetLevel): string {
    return `${Math.round(bytesOf(level) / 1_000)} kB on average`;
  }
}

async function runHls(options: HlsSourceOptions, levels: readonly number[]): Promise<FleetLevel[]> {
  const { child, answer: port } = await runRole<number>([], 'hls', JSON.stringify(options));
  const origin = `http${options.secure ? 's' : ''}://127.0.0.1:${port}`;
  try {
    const order: FleetOrder = {
      url: `${origin}/live/index.m3u8`,
      requestsUrl: `${origin}/requests`,
      levels,
      warmUpMs: HLS_WARM_UP_MS,
      measureMs: MEASURE_MS,
    };
    return (await runRole<FleetLevel[]>([], 'fleet', JSON.stringify(order))).answer;
  } finally {
    child.disconnect();
  }
}

async function withServer(
  protocol: Protocol,
  videoBits: number,
  secure: boolean,
  use: (port: number) => Promise<void>,
): Promise<void> {
  const options = JSON.stringify({ protocol, batchMs: BATCH_MS, videoBits, secure });
  const { child, answer: port } = await runRole<number>([], 'server', options);
  try {
    await use(port);
  } finally {
    child.disconnect();
  }
}

async function runFleet(url: string, levels: readonly number[]): Promise<FleetLevel[]> {
  const order: FleetOrder = { url, levels, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS };
  const { answer } = await runRole<FleetLevel[]>([], 'fleet', JSON.stringify(order));
  return answer;
}

function perGigabyte({ cpuMs, bytes }: { readonly cpuMs: number; readonly bytes: number }): number {
  return cpuMs / 1e3 / (bytes / 1e9);
}

/** Path of the C loop; `null` where no compiler is. */
function buildReader(): string | null {
  const root = process.env['STREAMGAUGE_ROOT'] ?? process.cwd();
  const program = path.join(root, '.cache/bench/epoll-reader');
  mkdirSync(path.dirname(program), { recursive: true });
  try {
    execFileSync('cc', ['-O2', '-o', program, path.join(root, 'bench/epoll-reader.c')], { stdio: 'pipe' });
  } catch {
    process.stdout.write('No C compiler (cc) is here: the comparison with the C loop is left out.\n');
  }
  return existsSync(program) ? program : null;
}

async function runReader(program: string, protocol: Protocol, port: number, count: number) {
  const request = Buffer.concat(await requestsOf(protocol, port));
  const child = spawn(program, [port, count, WARM_UP_MS, MEASURE_MS].map(String), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(request);
  const result: { cpuMs: number; bytes: number; open: number } = JSON.parse(await text(child.stdout));
  if (result.open < count) throw new Error(`${count - result.open} of the C loop's connections were closed`);
  return result;
}
