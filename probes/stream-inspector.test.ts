import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeMetadata } from '../core/flv/metadata.ts';
import { FlvReader } from '../core/flv/reader.ts';
import { TAG_SCRIPT, TAG_VIDEO } from '../core/media.ts';
import { INSPECTED_HEAD_BYTES, StreamInspector } from './stream-inspector.ts';

function inspector() {
  const samples: Record<string, number[]> = {};
  const clock = { ms: 0, nowMs: () => clock.ms, wallMs: () => clock.ms };
  const looked = new StreamInspector(clock, (metric, value) => {
    samples[metric] ??= [];
    samples[metric].push(value);
  });
  return { looked, samples, clock };
}

const key = Uint8Array.of(0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65);
const inter = Uint8Array.of(0x27, 1, 0, 0, 0, 0, 0, 0, 1, 0x41);

describe('the stream inspector', () => {
  it('finds in an ffmpeg file what ffprobe finds in it', () => {
    const { looked, samples } = inspector();
    new FlvReader(looked, { headBytes: INSPECTED_HEAD_BYTES }).push(
      readFileSync('core/flv/fixtures/h264-aac.flv'),
    );
    looked.finish();
    expect(looked.facts).toMatchObject({ videoCodec: 'h264', audioCodec: 'aac' });
    expect(looked.facts.picture).toMatchObject({
      width: looked.facts.declared.width,
      height: looked.facts.declared.height,
    });
    expect(samples['codec']).toEqual([1]);
    expect(looked.counts.keyFrames).toBeGreaterThan(0);
    expect(looked.complaints).toEqual([]);
  });

  it('measures GOP, key-frame interval and fps in their own times', () => {
    const { looked, samples, clock } = inspector();
    looked.sweep(0);
    for (let frame = 0; frame < 51; frame += 1) {
      clock.ms = frame * 50; // arrives at half speed
      const body = frame % 25 === 0 ? key : inter;
      looked.head(TAG_VIDEO, frame * 25, body.length, body, 0, body.length);
      looked.end();
      if (frame === 20) looked.sweep(1_000);
      if (frame === 40) looked.sweep(2_000);
    }
    expect(samples['gop_ms']).toEqual([625, 625]);
    expect(samples['keyframe_interval_ms']).toEqual([1_250, 1_250]);
    // The first second, in which the stream came, is not one of the stream's.
    expect(samples['fps']).toEqual([20]);
    expect(looked.counts).toMatchObject({
      videoFrames: 51,
      keyFrames: 3,
      mediaMs: 1_250,
      backwards: 0,
      gaps: 0,
    });
  });

  it('counts steps back and gaps, keeps them out of media time, and knows the 32-bit wrap from a step back', () => {
    const { looked, samples } = inspector();
    for (const timestampMs of [0, 40, 20, 60, 5_060, 5_100]) {
      looked.head(TAG_VIDEO, timestampMs, inter.length, inter, 0, inter.length);
      looked.end();
    }
    expect(samples['timestamp_backwards']).toEqual([1]);
    expect(samples['timestamp_gap_ms']).toEqual([5_000]);
    expect(looked.counts.mediaMs).toBe(120);
    const wrapping = inspector();
    for (const timestampMs of [0xffff_fff0, 24]) {
      wrapping.looked.head(TAG_VIDEO, timestampMs, inter.length, inter, 0, inter.length);
      wrapping.looked.end();
    }
    expect(wrapping.looked.counts).toMatchObject({ mediaMs: 40, backwards: 0, gaps: 0 });
  });

  it('has no frame rate for the second in which a whole group of pictures comes at once', () => {
    const { looked, samples } = inspector();
    const frames = (count: number, from: number) => {
      for (let frame = from; frame < from + count; frame += 1) {
        looked.head(TAG_VIDEO, frame * 40, inter.length, inter, 0, inter.length);
        looked.end();
      }
    };
    looked.sweep(0);
    looked.sweep(1_000); // still connecting
    frames(60, 0); // the server's cache and what follows
    looked.sweep(2_000);
    frames(25, 60);
    looked.sweep(3_000);
    looked.sweep(4_000); // it hangs: that counts
    expect(samples['fps']).toEqual([25, 0]);
  });

  it('does not measure a group of pictures over a jump of the timestamps', () => {
    const { looked, samples } = inspector();
    for (const timestampMs of [50_000, 50_500, 51_000, 0, 500, 9_000_000, 9_000_500]) {
      looked.head(TAG_VIDEO, timestampMs, key.length, key, 0, key.length);
      looked.end();
    }
    expect(samples['gop_ms']).toEqual([500, 500, 500, 500]);
    const wrapping = inspector();
    for (const timestampMs of [0xffff_ff00, 244]) {
      wrapping.looked.head(TAG_VIDEO, timestampMs, key.length, key, 0, key.length);
      wrapping.looked.end();
    }
    expect(wrapping.samples['gop_ms']).toEqual([500]);
  });

  it('takes no offence at metadata that is longer than what it looks at, nor at script tags of other kinds', () => {
    const { looked } = inspector();
    const long = writeMetadata({ width: 640, height: 360, keyframes: 'x'.repeat(2 * INSPECTED_HEAD_BYTES) });
    looked.head(TAG_SCRIPT, 0, long.length, long, 0, INSPECTED_HEAD_BYTES);
    looked.end();
    const amf3 = Uint8Array.of(2, 0, 6, ...new TextEncoder().encode('onText'), 0x11, 9, 9);
    looked.head(TAG_SCRIPT, 0, amf3.length, amf3, 0, amf3.length);
    looked.end();
    expect(looked.complaints).toEqual([]);
    const broken = writeMetadata({ width: 640 }).subarray(0, -2);
    looked.head(TAG_SCRIPT, 0, broken.length, broken, 0, broken.length);
    looked.end();
    expect(looked.complaints[0]).toMatch(/^AMF_TRUNCATED: /);
  });

  it('reports a broken configuration as a finding and looks on', () => {
    const { looked } = inspector();
    const broken = Uint8Array.of(0x17, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9);
    looked.head(TAG_VIDEO, 0, broken.length, broken, 0, broken.length);
    looked.end();
    looked.head(TAG_VIDEO, 0, key.length, key, 0, key.length);
    looked.end();
    expect(looked.complaints).toHaveLength(1);
    expect(looked.complaints[0]).toMatch(/^AVCC_VERSION: /);
    expect(looked.counts.keyFrames).toBe(1);
  });
});
