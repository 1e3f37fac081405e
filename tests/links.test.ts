/**
 * Links of viewers, held against known truths: the product as a user starts it on a stream of known properties; a
 * proxy that delays and cuts and knows nothing of links; and a server that counts what it gets rid of.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Connection } from '../clients/connect.ts';
import { systemClock } from '../clients/system-clock.ts';
import { Link } from '../core/link/link.ts';
import { type LinkProfile, unlimited } from '../core/link/profile.ts';
import type { Summary } from '../metrics/summary.ts';
import { loopbackCertificate } from './kit/certificate.ts';
import { type CliResult, runCli, summaryOf, valuesOf } from './kit/cli.ts';
import { startForwarder } from './kit/forwarder.ts';
import { startLink } from './kit/link.ts';
import { type KnownStream, startTruthServer, type TruthServer } from './kit/truth-server.ts';

/** 600 kbit/s as FLV: (2,985 + 15) bytes, 25 times a second. */
const steady: KnownStream = { fps: 25, gopFrames: 25, frameBytes: 2_985 };
const protocols = ['http-flv', 'ws-flv', 'rtmp'] as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-links-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of cleanUp.splice(0).reverse()) await stop();
});

async function serve(stream: KnownStream = steady): Promise<TruthServer> {
  const server = await startTruthServer(stream);
  cleanUp.push(server.stop);
  return server;
}

const watch = (...args: string[]): Promise<CliResult> =>
  runCli(['watch', ...args, '--json'], { cwd: folder });

/** A cohort of each protocol for each way, named `<protocol>-<way>`. */
async function run(
  server: TruthServer,
  ways: Record<string, string>,
  seconds: number,
  viewers = 1,
): Promise<CliResult> {
  const cohorts = Object.entries(ways).flatMap(([way, keys]) =>
    protocols.map(
      (protocol) =>
        `  - { name: ${protocol}-${way}, protocol: ${protocol}, stream: live/known, executor: constant-viewers, viewers: ${viewers}, duration: ${seconds}s, player: plain, timeouts: { handshake: 40s, firstByte: 40s }, ${keys} }`,
    ),
  );
  const file = path.join(folder, `links-${Math.random()}.yaml`);
  const target = `{ rtmp: "rtmp://127.0.0.1:${server.rtmpPort}", http: "http://127.0.0.1:${server.httpPort}" }`;
  await writeFile(file, `name: links\ntarget: ${target}\nviewers:\n${cohorts.join('\n')}\n`);
  return runCli(['run', file, '--json'], { cwd: folder, timeoutMs: 100_000 });
}

const tagsOf = (protocol: string, way: string) => ({
  protocol,
  stream: 'live/known',
  cohort: `${protocol}-${way}`,
});

/** How often the picture stood still; a series without any has no row. */
function stalls(summary: Summary, tags: Record<string, string>): number {
  const wanted = JSON.stringify(tags);
  const found = summary.metrics.find(
    ({ name, tags: has }) => name === 'stall_count' && JSON.stringify(has) === wanted,
  );
  return found?.values.count ?? 0;
}

/** Milliseconds of connecting that the link added. */
const connecting = (summary: Summary, protocol: string): number =>
  valuesOf(summary, 'connect_ms', tagsOf(protocol, 'far')).med! -
  valuesOf(summary, 'connect_ms', tagsOf(protocol, 'direct')).med!;

describe('figures of viewers behind a link', () => {
  it('a delay of 2,000 ms: latency_ms is higher by 2,000 ± 100', async () => {
    const server = await serve();
    const summary = summaryOf(
      await run(server, { direct: 'link: { delay: 0s, up: 1gbit }', far: 'link: { delay: 2s }' }, 34),
    );
    for (const protocol of protocols) {
      for (const metric of ['latency_ms', 'delivery_ms']) {
        const [far, direct] = ['far', 'direct'].map(
          (way) => valuesOf(summary, metric, tagsOf(protocol, way)).med!,
        );
        expect(Math.abs(far! - direct! - 2_000), `${protocol} ${metric}`).toBeLessThan(100);
      }
      // TCP's round trip (for WS-FLV that of the upgrade, too; RTMP of the handshake).
      const trips = { 'http-flv': 1, 'ws-flv': 2, rtmp: 2 }[protocol];
      expect(Math.abs(connecting(summary, protocol) - trips * 4_000), protocol).toBeLessThan(400);
      expect(stalls(summary, tagsOf(protocol, 'far'))).toBe(0);
    }
  });

  it('a cut of 3,000 ms: one stall of that less what the buffer held, ± 100', async () => {
    const server = await serve();
    const cut = 'link: { cuts: [ { at: 6s, for: 3s } ] }';
    const delayed = 'link: { delay: 200ms, cuts: [ { at: 6s, for: 3s } ] }';
    const summary = summaryOf(await run(server, { near: cut, far: delayed }, 15));
    // The profile `plain` starts with 1,000 ms in its buffer, and this server bursts nothing: that is what it holds.
    for (const protocol of protocols)
      for (const way of ['near', 'far']) {
        const tags = tagsOf(protocol, way);
        expect(valuesOf(summary, 'stall_count', tags), tags.cohort).toMatchObject({ count: 1 });
        expect(Math.abs(valuesOf(summary, 'stall_ms', tags).count! - 2_000), tags.cohort).toBeLessThan(100);
      }
  });

  it('300 kbit/s for a stream of 600: received_bps within 3 %, and half of the time is spent waiting', async () => {
    const server = await serve();
    await writeFile(path.join(folder, 'even.csv'), 'seconds,kbit/s\n0,500\n2,100\n');
    const summary = summaryOf(
      await run(server, { narrow: 'link: { down: 300k }', trace: `link: { trace: even.csv }` }, 16),
    );
    for (const protocol of protocols) {
      const narrow = tagsOf(protocol, 'narrow');
      const { avg } = valuesOf(summary, 'received_bps', narrow);
      expect(avg, protocol).toBeGreaterThan(300_000 * 0.97);
      expect(avg, protocol).toBeLessThan(300_000 * 1.03);
      const { value } = valuesOf(summary, 'stall_ratio', narrow);
      expect(value).toBeGreaterThan(0.35);
      expect(value).toBeLessThan(0.6);
      // The trace has the same mean; how many whole rounds were counted is not exact.
      const traced = valuesOf(summary, 'received_bps', tagsOf(protocol, 'trace'));
      expect(traced.avg, protocol).toBeGreaterThan(300_000 * 0.85);
      expect(traced.avg, protocol).toBeLessThan(300_000 * 1.15);
      expect(traced.max).toBeGreaterThan(450_000);
      expect(traced.min).toBeLessThan(150_000);
    }
  });

  it('a wide link changes nothing: received_bps of 600 kbit/s within 3 %, no stall', async () => {
    const server = await serve();
    const summary = summaryOf(
      await run(server, { wide: 'link: { down: 3mbit, up: 1mbit, delay: 40ms, jitter: 10ms }' }, 12),
    );
    for (const protocol of protocols) {
      const tags = tagsOf(protocol, 'wide');
      const { avg } = valuesOf(summary, 'received_bps', tags);
      expect(avg).toBeGreaterThan(600_000 * 0.97);
      expect(avg).toBeLessThan(600_000 * 1.03);
      expect(stalls(summary, tags)).toBe(0);
    }
  });

  it('300 ms of a link are the 300 ms of a proxy', async () => {
    const server = await serve();
    const proxy = await startLink({ port: server.httpPort, down: { delayMs: 300 } });
    cleanUp.push(proxy.stop);
    const at = (port: number) => `http://127.0.0.1:${port}/live/known.flv`;
    const [linked, proxied] = await Promise.all([
      watch(
        at(server.httpPort),
        '--link',
        'delay=300ms',
        '--player',
        'plain',
        '--duration',
        '10s',
        '--viewers',
        '3',
      ),
      watch(at(proxy.port), '--player', 'plain', '--duration', '10s', '--viewers', '3'),
    ]);
    for (const metric of ['delivery_ms', 'latency_ms']) {
      const [one, other] = [linked, proxied].map((result) => valuesOf(summaryOf(result!), metric).med!);
      // A tick of the pacer for the one, two timers and two more sockets for the other; the playhead starts at a frame.
      expect(Math.abs(one! - other!), metric).toBeLessThan(metric === 'delivery_ms' ? 12 : 45);
    }
  });

  it('a link survives its viewer’s reconnect, which a cut of the kind reset brings about', async () => {
    const server = await serve();
    const keys = 'link: { delay: 500ms, cuts: [ { at: 8s, kind: reset } ] }';
    const summary = summaryOf(await run(server, { broken: keys, whole: 'link: { delay: 500ms }' }, 18));
    for (const protocol of protocols) {
      const tags = tagsOf(protocol, 'broken');
      expect(valuesOf(summary, 'reconnect_ms', tags), protocol).toMatchObject({ count: 1 });
      // Back-off, round trips, and the next key picture.
      expect(valuesOf(summary, 'reconnect_ms', tags).med).toBeGreaterThan(1_500);
      const [max, whole] = ['broken', 'whole'].map(
        (way) => valuesOf(summary, 'delivery_ms', tagsOf(protocol, way)).med!,
      );
      expect(Math.abs(max! - whole!)).toBeLessThan(20);
      expect(max).toBeGreaterThan(500);
    }
    expect(summary.errors).toEqual([]);
  });

  it('over TLS: the same latency, and connecting costs TLS’s round trip, too', async () => {
    const server = await serve();
    const forwarder = await startForwarder({ port: server.httpPort, certificate: loopbackCertificate() });
    cleanUp.push(() => forwarder.stop());
    const summary = summaryOf(
      await watch(
        `https://127.0.0.1:${forwarder.port}/live/known.flv`,
        ...['--insecure', '--link', 'down=2mbit,up=1mbit,delay=150ms', '--viewers', '3', '--duration', '8s'],
      ),
    );
    // Two round trips of 300 ms, and what the handshake costs on a busy machine.
    const { min } = valuesOf(summary, 'connect_ms');
    expect(min).toBeGreaterThan(595);
    expect(min).toBeLessThan(850);
    expect(valuesOf(summary, 'first_byte_ms').min! - min!).toBeGreaterThan(295);
    expect(valuesOf(summary, 'first_byte_ms').min! - min!).toBeLessThan(400);
    expect(Math.abs(valuesOf(summary, 'delivery_ms').med! - 165)).toBeLessThan(25);
    expect(stalls(summary, {})).toBe(0);
  });

  it('300 viewers behind one preset each have the bandwidth for themselves', async () => {
    const server = await serve({ fps: 10, gopFrames: 10, frameBytes: 1_985 });
    const summary = summaryOf(
      await watch(
        `http://127.0.0.1:${server.httpPort}/live/known.flv`,
        ...['--link', '3g', '--viewers', '300', '--ramp', '3s', '--duration', '12s', '--player', 'plain'],
      ),
    );
    expect(valuesOf(summary, 'sessions_playing')).toMatchObject({ count: 300 });
    const { avg } = valuesOf(summary, 'received_bps');
    expect(avg).toBeGreaterThan(160_000 * 0.97);
    expect(avg).toBeLessThan(160_000 * 1.03);
    expect(Math.abs(valuesOf(summary, 'connect_ms').med! - 300)).toBeLessThan(60);
  });
});

describe('back-pressure', () => {
  const certificate = loopbackCertificate();

  /** A server that writes as much as it can; what it has got rid of. */
  async function startFirehose(secure: boolean) {
    const sockets: net.Socket[] = [];
    const piece = Buffer.alloc(64 * 1024);
    const pour = (socket: net.Socket): void => {
      sockets.push(socket);
      socket.on('error', () => {});
      const fill = (): void => {
        while (socket.write(piece));
      };
      socket.on('drain', fill);
      fill();
    };
    const server = secure ? tls.createServer(certificate, pour) : net.createServer(pour);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUp.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return {
      port: (server.address() as AddressInfo).port,
      gone: () => sockets.reduce((sum, socket) => sum + socket.bytesWritten - socket.writableLength, 0),
      waiting: () => sockets.every((socket) => socket.writableNeedDrain),
    };
  }

  function drink(port: number, secure: boolean, link: Link): () => number {
    let bytes = 0;
    const owner = {
      opened: () => {},
      received: (_: Uint8Array, end: number) => {
        bytes += end;
      },
      finished: () => {},
      failed: ({ detail }: { detail: string }) => {
        throw new Error(detail);
      },
      threw: (error: unknown) => {
        throw error;
      },
    };
    const endpoint = { host: '127.0.0.1', port, secure, tls: { ca: certificate.cert } };
    const connection = new Connection(endpoint, owner, { connectMs: 5_000, tlsMs: 5_000 }, systemClock, {
      link,
    });
    connection.open();
    cleanUp.push(() => connection.close());
    return () => bytes;
  }

  const linkOf = (profile: Partial<LinkProfile>) =>
    new Link({ ...unlimited, ...profile }, 1, performance.now());

  it.each([
    ['plain', 3_000_000, 0],
    ['plain', 12_000_000, 50],
    ['TLS', 3_000_000, 0],
    ['TLS', 12_000_000, 50],
  ] as const)(
    '%s, %d bit/s, %d ms: that is received, and the server gets rid of no more',
    async (kind, downBps, delayMs) => {
      const secure = kind === 'TLS';
      const server = await startFirehose(secure);
      const received = drink(server.port, secure, linkOf({ downBps, delayMs }));
      await delay(1_500);
      const before = { ms: performance.now(), received: received(), gone: server.gone() };
      await delay(6_000);
      const seconds = (performance.now() - before.ms) / 1_000;
      const rate = ((received() - before.received) * 8) / seconds / downBps;
      expect(rate).toBeGreaterThan(0.99);
      expect(rate).toBeLessThan(1.01);
      // The kernel opens its window in lumps, and lets it grow for a while.
      const lump = (1_500_000 * 8) / seconds / downBps;
      const served = ((server.gone() - before.gone) * 8) / seconds / downBps;
      expect(served).toBeGreaterThan(1 - lump);
      expect(served).toBeLessThan(1 + lump);
      expect(server.waiting()).toBe(true);
    },
  );

  it('several connections of one viewer share its bandwidth', async () => {
    const server = await startFirehose(false);
    const link = linkOf({ downBps: 8_000_000 });
    const each = [1, 2, 3, 4].map(() => drink(server.port, false, link));
    await delay(4_000);
    const all = each.map((received) => received());
    const sum = all.reduce((total, bytes) => total + bytes);
    expect(sum).toBeGreaterThan(3_850_000);
    expect(sum).toBeLessThan(4_100_000);
    for (const bytes of all) expect(bytes).toBeGreaterThan(sum / 8);
  });

  it('a cut leaves the server with what it has, and costs that much', async () => {
    const server = await startFirehose(false);
    const received = drink(
      server.port,
      false,
      linkOf({ downBps: 8_000_000, cuts: [{ when: { atMs: 1_000 }, forMs: 2_000, kind: 'silence' }] }),
    );
    await delay(1_200);
    const [before, gone] = [received(), server.gone()];
    await delay(1_700);
    expect(received()).toBe(before);
    expect(server.gone() - gone).toBeLessThan(300_000);
    await delay(1_100);
    expect(received() - before).toBeGreaterThan(900_000);
    expect(received() - before).toBeLessThan(1_100_000);
  });
});

describe('what is refused', () => {
  const refused = async (args: string[], code: number, why: RegExp): Promise<void> => {
    const result = await runCli(args, { cwd: folder });
    expect(result.stderr.trim()).toMatch(why);
    expect([result.code, result.stdout]).toEqual([code, '']);
  };

  it('a trace that is not there or is none, with its line, before anything is started', async () => {
    await writeFile(path.join(folder, 'bad.csv'), 'seconds,kbit/s\n0,3000\n10,fast\n');
    const url = 'http://127.0.0.1:1/live/a.flv';
    await refused(
      ['watch', url, '--link', 'trace=none.csv'],
      104,
      /There is no file "none\.csv" with the trace of a link\.$/,
    );
    await refused(
      ['watch', url, '--link', 'trace=.'],
      104,
      /"\." is not a file that could be the trace of a link\.$/,
    );
    await refused(
      ['watch', url, '--link', 'trace=bad.csv'],
      104,
      /bad\.csv:3: "10,fast" is not seconds,kbit\/s, as in 10,3000\.$/,
    );
  });

  it('a --link that says nothing, in one sentence', async () => {
    const url = 'http://127.0.0.1:1/live/a.flv';
    await refused(
      ['watch', url, '--link', '3gslow'],
      2,
      /--link 3gslow: "3gslow" says nothing here \(did you mean 3g-slow\?\); write /,
    );
    await refused(['watch', url, '--link', 'down=3'], 2, /--link\.down: "3" has no unit/);
    await refused(
      ['watch', url, '--link', 'delay=1ms,jitter=2ms'],
      2,
      /--link\.jitter is longer than the delay/,
    );
  });
});
