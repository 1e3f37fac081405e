import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { writeMetadata } from '../../core/flv/metadata.ts';
import { FlvReader } from '../../core/flv/reader.ts';
import { flvHeader, flvTag } from '../../core/flv/writer.ts';
import { TAG_SCRIPT, TAG_VIDEO } from '../../core/media.ts';
import { FORMAT_HEAD_BYTES, FormatWatch } from './source-format.ts';

function watch(...pieces: Uint8Array[]): FormatWatch {
  const seen = new FormatWatch();
  const reader = new FlvReader(seen, { headBytes: FORMAT_HEAD_BYTES });
  for (const piece of pieces) reader.push(piece);
  return seen;
}
const script = (metadata: Parameters<typeof writeMetadata>[0]) =>
  flvTag({ type: TAG_SCRIPT, timestampMs: 0, body: writeMetadata(metadata) });
const flv = new Uint8Array(readFileSync(new URL('../../core/flv/fixtures/h264-aac.flv', import.meta.url)));

/** ffprobe -show_entries stream=width,height,r_frame_rate */
const probed = [160, 90, 10];

it('knows a recording as ffprobe does', () => {
  const seen = watch(flv);
  expect(seen.format).toMatchObject({ videoCodec: 'h264', audioCodec: 'aac' });
  const { width, height, fps } = seen.format!;
  expect([width, height, fps]).toEqual(probed);
  expect(seen.pictures).toBeGreaterThan(10);
  expect(seen.saidToBeMute).toBe(false);
});

it('believes the SPS more than the metadata, and the metadata where there is no SPS', () => {
  const lies = script({ width: 9, height: 9 });
  expect(watch(flv, lies).format).toMatchObject({ width: probed[0], height: probed[1] });
  const vp9 = flvTag({
    type: TAG_VIDEO,
    timestampMs: 0,
    body: Uint8Array.of(0x91, 0x76, 0x70, 0x30, 0x39, 1, 2, 3),
  });
  const seen = watch(
    flvHeader(false, true),
    script({ width: 640, height: 360, framerate: 25, videocodecid: 7 }),
    vp9,
  );
  expect(seen.format).toEqual({ videoCodec: 'vp9', width: 640, height: 360, fps: 25, audioCodec: null });
  expect(seen.saidToBeMute).toBe(true);
});

it('knows nothing before there is a picture’s set-up', () => {
  expect(watch(flvHeader(true, true), script({ width: 640, height: 360 })).format).toBe(null);
});
