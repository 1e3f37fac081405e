import { expect, it } from 'vitest';
import { type FfmpegProgress, ProgressReader } from './progress.ts';

/** As ffmpeg 5.1 writes it (`-progress pipe:1`, two video outputs). */
const text = `frame=50
fps=24.90
stream_0_0_q=23.0
stream_1_0_q=21.0
bitrate=N/A
total_size=N/A
out_time_us=2000000
out_time_ms=2000000
out_time=00:00:02.000000
dup_frames=1
drop_frames=3
speed=0.996x
progress=continue
frame=75
fps=25.00
out_time_us=N/A
speed=   1x
progress=end
`;
const told: FfmpegProgress[] = [
  { frames: 50, fps: 24.9, outTimeMs: 2_000, droppedFrames: 3, duplicatedFrames: 1, end: false },
  { frames: 75, fps: 25, outTimeMs: null, droppedFrames: 0, duplicatedFrames: 0, end: true },
];

it('reads blocks, whole and cut anywhere', () => {
  for (let cut = 0; cut <= text.length; cut++) {
    const heard: FfmpegProgress[] = [];
    const reader = new ProgressReader((progress) => heard.push(progress));
    reader.push(text.slice(0, cut));
    reader.push(text.slice(cut));
    expect(heard).toEqual(told);
  }
});

it('keeps no more than a line of what is no progress', () => {
  const heard: FfmpegProgress[] = [];
  const reader = new ProgressReader((progress) => heard.push(progress));
  for (let i = 0; i < 100; i++) reader.push('x'.repeat(100_000));
  reader.push(`\n${text}`);
  expect(heard).toEqual(told);
});
