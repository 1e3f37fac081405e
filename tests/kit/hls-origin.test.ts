import http from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { playlistChanges } from '../../core/hls/changes.ts';
import type { MediaPlaylist } from '../../core/hls/media-playlist.ts';
import { parseMediaPlaylist } from '../../core/hls/parse-media.ts';
import { parsePlaylist } from '../../core/hls/parse-playlist.ts';
import { TsDemuxer } from '../../core/mpegts/demuxer.ts';
import { findStampAnnexB } from '../../core/mpegts/find-stamp.ts';
import type { Stamp } from '../../core/stamp/stamp.ts';
import { UnitCollector } from './access-units.ts';
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
