import http from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { playlistChanges } from '../../core/hls/changes.ts';
import type { MediaPlaylist } from '../../core/hls/media-playlist.ts';
import { parseMediaPlaylist } from '../../core/hls/parse-media.ts';
import { parsePlaylist } from '../../core/hls/parse-playlist.ts';
import { Mp4Demuxer } from '../../core/mp4/demuxer.ts';
import { TsDemuxer } from '../../core/mpegts/demuxer.ts';
import { findStampAnnexB } from '../../core/mpegts/find-stamp.ts';
import { findStamp, type Stamp } from '../../core/stamp/stamp.ts';
import { UnitCollector } from './access-units.ts';
import type { Hostility } from './hls-misbehaviour.ts';
import { type HlsOrigin, type HlsOriginOptions, startHlsOrigin } from './hls-origin.ts';
import { encodedMedia, knownMedia } from './live-media.ts';
import { runTool } from './run-tool.ts';

let origin: HlsOrigin;
const start = async (options: HlsOriginOptions): Promise<HlsOrigin> => {
  origin = await startHlsOrigin(options);
  return origin;
};
afterEach(() => origin.stop());

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

function get(url: string, headers: http.OutgoingHttpHeaders = {}, agent?: http.Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers, agent: agent ?? new http.Agent() }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) });
      });
    });
    request.on('error', reject);
  });
}

async function load(url = origin.mediaUrl(), previous: MediaPlaylist | null = null): Promise<MediaPlaylist> {
  const { body } = await get(url);
  const playlist = parseMediaPlaylist(String(body), { url, previous });
  expect(playlist.violations).toEqual([]);
  return playlist;
}

interface Packet {
  readonly codec_type: string;
  readonly pts_time: string;
  readonly flags: string;
}

async function probePackets(url: string, seconds: number): Promise<Packet[]> {
  const args = ['-v', 'error', '-of', 'json', '-show_packets', '-read_intervals', `%+${seconds}`, '-i', url];
  const { packets } = JSON.parse(String(await runTool('ffprobe', args))) as { packets: Packet[] };
  return packets;
}

describe('startHlsOrigin', () => {
  it('is a live stream: segments appear when their last frame has been captured', async () => {
    await start({ segmentMs: 400, media: knownMedia({ gopFrames: 10 }) });
    let playlist = await load();
    const seen: MediaPlaylist[] = [playlist];
    for (let i = 0; i < 6; i++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const next = await load();
      expect(playlistChanges(playlist, next).violations).toEqual([]);
      playlist = next;
      seen.push(next);
    }
    const ends = seen.map(({ mediaSequence, segments }) => mediaSequence + segments.length);
    // 1.2 s are three segments of 0.4 s.
    expect(ends.at(-1)! - ends[0]!).toBeGreaterThanOrEqual(2);
    expect(ends.at(-1)! - ends[0]!).toBeLessThanOrEqual(4);
    const last = playlist.segments.at(-1)!;
    const { body, status } = await get(last.url);
    expect(status).toBe(200);
    const sink = new UnitCollector();
    const demuxer = new TsDemuxer(sink);
    demuxer.push(body);
    demuxer.flush();
    expect(sink.units).toHaveLength(10);
    const stamp: Stamp = { publisher: 0, frame: 0, captureUs: 0 };
    const { head, key } = sink.units[0]!;
    expect(key).toBe(true);
    expect(findStampAnnexB(head, 0, head.length, 'h264', stamp)).toBe(true);
    expect(stamp.frame).toBe(last.sequence * 10);
    expect(stamp.captureUs / 1000).toBeCloseTo(origin.startWallMs + last.sequence * 400, 0);
    expect(last.programDateTimeMs).toBeCloseTo(origin.startWallMs + last.sequence * 400, -1);
    expect(origin.counts).toMatchObject({ requests: 8, playlists: 7, segments: 1, notFound: 0 });
  });

  it('has variants, and counts one connection of a viewer that keeps it', async () => {
    const media = knownMedia();
    await start({
      variants: [
        { name: 'low', media, bandwidth: 300_000, width: 320, height: 180 },
        { name: 'high', media: knownMedia({ frameBytes: 4_000 }), bandwidth: 900_000 },
      ],
    });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const { body } = await get(origin.url, {}, agent);
    const multivariant = parsePlaylist(String(body), { url: origin.url });
    if (multivariant.kind !== 'multivariant') throw new Error('expected a multivariant playlist');
    expect(multivariant.violations).toEqual([]);
    expect(multivariant.variants.map(({ bandwidth, url }) => [bandwidth, url])).toEqual([
      [300_000, origin.mediaUrl('low')],
      [900_000, origin.mediaUrl('high')],
    ]);
    for (const { url } of multivariant.variants) expect((await get(url, {}, agent)).status).toBe(200);
    expect((await get(`${origin.mediaUrl('low')}x`, {}, agent)).status).toBe(404);
    agent.destroy();
    expect(origin.counts).toMatchObject({ requests: 4, connections: 1, notFound: 1 });
  });

  it('is read by ffprobe over HTTP, live', async () => {
    await start({ media: await encodedMedia() });
    const packets = await probePackets(origin.url, 2);
    const times = packets.filter(({ codec_type }) => codec_type === 'video').map(({ pts_time }) => pts_time);
    expect(times.length).toBeGreaterThanOrEqual(45);
    const steps = times.slice(1).map((time, i) => Math.round((Number(time) - Number(times[i]!)) * 1000));
    expect(new Set(steps)).toEqual(new Set([40]));
    expect(packets.some(({ codec_type }) => codec_type === 'audio')).toBe(true);
  });

  it('as VOD has all of it and an end', async () => {
    await start({ type: 'vod', historyMs: 4_000, media: await encodedMedia() });
    const playlist = await load();
    expect(playlist).toMatchObject({ type: 'vod', ended: true, mediaSequence: 0 });
    expect(playlist.segments.map(({ durationMs }) => durationMs)).toEqual([1000, 1000, 1000, 1000]);
    // Decoded to the end without a complaint.
    await runTool('ffmpeg', ['-v', 'error', '-i', origin.url, '-f', 'null', '-']);
  });
});

/** Of the first video unit in this segment or these parts. */
function firstStamp(init: Uint8Array, body: Uint8Array): Stamp {
  const sink = new UnitCollector();
  const demuxer = new Mp4Demuxer(sink);
  demuxer.push(init);
  demuxer.begin();
  demuxer.push(body);
  const stamp: Stamp = { publisher: 0, frame: -1, captureUs: 0 };
  const { head } = sink.ofKind('video')[0]!;
  findStamp(head, 0, head.length, 4, 'h264', stamp);
  return stamp;
}

async function playThrough(url: string, more: readonly string[] = []): Promise<void> {
  await runTool('ffmpeg', ['-v', 'error', ...more, '-i', url, '-f', 'null', '-']);
}

describe('features of the origin, as ffmpeg and our parser see them', () => {
  it('fMP4, with an init segment', async () => {
    await start({ container: 'fmp4', media: await encodedMedia() });
    const packets = await probePackets(origin.url, 2);
    const pictures = packets.filter(({ codec_type }) => codec_type === 'video');
    expect(pictures.length).toBeGreaterThanOrEqual(45);
    expect(pictures[0]!.flags.startsWith('K')).toBe(true);
    expect(origin.counts.inits).toBeGreaterThan(0);
    origin.end();
    await playThrough(origin.url, ['-live_start_index', '0']);
  });

  it('low latency: what is asked for comes when it is made, a part after its last frame', async () => {
    await start({
      container: 'fmp4',
      partMs: 200,
      variants: [
        { name: 'a', media: knownMedia(), bandwidth: 1 },
        { name: 'b', media: knownMedia(), bandwidth: 2 },
      ],
    });
    const url = origin.mediaUrl('a');
    const first = await load(url);
    expect(first.serverControl.canBlockReload).toBe(true);
    let playlist = first;
    const init = (await get(playlist.segments[0]!.map!.url)).body;
    const agesMs: number[] = [];
    for (let i = 0; i < 6; i++) {
      const sequence = playlist.mediaSequence + playlist.segments.length;
      const hinted = get(playlist.preloadHints[0]!.url);
      const query = `?_HLS_msn=${sequence}&_HLS_part=${playlist.parts.length}`;
      const next = await load(`${url}${query}`);
      const changes = playlistChanges(playlist, next);
      expect(changes.violations).toEqual([]);
      expect(changes.parts).toHaveLength(1);
      const { body, status } = await hinted;
      expect(status).toBe(200);
      expect(changes.parts[0]!.part.url).toBe(playlist.preloadHints[0]!.url);
      const now = performance.timeOrigin + performance.now();
      agesMs.push(now - firstStamp(init, body).captureUs / 1000);
      expect(next.renditionReports).toMatchObject([{ url: origin.mediaUrl('b') }]);
      expect(Math.abs(next.renditionReports[0]!.lastSequence! - sequence)).toBeLessThanOrEqual(1);
      playlist = next;
    }
    // Five frames make a part, and the sixth closes it: 200 ms after the first was captured.
    for (const age of agesMs) expect(age).toBeGreaterThan(195);
    expect(Math.min(...agesMs)).toBeLessThan(280);
    const { status } = await get(`${url}?_HLS_msn=${playlist.mediaSequence + 100}`);
    expect(status).toBe(400);
  });

  it.each([false, true])('AES-128, keys that change, IV in the playlist: %s', async (explicitIv) => {
    await start({ type: 'vod', historyMs: 5_000, media: await encodedMedia(), aes128: { explicitIv } });
    const playlist = await load();
    expect(new Set(playlist.segments.map(({ key }) => key!.url)).size).toBe(2);
    expect(playlist.segments.every(({ key }) => (key!.iv !== null) === explicitIv)).toBe(true);
    await playThrough(origin.url);
    expect(origin.counts.keys).toBeGreaterThanOrEqual(2);
  });

  it('byte ranges', async () => {
    await start({ type: 'vod', historyMs: 6_000, media: await encodedMedia(), byteRanges: true });
    const playlist = await load();
    expect(playlist.version).toBe(4);
    expect(new Set(playlist.segments.map(({ url }) => url)).size).toBe(2);
    const { url, range } = playlist.segments[1]!;
    const last = range!.offset + range!.length - 1;
    const { status, body, headers } = await get(url, { range: `bytes=${range!.offset}-${last}` });
    expect([status, body.length, body[0]]).toEqual([206, range!.length, 0x47]);
    expect(headers['content-range']).toMatch(new RegExp(`^bytes ${range!.offset}-${last}/`));
    await playThrough(origin.url);
  });

  it('byte ranges of a live stream stay where they are', async () => {
    await start({ segmentMs: 200, media: knownMedia({ gopFrames: 5 }), byteRanges: true });
    const before = await load();
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(playlistChanges(before, await load()).violations).toEqual([]);
  });

  it('gzip, delta updates, gaps, a discontinuity and redirects', async () => {
    await start({
      historyMs: 14_500,
      windowSegments: 14,
      gzip: true,
      deltaUpdates: true,
      gaps: [13],
      discontinuityAtMs: [10_000],
      redirects: 2,
    });
    const { status, headers } = await get(origin.url);
    expect([status, headers.location]).toEqual([302, '/hop/1/live/index.m3u8']);
    const url = `http://127.0.0.1:${origin.port}/hop/0/live/index.m3u8`;
    const answer = await get(url, { 'accept-encoding': 'gzip' });
    expect(answer.headers['content-encoding']).toBe('gzip');
    const previous = parseMediaPlaylist(String(gunzipSync(answer.body)), { url });
    expect(previous.violations).toEqual([]);
    expect(previous.segments.filter(({ startsDiscontinuity }) => startsDiscontinuity)).toHaveLength(1);
    const gap = previous.segments.find(({ sequence }) => sequence === 13)!;
    expect(gap.gap).toBe(true);
    expect((await get(gap.url)).status).toBe(404);
    const { body } = await get(`${url}?_HLS_skip=YES`);
    const delta = parseMediaPlaylist(String(body), { url, previous });
    expect(delta.violations).toEqual([]);
    expect(delta.skippedSegments).toBeGreaterThan(5);
    expect(delta.segments.length).toBeGreaterThanOrEqual(previous.segments.length - 1);
  });
});

describe('misbehaviours of the origin', () => {
  it('answers 404, late, from the past, or not to the end', async () => {
    await start({ historyMs: 10_000, misbehave: { refuse: { kind: 'segment', status: 503, times: 1 } } });
    const playlist = await load();
    const { url, sequence } = playlist.segments.at(-1)!;
    expect((await get(url)).status).toBe(503);
    expect((await get(url)).status).toBe(200);

    origin.misbehaviour.missingSegments = [sequence];
    expect((await get(url)).status).toBe(404);
    delete origin.misbehaviour.missingSegments;

    origin.misbehaviour.slowMs = { segment: 300 };
    const began = performance.now();
    await get(url);
    expect(performance.now() - began).toBeGreaterThan(295);
    origin.misbehaviour.slowMs = {};

    origin.misbehaviour.sequenceShift = -3;
    const reasons = playlistChanges(playlist, await load()).violations.map(({ reason }) => reason);
    expect(reasons).toContain('sequence-regress');
    origin.misbehaviour.sequenceShift = 0;

    origin.misbehaviour.cutMidway = { kind: 'segment', times: 1 };
    await expect(get(url)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
    expect((await get(url)).status).toBe(200);
  });

  it('freezes its playlists, and goes on later', async () => {
    await start({ segmentMs: 200, media: knownMedia({ gopFrames: 5 }), misbehave: { frozen: true } });
    const before = await load();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(playlistChanges(before, await load()).changed).toBe(false);
    origin.misbehaviour.frozen = false;
    expect(playlistChanges(before, await load()).segments.length).toBeGreaterThanOrEqual(2);
  });

  it('closes kept connections after some answers', async () => {
    await start({ misbehave: { closeAfterAnswers: 2 } });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 6; i++) {
      await get(origin.url, {}, agent);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    agent.destroy();
    expect(origin.counts.connections).toBe(3);
  });

  it('sends hostile playlists and keys', async () => {
    await start({ aes128: {}, misbehave: { keyBytes: 15 } });
    const key = (await load()).segments[0]!.key!.url!;
    expect((await get(key)).body).toHaveLength(15);
    const hostile = async (
      by: Hostility,
      maxBytes: number,
    ): Promise<http.IncomingMessage & { got: number }> => {
      origin.misbehaviour.hostile = { kind: 'playlist', by };
      return new Promise((resolve, reject) => {
        const request = http.get(origin.url, (response) => {
          const result = Object.assign(response, { got: 0 });
          const finish = (): void => {
            request.destroy();
            resolve(result);
          };
          response.on('data', ({ length }: Buffer) => {
            result.got += length;
            if (result.got >= maxBytes) finish();
          });
          response.on('end', finish);
          response.on('error', () => {});
        });
        request.on('error', reject);
      });
    };
    expect((await hostile('endless', 20_000_000)).got).toBeGreaterThanOrEqual(20_000_000);
    expect((await hostile('huge-line', 1e9)).got).toBeGreaterThan(16_000_000);
    const bomb = await hostile('gzip-bomb', 50_000);
    expect(bomb.headers['content-encoding']).toBe('gzip');
    expect((await hostile('redirect-loop', 1)).headers.location).toBe('/live/index.m3u8');
    expect((await hostile('redirect-to-file', 1)).headers.location).toMatch(/^file:/);
  });
});
