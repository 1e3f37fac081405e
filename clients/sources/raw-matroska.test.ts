import { describe, expect, it } from 'vitest';
import { runFfmpeg, runFfprobe } from '../../tests/kit/run-tool.ts';
import { pictureBytes, type RawVideo, rawMatroskaHeader, rawMatroskaPrefix } from './raw-matroska.ts';

interface Probed {
  readonly streams: readonly Record<string, unknown>[];
  readonly packets: readonly { pts_time: string; size: string }[];
}

/** Pictures whose samples all have the number of the picture. */
function write(video: RawVideo, timesMs: readonly number[]): Buffer {
  return Buffer.concat([
    rawMatroskaHeader(video),
    ...timesMs.flatMap((timeMs, index) => [
      rawMatroskaPrefix(video, timeMs),
      new Uint8Array(pictureBytes(video)).fill(index + 16),
    ]),
  ]);
}

describe('raw pictures in Matroska', () => {
  it.each([
    { width: 64, height: 36, fps: 25 },
    { width: 65, height: 37, fps: 30 },
    { width: 640, height: 360, fps: 60 },
  ])('are what ffprobe finds: $width x $height at $fps', async (video) => {
    const timesMs = [0, 40, 80, 200, 240, 70_000_000];
    const { streams, packets } = (await runFfprobe(
      ['-show_streams', '-show_packets'],
      write(video, timesMs),
    )) as Probed;
    expect(streams).toHaveLength(1);
    expect(streams[0]).toMatchObject({
      codec_name: 'rawvideo',
      codec_tag_string: 'I420',
      pix_fmt: 'yuv420p',
      width: video.width,
      height: video.height,
      r_frame_rate: `${video.fps}/1`,
    });
    expect(packets.map(({ pts_time }) => Math.round(Number(pts_time) * 1_000))).toEqual(timesMs);
    expect(new Set(packets.map(({ size }) => Number(size)))).toEqual(new Set([pictureBytes(video)]));
  });

  it('come out of ffmpeg as they went in', async () => {
    const video = { width: 64, height: 36, fps: 25 };
    const raw = await runFfmpeg(
      ['-i', 'pipe:0', '-f', 'rawvideo', '-fps_mode', 'passthrough', '-'],
      write(video, [0, 40, 120]),
    );
    expect(raw).toHaveLength(3 * pictureBytes(video));
    expect([0, 1, 2].map((index) => raw[index * pictureBytes(video)])).toEqual([16, 17, 18]);
    expect(raw.at(-1)).toBe(18);
  });
});
