import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { flvHeader, flvTag } from '../../core/flv/writer.ts';
import { TAG_AUDIO, TAG_SCRIPT, TAG_VIDEO } from '../../core/media.ts';
import { findStamp } from '../../core/stamp/stamp.ts';
import { runFfprobe } from '../../tests/kit/run-tool.ts';
import { FlvTags, type KnownTag, plainTag, stampTag } from './flv-tags.ts';

const flv = readFileSync('core/flv/fixtures/h264-aac.flv');

function cut(bytes: Uint8Array, pieceBytes = bytes.length): KnownTag[] {
  const tags: KnownTag[] = [];
  const reader = new FlvTags((tag) => tags.push(tag));
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  return tags;
}

const kindsOf = (tags: readonly KnownTag[]) => tags.map(({ kind }) => kind);

describe('tags cut from FLV', () => {
  let packets: { codec_type: string; pts_time: string; dts_time: string; flags: string }[];
  beforeAll(async () => {
    ({ packets } = (await runFfprobe(['-show_packets'], flv)) as { packets: typeof packets });
  });

  it('are those that ffprobe finds: kinds, decode and presentation times', () => {
    const tags = cut(flv);
    expect(kindsOf(tags).slice(0, 3).sort()).toEqual(['audio-config', 'metadata', 'video-config']);
    const ofType = (type: string) =>
      packets
        .filter(({ codec_type }) => codec_type === type)
        .map(({ dts_time, pts_time, flags }) => [
          Math.round(Number(dts_time) * 1_000),
          Math.round(Number(pts_time) * 1_000),
          flags.startsWith('K'),
        ]);
    const video = tags.filter(({ kind }) => kind === 'key' || kind === 'inter');
    expect(
      video.map(({ timestampMs, compositionMs, kind }) => [
        timestampMs,
        timestampMs + compositionMs,
        kind === 'key',
      ]),
    ).toEqual(ofType('video'));
    expect(
      tags.filter(({ kind }) => kind === 'audio').map(({ timestampMs }) => [timestampMs, timestampMs, true]),
    ).toEqual(ofType('audio'));
  });

  it('are the same whole and byte by byte, and are copies of their own', () => {
    const input = Uint8Array.from(flv);
    const whole = cut(input);
    expect(cut(input, 1)).toEqual(whole);
    const before = whole.map(({ body }) => Buffer.from(body).toString('hex'));
    input.fill(0);
    expect(whole.map(({ body }) => Buffer.from(body).toString('hex'))).toEqual(before);
  });

  it('leave out what live media has no use for', () => {
    const endOfSequence = flvTag({ type: TAG_VIDEO, timestampMs: 9, body: Uint8Array.of(0x17, 2, 0, 0, 0) });
    const speex = flvTag({ type: TAG_AUDIO, timestampMs: 9, body: Uint8Array.of(0xb6, 1, 2) });
    const script = flvTag({ type: TAG_SCRIPT, timestampMs: 9, body: Uint8Array.of(2, 0, 1, 0x61) });
    expect(kindsOf(cut(Buffer.concat([flvHeader(true, true), endOfSequence, speex, script])))).toEqual([
      'metadata',
    ]);
  });
});

describe('the stamp of a tag', () => {
  const stamp = { publisher: 3, frame: 77, captureUs: 1_794_000_000_123_456 };

  it('is in each frame, with its capture time for the publisher', () => {
    const frames = cut(flv).filter(({ stampable }) => stampable !== null);
    expect(frames).toHaveLength(15);
    for (const frame of frames) {
      const tag = stampTag(frame, 1_234, stamp);
      expect(tag).toMatchObject({ kind: frame.kind, timestampMs: 1_234, captureMs: 1_794_000_000_123.456 });
      const body = Buffer.concat(tag.pieces);
      const found = { publisher: 0, frame: 0, captureUs: 0 };
      expect(findStamp(body, 5, body.length, 4, 'h264', found)).toBe(true);
      expect(found).toEqual(stamp);
    }
  });

  it('is not in what takes none: sound, other codecs, tags without a slice, and damaged ones', () => {
    const config = cut(flv).find(({ kind }) => kind === 'video-config')!;
    const header = flvTag(config);
    const fillerOnly = flvTag({
      type: TAG_VIDEO,
      timestampMs: 0,
      body: Uint8Array.of(0x27, 1, 0, 0, 0, 0, 0, 0, 2, 12, 0x80),
    });
    // The first NAL unit claims to be longer than the tag.
    const damaged = flvTag({
      type: TAG_VIDEO,
      timestampMs: 0,
      body: Uint8Array.of(0x27, 1, 0, 0, 0, 0x7f, 0, 0, 2, 0x41, 0x80),
    });
    const vp9 = flvTag({
      type: TAG_VIDEO,
      timestampMs: 0,
      body: Uint8Array.of(0x91, ...new TextEncoder().encode('vp09'), 1, 2, 3),
    });
    const audio = flvTag({ type: TAG_AUDIO, timestampMs: 0, body: Uint8Array.of(0xaf, 1, 9) });
    const tags = cut(Buffer.concat([flvHeader(true, true), header, fillerOnly, damaged, vp9, audio]));
    expect(kindsOf(tags)).toEqual(['video-config', 'inter', 'inter', 'key', 'audio']);
    for (const tag of tags) expect(stampTag(tag, 5, stamp)).toEqual(plainTag(tag, 5));
  });
});
