import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createViewer } from '../clients/create-viewer.ts';
import { systemClock } from '../clients/system-clock.ts';
import type { Viewer, ViewerOptions } from '../clients/viewer.ts';
import { playerProfiles } from '../core/player/profile.ts';
import { type HlsOrigin, type HlsOriginOptions, startHlsOrigin } from './kit/hls-origin.ts';
import { startLink } from './kit/link.ts';
import { knownMedia } from './kit/live-media.ts';
import { Recorder } from './kit/viewer-contract.ts';

const running: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.stop();
});

async function serve(options: HlsOriginOptions): Promise<HlsOrigin> {
  const origin = await startHlsOrigin(options);
  running.push(origin);
  return origin;
}

class HlsRecorder extends Recorder {
  readonly renditions: string[] = [];
  readonly ages: number[] = [];
  readonly ttfbs: number[] = [];
  readonly ratios: number[] = [];
  rendition(name: string): void {
    this.renditions.push(name);
  }
  playlistAge(ms: number): void {
    this.ages.push(ms);
  }
  segmentTtfb(ms: number): void {
    this.ttfbs.push(ms);
  }
  segmentDownload(ratio: number): void {
    this.ratios.push(ratio);
  }
}

interface Watching {
  readonly viewer: Viewer;
  readonly heard: HlsRecorder;
}

function watch(url: string, options: Partial<ViewerOptions> = {}): Watching {
  const heard = new HlsRecorder();
  const viewer = createViewer({
    url,
    player: playerProfiles['hls.js'],
    clock: systemClock,
    observer: heard,
    intendedStartMs: systemClock.nowMs(),
    ...options,
  });
  const timer = setInterval(() => viewer.sweep(systemClock.nowMs()), 200);
  running.push({
    stop: () => {
      clearInterval(timer);
      viewer.stop();
    },
  });
  viewer.start();
  return { viewer, heard };
}

async function until(what: () => unknown, withinMs = 15_000): Promise<void> {
  for (const giveUpMs = Date.now() + withinMs; Date.now() < giveUpMs; await sleep(10)) if (what()) return;
  throw new Error(`it did not happen: ${what}`);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const media = knownMedia({ gopFrames: 25 });

describe('an HLS viewer of a live origin', () => {
  it.each([
    ['MPEG-TS', { container: 'ts' }],
    ['fragmented MP4', { container: 'fmp4' }],
    ['MPEG-TS with sound', { container: 'ts', media: knownMedia({ gopFrames: 25, sound: true }) }],
    ['compressed playlists', { gzip: true }],
    ['an event', { type: 'event' }],
  ] as const)('plays %s without a stall, three segments behind', async (_name, options) => {
    const origin = await serve({ media, segmentMs: 1_000, ...options });
    const { viewer, heard } = watch(origin.url);
    await sleep(3_500);
    viewer.stop();
    const { figures } = heard.outcome!;
    expect(heard.outcome).toMatchObject({ result: 'ended', figures: { stallCount: 0, framesMissing: 0 } });
    expect(figures.firstFrameMs).toBeLessThan(300);
    // The end of the playlist is up to a segment old; the player is three target durations behind it.
    const latencyMs = median(heard.all('latency'));
    expect(latencyMs).toBeGreaterThan(2_950);
    expect(latencyMs).toBeLessThan(4_100);
    expect(figures.frames).toBeGreaterThanOrEqual(25 * 5);
    expect(Math.max(...heard.ages)).toBeLessThan(1_500);
    expect(heard.ttfbs.length).toBeGreaterThanOrEqual(5);
    expect(Math.max(...heard.ratios)).toBeLessThan(0.5);
    expect(viewer.bytesReceived).toBe(figures.bytesReceived);
  });

  it.each(['ts', 'fmp4'] as const)(
    'plays low latency with parts of %s, near its hold-back',
    async (container) => {
      const origin = await serve({ media, container, segmentMs: 2_000, partMs: 200, deltaUpdates: true });
      const { viewer, heard } = watch(origin.url);
      await sleep(5_000);
      viewer.stop();
      expect(heard.outcome).toMatchObject({ result: 'ended', figures: { framesMissing: 0 } });
      const latencyMs = median(heard.all('latency'));
      expect(latencyMs).toBeLessThan(1_200);
      expect(latencyMs).toBeGreaterThan(400);
      expect(heard.outcome!.figures.stallCount).toBeLessThanOrEqual(1);
      expect(origin.counts.parts).toBeGreaterThan(15);
      expect(origin.counts.notFound).toBe(0);
      expect(origin.log.some((line) => line.includes('_HLS_msn='))).toBe(true);
      // No part is asked for twice.
      for (const [path, times] of origin.paths)
        if (/\.\d+\.\w+$/.test(path)) expect([path, times]).toEqual([path, 1]);
    },
  );

  it('falls back to whole segments where low latency is not wanted', async () => {
    const origin = await serve({ media, segmentMs: 1_000, partMs: 200 });
    const { heard } = watch(origin.url, { hls: { lowLatency: false } });
    await sleep(3_000);
    expect(origin.counts.parts).toBe(0);
    expect(heard.all('stalled')).toEqual([]);
    expect(median(heard.all('latency'))).toBeGreaterThan(2_900);
  });

  it('plays a recording to its end', async () => {
    const origin = await serve({ media, segmentMs: 1_000, type: 'vod', historyMs: 3_000 });
    const { heard } = watch(origin.url);
    await until(() => heard.outcome);
    expect(heard.outcome).toMatchObject({
      result: 'ended',
      reason: null,
      detail: 'played to the end',
      figures: { stallCount: 0 },
    });
    expect(heard.outcome!.figures.playingMs).toBeGreaterThan(2_900);
    expect(heard.outcome!.figures.playingMs).toBeLessThan(3_150);
  });

  it('plays what is left when the publisher leaves, and says so', async () => {
    const origin = await serve({ media, segmentMs: 1_000 });
    const { heard } = watch(origin.url);
    await sleep(1_500);
    origin.end();
    await until(() => heard.outcome);
    expect(heard.outcome).toMatchObject({
      result: 'failed',
      reason: 'publisher-gone',
      figures: { stallCount: 0 },
    });
    expect(heard.outcome!.detail).toContain('EXT-X-ENDLIST');
  });

  it('plays on over a leap of timestamps, with no stall and no frame lost', async () => {
    const origin = await serve({ media, segmentMs: 1_000, discontinuityAtMs: [6_000] });
    const { viewer, heard } = watch(origin.url);
    await sleep(6_000);
    viewer.stop();
    expect(heard.outcome).toMatchObject({ figures: { stallCount: 0, framesMissing: 0 } });
    const latencies = heard.all('latency');
    expect(Math.max(...latencies) - Math.min(...latencies)).toBeLessThan(60);
  });
});

describe('figures of HLS against what is known', () => {
  it('pictures captured 2,000 ms earlier are 2,000 ms later, and nothing else', async () => {
    const [near, far] = await Promise.all([
      serve({ media, segmentMs: 1_000 }),
      serve({ media: (startWallMs) => media(startWallMs - 2_000), segmentMs: 1_000 }),
    ]);
    const watching = [near, far].map(({ url }) => watch(url));
    await sleep(3_000);
    const [here, there] = watching.map(({ heard }) => median(heard.all('latency')));
    expect(there! - here!).toBeGreaterThan(1_900);
    expect(there! - here!).toBeLessThan(2_100);
  });

  it('a link of 300 ms delays the first frame by its playlist and its segment', async () => {
    const origin = await serve({ media, segmentMs: 1_000 });
    const link = await startLink({ port: origin.port, down: { delayMs: 300 } });
    running.push(link);
    const near = watch(origin.url);
    const far = watch(origin.url.replace(String(origin.port), String(link.port)));
    await until(() => far.heard.has('firstFrame') && near.heard.has('firstFrame'));
    const addedMs = far.heard.all('firstFrame')[0]! - near.heard.all('firstFrame')[0]!;
    expect(addedMs).toBeGreaterThan(550);
    expect(addedMs).toBeLessThan(700);
    expect(median(far.heard.ttfbs)).toBeGreaterThan(290);
  });

  it('a cut that is longer than the buffer is one stall, by which the latency grows', async () => {
    const origin = await serve({ media, segmentMs: 1_000, windowSegments: 20 });
    const link = await startLink({ port: origin.port });
    running.push(link);
    const { viewer, heard } = watch(origin.url.replace(String(origin.port), String(link.port)));
    await sleep(2_500);
    const before = median(heard.all('latency'));
    link.cut(6_000);
    await sleep(9_000);
    viewer.stop();
    const { figures } = heard.outcome!;
    const grownMs = heard.all('latency').at(-1)! - before;
    expect(figures.stallCount).toBe(1);
    expect(Math.abs(figures.stallMs - grownMs)).toBeLessThan(100);
    expect(figures.stallMs).toBeGreaterThan(6_000 - 4_100);
    expect(figures.stallMs).toBeLessThan(6_000 - 1_400);
    expect(figures.framesMissing).toBe(0);
    expect(figures.reconnects).toBe(0);
  });

  it('the bit rate of 600 kbit/s, and frames that the publisher left out', async () => {
    // Every 50th picture is missing: 3,000 bytes 25 times a second are 600 kbit/s.
    const full = knownMedia({ gopFrames: 25, frameBytes: 3_000 });
    const holed: typeof full = function* (startWallMs) {
      let pictures = 0;
      const tags = full(startWallMs);
      for (;;) {
        const { value } = tags.next();
        const isFrame = value.tag.body.length > 1_000;
        if (!isFrame || ++pictures % 50 !== 20) yield value;
      }
    };
    const origin = await serve({ media: holed, segmentMs: 1_000 });
    const { viewer, heard } = watch(origin.url);
    await sleep(5_000);
    viewer.stop();
    const { figures } = heard.outcome!;
    const bps = (8_000 * figures.mediaBytes) / figures.mediaMs;
    expect(bps / (600_000 * 0.98)).toBeGreaterThan(0.97);
    expect(bps / (600_000 * 0.98)).toBeLessThan(1.03);
    const expected = figures.frames + figures.framesMissing;
    expect(figures.framesMissing).toBeGreaterThanOrEqual(Math.floor(expected / 50) - 1);
    expect(figures.framesMissing).toBeLessThanOrEqual(Math.ceil(expected / 50));
  });
});

describe('renditions', () => {
  const variant = (name: string, kbps: number, height: number) => ({
    name,
    media: knownMedia({ gopFrames: 25, frameBytes: (kbps * 1_000) / 8 / 25 }),
    bandwidth: kbps * 1_100,
    width: (height * 16) / 9,
    height,
  });

  it('goes down when the line does, and goes on playing', async () => {
    const origin = await serve({
      segmentMs: 1_000,
      windowSegments: 20,
      variants: [variant('low', 400, 360), variant('high', 2_000, 720)],
    });
    const link = await startLink({ port: origin.port });
    running.push(link);
    const { heard } = watch(origin.url.replace(String(origin.port), String(link.port)));
    await sleep(2_500);
    // 500 kbit/s are thought possible before anything is known; the first segments tell more.
    expect(heard.renditions).toEqual(['360p', '720p']);
    link.reshape({ down: { bitsPerSecond: 800_000 } });
    await until(() => heard.renditions.length === 3, 20_000);
    expect(heard.renditions).toEqual(['360p', '720p', '360p']);
    await sleep(2_500);
    expect(heard.outcome).toBeNull();
    expect(heard.all('latency').length).toBeGreaterThan(10);
  });

  it('goes down with the line, stays there, and goes up again with it', async () => {
    const origin = await serve({
      segmentMs: 1_000,
      windowSegments: 20,
      variants: [variant('low', 400, 360), variant('high', 600, 720)],
    });
    const link = await startLink({ port: origin.port });
    running.push(link);
    const { heard } = watch(origin.url.replace(String(origin.port), String(link.port)));
    await until(() => heard.renditions.length === 2);
    link.reshape({ down: { bitsPerSecond: 550_000 } });
    await until(() => heard.renditions.length === 3, 30_000);
    // It does not go up again because of what the line was before.
    await sleep(4_000);
    expect(heard.renditions).toEqual(['360p', '720p', '360p']);
    link.reshape({ down: {} });
    await until(() => heard.renditions.length === 4, 30_000);
    expect(heard.renditions.at(-1)).toBe('720p');
    const stalls = heard.all('stalled').length;
    await sleep(3_000);
    expect(heard.renditions).toHaveLength(4);
    expect(heard.all('stalled')).toHaveLength(stalls);
    expect(heard.outcome).toBeNull();
  });

  it.each([
    ['the lowest', { quality: 'lowest' }, '360p'],
    ['what a cap allows', { quality: 'highest', maxHeight: 400 }, '360p'],
    ['the highest', { quality: 'highest' }, '720p'],
  ] as const)('stays with %s when told to', async (_name, hls, expected) => {
    const variant = (name: string, bandwidth: number, height: number) => ({
      name,
      media,
      bandwidth,
      width: (height * 16) / 9,
      height,
    });
    const origin = await serve({
      segmentMs: 1_000,
      variants: [variant('high', 2_000_000, 720), variant('low', 400_000, 360)],
    });
    const { heard } = watch(origin.url, { hls });
    await until(() => heard.has('startup'));
    await sleep(1_500);
    expect(heard.renditions).toEqual([expected]);
  });
});
