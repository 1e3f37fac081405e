import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseMediaPlaylist } from '../core/hls/parse-media.ts';
import { TsDemuxer } from '../core/mpegts/demuxer.ts';
import { findStampAnnexB } from '../core/mpegts/find-stamp.ts';
import type { Stamp } from '../core/stamp/stamp.ts';
import { UnitCollector } from '../tests/kit/access-units.ts';
import { type HlsSource, startHlsSource } from './hls-source.ts';

let source: HlsSource;
afterEach(() => source.stop());

async function get(url: string, agent: http.Agent): Promise<{ status: number; body: Buffer }> {
  const request = http.get(url, { agent });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const body = Buffer.concat(await response.toArray());
  return { status: response.statusCode ?? 0, body };
}

describe('startHlsSource', () => {
  it('is a live stream of the promised rate under any name, over one kept connection', async () => {
    source = await startHlsSource();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const url = `http://127.0.0.1:${source.port}/live/room-7/index.m3u8?token=1`;
    const { body } = await get(url, agent);
    const playlist = parseMediaPlaylist(String(body), { url });
    expect(playlist.violations).toEqual([]);
    expect(playlist.segments.map(({ durationMs }) => durationMs)).toEqual([
      2000, 2000, 2000, 2000, 2000, 2000,
    ]);
    const last = playlist.segments.at(-1)!;
    const segment = (await get(last.url, agent)).body;
    // 640 kbit/s as FLV; the packets of MPEG-TS take some more.
    expect((segment.length * 8) / 2).toBeGreaterThan(600_000);
    expect((segment.length * 8) / 2).toBeLessThan(740_000);
    const sink = new UnitCollector();
    const demuxer = new TsDemuxer(sink);
    demuxer.push(segment);
    demuxer.flush();
    expect(sink.ofKind('video')).toHaveLength(50);
    const stamp: Stamp = { publisher: 0, frame: 0, captureUs: 0 };
    const { head } = sink.ofKind('video')[0]!;
    expect(findStampAnnexB(head, 0, head.length, 'h264', stamp)).toBe(true);
    const ageMs = performance.timeOrigin + performance.now() - stamp.captureUs / 1000;
    // Between whole and two segments old.
    expect(ageMs).toBeGreaterThan(1_990);
    expect(ageMs).toBeLessThan(6_000);
    expect((await get(`http://127.0.0.1:${source.port}/live/none.ts`, agent)).status).toBe(404);
    expect(String((await get(`http://127.0.0.1:${source.port}/requests`, agent)).body)).toBe('3');
    expect(source.requests).toBe(3);
    agent.destroy();
  });

  it('takes requests that come together, and one that comes in pieces', async () => {
    source = await startHlsSource({ container: 'fmp4', segmentMs: 1_000 });
    const socket = net.connect(source.port, '127.0.0.1');
    const request = (name: string) => `GET /x/${name} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const third = request('none');
    socket.write(request('index.m3u8') + request('init-0.mp4') + third.slice(0, 20));
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
    });
    await once(socket, 'data');
    socket.write(third.slice(20));
    while (!text.endsWith('404 Not Found\r\nContent-Length: 0\r\n\r\n')) await once(socket, 'data');
    socket.destroy();
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404']);
    expect(text).toMatch(/#EXT-X-MAP:URI="init-0.mp4"/);
  });
});
