/**
 * The accuracy that the product promises (docs/metrics.md), for RTMP, HTTP-FLV and WS-FLV: the whole product, as a user starts
 * it, looks at a stream of known properties through a link of known delay, cuts and bandwidth.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runCli, startCli, summaryOf, valuesOf } from './kit/cli.ts';
import { type Link, type LinkOptions, startLink } from './kit/link.ts';
import { type KnownStream, startTruthServer, type TruthServer } from './kit/truth-server.ts';

const protocols = ['http-flv', 'ws-flv', 'rtmp'] as const;
type Protocol = (typeof protocols)[number];

/** 600 kbit/s as FLV: (2,985 + 15) bytes, 25 times a second. */
const steady: KnownStream = { fps: 25, gopFrames: 25, frameBytes: 2_985 };

/** Runs leave their results below it. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-accuracy-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of cleanUp.splice(0).reverse()) await stop();
});

async function serve(stream: KnownStream): Promise<TruthServer> {
  const server = await startTruthServer(stream);
  cleanUp.push(server.stop);
  return server;
}

async function linkTo(
  server: TruthServer,
  protocol: Protocol,
  options: Partial<LinkOptions> = {},
): Promise<Link> {
  const link = await startLink({ port: protocol === 'rtmp' ? server.rtmpPort : server.httpPort, ...options });
  cleanUp.push(link.stop);
  return link;
}

const urlOf = (protocol: Protocol, port: number): string =>
  protocol === 'rtmp'
    ? `rtmp://127.0.0.1:${port}/live/known`
    : `${protocol === 'ws-flv' ? 'ws' : 'http'}://127.0.0.1:${port}/live/known.flv`;

const portOf = (server: TruthServer, protocol: Protocol): number =>
  protocol === 'rtmp' ? server.rtmpPort : server.httpPort;

const watch = (...args: string[]) => runCli(['watch', ...args, '--json'], { cwd: folder });

describe.each(protocols)('figures of %s viewers against a known truth', (protocol) => {
  it('a link that adds exactly 2,000 ms: latency_ms is higher by 2,000 ± 100', async () => {
    const server = await serve(steady);
    const link = await linkTo(server, protocol, { down: { delayMs: 2_000 } });
    const [direct, delayed] = await Promise.all([
      watch(urlOf(protocol, portOf(server, protocol)), '--viewers', '2', '--duration', '12s'),
      watch(urlOf(protocol, link.port), '--viewers', '2', '--duration', '12s'),
    ]);
    const added =
      valuesOf(summaryOf(delayed), 'latency_ms').med! - valuesOf(summaryOf(direct), 'latency_ms').med!;
    expect(added).toBeGreaterThan(1_900);
    expect(added).toBeLessThan(2_100);
    const delivered =
      valuesOf(summaryOf(delayed), 'delivery_ms').med! - valuesOf(summaryOf(direct), 'delivery_ms').med!;
    expect(delivered).toBeGreaterThan(1_900);
    expect(delivered).toBeLessThan(2_100);
  });

  it('a cut of 3,000 ms: one stall of that less what the buffer held, ± 100', async () => {
    const server = await serve(steady);
    const link = await linkTo(server, protocol);
    // The profile `plain` starts with 1,000 ms in its buffer, and this server bursts nothing: that is what it holds.
    const running = startCli(
      ['watch', urlOf(protocol, link.port), '--player', 'plain', '--duration', '14s', '--json'],
      { cwd: folder },
    );
    await new Promise<void>((resolve) => {
      const poll = setInterval(() => {
        if (link.accepted === 0) return;
        clearInterval(poll);
        resolve();
      }, 20);
      cleanUp.push(async () => clearInterval(poll));
    });
    await new Promise((wake) => setTimeout(wake, 5_000));
    link.cut(3_000);
    const summary = summaryOf(await running.done);
    expect(valuesOf(summary, 'stall_count')).toMatchObject({ count: 1 });
    expect(valuesOf(summary, 'stall_count_player')).toMatchObject({ count: 1 });
    const stallMs = valuesOf(summary, 'stall_ms').count!;
    expect(stallMs).toBeGreaterThan(1_900);
    expect(stallMs).toBeLessThan(2_100);
  });

  it('a GOP of 4 s and no GOP cache: first_frame_ms is spread evenly over 0–4 s', async () => {
    const server = await serve({ fps: 25, gopFrames: 100, frameBytes: 1_000 });
    // 40 viewers arrive evenly over 8 s, two whole GOPs: where in a GOP they begin is evenly spread as well.
    const result = await watch(
      urlOf(protocol, portOf(server, protocol)),
      '--viewers',
      '40',
      '--ramp',
      '8s',
      '--duration',
      '14s',
    );
    const spread = valuesOf(summaryOf(result), 'first_frame_ms');
    expect(spread.count).toBe(40);
    expect(spread.min).toBeLessThan(400);
    expect(spread.avg).toBeGreaterThan(1_800);
    expect(spread.avg).toBeLessThan(2_200);
    expect(spread.med).toBeGreaterThan(1_700);
    expect(spread.med).toBeLessThan(2_300);
    expect(spread.p90).toBeGreaterThan(3_300);
    expect(spread.p90).toBeLessThan(3_900);
    expect(spread.max).toBeGreaterThan(3_600);
    expect(spread.max).toBeLessThan(4_150);
  });

  it('a stream of 600 kbit/s: received_bps within 3 %', async () => {
    const server = await serve(steady);
    const result = await watch(
      urlOf(protocol, portOf(server, protocol)),
      '--viewers',
      '3',
      '--duration',
      '12s',
    );
    const { avg } = valuesOf(summaryOf(result), 'received_bps');
    expect(avg).toBeGreaterThan(600_000 * 0.97);
    expect(avg).toBeLessThan(600_000 * 1.03);
  });

  it('a link that lets 300 kbit/s through: received_bps says so, and the picture stalls', async () => {
    const server = await serve(steady);
    const link = await linkTo(server, protocol, { down: { bitsPerSecond: 300_000 } });
    const summary = summaryOf(await watch(urlOf(protocol, link.port), '--duration', '15s'));
    const { avg } = valuesOf(summary, 'received_bps');
    expect(avg).toBeGreaterThan(300_000 * 0.9);
    expect(avg).toBeLessThan(300_000 * 1.1);
    // Half of the media comes in the time: the other half of the time is spent waiting.
    const { value } = valuesOf(summary, 'stall_ratio');
    expect(value).toBeGreaterThan(0.4);
    expect(value).toBeLessThan(0.6);
  });

  it('1 frame in 50 removed: frames_missing 2.0 ± 0.1 %', async () => {
    const server = await serve({ fps: 200, gopFrames: 200, frameBytes: 400, dropEvery: 50 });
    const result = await watch(
      urlOf(protocol, portOf(server, protocol)),
      '--viewers',
      '2',
      '--duration',
      '15s',
    );
    const { value } = valuesOf(summaryOf(result), 'frames_missing');
    expect(value).toBeGreaterThan(0.019);
    expect(value).toBeLessThan(0.021);
  });
});
