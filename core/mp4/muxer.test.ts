import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UnitCollector } from '../../tests/kit/access-units.ts';
import { errorCode } from '../../tests/kit/error-code.ts';
import { samplesOfMp4 } from '../../tests/kit/mp4-samples.ts';
import { runFfmpeg, runFfprobe } from '../../tests/kit/run-tool.ts';
import { CAPTURE_BASE_US, stampedFlv } from '../../tests/kit/stamped-flv.ts';
import { type Sampled, samplesOf } from '../../tests/kit/tag-samples.ts';
import { findStamp, type Stamp } from '../stamp/stamp.ts';
import { Mp4Demuxer } from './demuxer.ts';
import { Mp4Muxer } from './muxer.ts';

const flvBytes = (name: string) => readFileSync(new URL(`../flv/fixtures/${name}`, import.meta.url));
const flv = (name: string): Sampled => samplesOf(flvBytes(name));

function read(bytes: Uint8Array): UnitCollector {
  const sink = new UnitCollector();
  const demuxer = new Mp4Demuxer(sink);
  demuxer.push(bytes);
  expect(demuxer.atBoundary).toBe(true);
  return sink;
}

/** The init segment and so many fragments. */
function muxed({ tracks, samples }: Sampled, fragments = 3): Uint8Array {
  const first = tracks.map(({ kind }) => samples.find((sample) => sample.kind === kind)!);
  const muxer = new Mp4Muxer(tracks, first);
  const size = Math.ceil(samples.length / fragments);
  const pieces = Array.from({ length: fragments }, (_, i) =>
    muxer.mux(samples.slice(i * size, (i + 1) * size)),
  );
  return Buffer.concat([muxer.init, ...pieces]);
}

interface Packet {
  readonly codec_type: string;
  readonly pts_time: string;
  readonly dts_time: string;
  readonly size: string;
  readonly flags: string;
}

describe('Mp4Muxer', () => {
  it.each([
    ['h264-aac.flv', 15, 34],
    ['h264-b-frames.flv', 15, 0],
    ['mp3.flv', 0, 22],
  ] as const)(
    'writes %s so that our demuxer and ffprobe read what went in',
    async (name, pictures, sounds) => {
      const media = flv(name);
      const bytes = muxed(media);
      const sink = read(bytes);
      expect([sink.ofKind('video').length, sink.ofKind('audio').length]).toEqual([pictures, sounds]);
      const { packets } = (await runFfprobe(['-show_packets'], bytes)) as { packets: Packet[] };
      for (const kind of ['video', 'audio'] as const) {
        const wanted = media.samples.filter((sample) => sample.kind === kind);
        // Sound is counted in its samples, FLV's times are rounded.
        const close = (ms: number) => (kind === 'video' ? expect.closeTo(ms, 1) : within(ms, 1.5));
        const rows = wanted.map(({ ptsMs, dtsMs, key, data }) => {
          return { ptsMs: close(ptsMs), dtsMs: close(dtsMs), key, bytes: data.length };
        });
        const ours = sink.ofKind(kind);
        expect(
          ours.map(({ ptsMs, dtsMs, key, bytes: size }) => ({ ptsMs, dtsMs, key, bytes: size })),
        ).toEqual(rows);
        expect(ours.map(({ head }) => Buffer.compare(head, wanted.shift()!.data))).toEqual(ours.map(() => 0));
        const probed = packets
          .filter(({ codec_type }) => codec_type === kind)
          .map(({ pts_time, dts_time, flags, size }) => ({
            ptsMs: Number(pts_time) * 1000,
            dtsMs: Number(dts_time) * 1000,
            key: flags.startsWith('K'),
            bytes: Number(size),
          }));
        expect(probed).toEqual(rows);
      }
    },
  );

  it.each(['h264-aac.flv', 'h264-b-frames.flv', 'mp3.flv'])(
    'writes %s so that ffmpeg decodes each picture and sound as from the FLV',
    async (name) => {
      const hashes = (bytes: Uint8Array) =>
        runFfmpeg('-i pipe:0 -map 0 -f streamhash -hash md5 -'.split(' '), bytes).then(String);
      const ours = await hashes(muxed(flv(name)));
      expect(ours).toMatch(/MD5=/i);
      expect(ours).toBe(await hashes(flvBytes(name)));
    },
  );

  const FRAGMENTED = '-f mp4 -movflags frag_keyframe+empty_moov+default_base_moof -';
  it.each([
    [
      'hevc',
      `-f lavfi -i testsrc2=size=322x202:rate=25:duration=1 -c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1 ${FRAGMENTED}`,
      { width: 322, height: 202 },
    ],
    [
      'vp9',
      `-f lavfi -i testsrc2=size=322x202:rate=25:duration=1 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 ${FRAGMENTED}`,
      { width: 322, height: 202 },
    ],
    [
      'opus',
      `-f lavfi -i sine=sample_rate=48000:duration=1 -c:a libopus ${FRAGMENTED}`,
      { sample_rate: '48000', channels: 1 },
    ],
    [
      'aac',
      `-f lavfi -i sine=sample_rate=48000:duration=1 -c:a aac ${FRAGMENTED}`,
      { sample_rate: '48000', channels: 1 },
    ],
  ])('carries %s, and ffmpeg decodes it as it was', async (codec, command, properties) => {
    const source = await runFfmpeg(command.split(' '));
    const media = samplesOfMp4(source);
    const bytes = muxed(media, 2);
    const { streams } = (await runFfprobe(['-show_streams'], bytes)) as { streams: object[] };
    expect(streams).toMatchObject([{ codec_name: codec, ...properties }]);
    const found = read(bytes);
    expect(found.units.map(({ dtsMs }) => dtsMs)).toEqual(
      media.samples.map(({ dtsMs }) => within(Math.max(0, dtsMs), 22)),
    );
    // The source's edit list takes the encoder's delay away, ours has none: so packets are compared, and all are decoded.
    const packets = (mp4: Uint8Array) =>
      runFfmpeg('-i pipe:0 -map 0 -c copy -f streamhash -hash md5 -'.split(' '), mp4).then(String);
    expect(await packets(bytes)).toBe(await packets(source));
    await runFfmpeg('-i pipe:0 -f null -'.split(' '), bytes);
  });

  it('keeps each stamp on its picture', () => {
    const found = read(muxed(samplesOf(stampedFlv()))).units.map(({ head, ptsMs }) => {
      const stamp: Stamp = { publisher: 0, frame: 0, captureUs: 0 };
      expect(findStamp(head, 0, head.length, 4, 'h264', stamp)).toBe(true);
      return { frame: stamp.frame, shiftMs: Math.round(ptsMs - (stamp.captureUs - CAPTURE_BASE_US) / 1000) };
    });
    expect(found).toEqual(Array.from({ length: 15 }, (_, frame) => ({ frame, shiftMs: 0 })));
  });

  it('puts sound where its time says once frames were lost', () => {
    const media = flv('h264-aac.flv');
    const sounds = media.samples.filter(({ kind }) => kind === 'audio');
    const kept = sounds.filter((_, index) => index < 10 || index >= 20);
    const found = read(
      muxed({ tracks: media.tracks.filter(({ kind }) => kind === 'audio'), samples: kept }, 1),
    );
    expect(found.units.map(({ dtsMs }) => dtsMs)).toEqual(kept.map(({ dtsMs }) => within(dtsMs, 1.5)));
  });

  it('refuses a codec that it has no entry for', () => {
    const flac = { kind: 'audio', codec: 'flac', config: new Uint8Array(0) } as const;
    expect(errorCode(() => new Mp4Muxer([flac]))).toBe('MP4_CODEC');
  });
});

function within(ms: number, by: number) {
  return { asymmetricMatch: (other: number) => Math.abs(other - ms) <= by, toString: () => `${ms} ± ${by}` };
}
