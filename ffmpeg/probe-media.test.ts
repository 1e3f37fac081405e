import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { probeMedia } from './probe-media.ts';
import { STDIN, startFfmpeg } from './start.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sg-probe-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('reads streams, format and packets', async () => {
  const file = path.join(folder, 'four pictures.nut');
  const raw = ['-f', 'rawvideo', '-pixel_format', 'gray', '-video_size', '32x16', '-framerate', '25'];
  const run = await startFfmpeg({
    purpose: 'four pictures',
    inputs: [{ source: STDIN, options: raw }],
    outputOptions: ['-c:v', 'copy', '-f', 'nut'],
    output: file,
  });
  run.stdin.end(Buffer.alloc(4 * 32 * 16));
  expect(await run.ended).toBeNull();
  const { streams, format, packets } = await probeMedia(file, ['-show_packets']);
  expect(streams).toHaveLength(1);
  expect(streams[0]).toMatchObject({ codec_name: 'rawvideo', width: 32, height: 16, r_frame_rate: '25/1' });
  expect(format.format_name).toBe('nut');
  expect(packets?.map(({ pts_time }) => Number(pts_time))).toEqual([0, 0.04, 0.08, 0.12]);
});

it('says what ffprobe said of a file that is not media, or not there', async () => {
  const file = path.join(folder, 'notes.txt');
  writeFileSync(file, 'no media');
  await expect(probeMedia(file)).rejects.toMatchObject({
    code: 'FFPROBE_FAILED',
    message: `ffprobe cannot read ${file}: ${file}: Invalid data found when processing input`,
  });
  await expect(probeMedia('-nosuch')).rejects.toThrow('ffprobe cannot read -nosuch: -nosuch: No such file');
});

it('repeats neither password nor signature of an address that cannot be read', async () => {
  // Port 9 of loopback: nothing listens there.
  const failure = await probeMedia('http://user:hush@127.0.0.1:9/a.mp4?sign=hush').then(String, String);
  expect(failure).toContain('ffprobe cannot read http://…@127.0.0.1:9/a.mp4?…: ');
  expect(failure).toContain('refused');
  expect(failure).not.toContain('hush');
});

it('says what to do when ffprobe is missing', async () => {
  vi.stubEnv('PATH', folder);
  await expect(probeMedia('x')).rejects.toMatchObject({ code: 'FFMPEG_MISSING' });
  vi.unstubAllEnvs();
});
