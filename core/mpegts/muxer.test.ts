import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UnitCollector } from '../../tests/kit/access-units.ts';
import { errorCode } from '../../tests/kit/error-code.ts';
import { samplesOfMp4 } from '../../tests/kit/mp4-samples.ts';
import { runFfmpeg, runFfprobe } from '../../tests/kit/run-tool.ts';
import { avcConfig, avcPictures } from '../../tests/kit/scripted-media.ts';
import { CAPTURE_BASE_US, stampedFlv } from '../../tests/kit/stamped-flv.ts';
import { type Sampled, samplesOf } from '../../tests/kit/tag-samples.ts';
import type { Stamp } from '../stamp/stamp.ts';
import { TsDemuxer } from './demuxer.ts';
import { findStampAnnexB } from './find-stamp.ts';
import { TS_OFFSET_MS, TsMuxer } from './muxer.ts';
import type { TsViolation } from './violation.ts';

const flv = (name: string): Sampled =>
  samplesOf(readFileSync(new URL(`../flv/fixtures/${name}`, import.meta.url)));
const rawH265 = readFileSync(new URL('../h265/fixtures/main-640x360-25.h265', import.meta.url));

function read(bytes: Uint8Array) {
  const violations: TsViolation[] = [];
  const sink = Object.assign(new UnitCollector(), { violations });
  const demuxer = new TsDemuxer(sink, { violation: (reason) => violations.push(reason) });
  demuxer.push(bytes);
  demuxer.flush();
  return sink;
}

/** In so many pieces, as segments and parts are cut. */
function muxed({ tracks, samples }: Sampled, pieces = 3): Uint8Array {
  const muxer = new TsMuxer(tracks);
  const size = Math.ceil(samples.length / pieces);
  return Buffer.concat(
    Array.from({ length: pieces }, (_, i) => muxer.mux(samples.slice(i * size, (i + 1) * size), i !== 1)),
  );
}

interface Packet {
  readonly codec_type: string;
  readonly pts_time: string;
  readonly dts_time: string;
  readonly flags: string;
}

describe('TsMuxer', () => {
  it.each([
    ['h264-aac.flv', 15, 34],
    ['h264-b-frames.flv', 15, 0],
    ['mp3.flv', 0, 22],
  ] as const)(
    'writes %s so that our demuxer and ffprobe read the times that went in',
    async (name, pictures, sounds) => {
      const media = flv(name);
      const bytes = muxed(media);
      const sink = read(bytes);
      expect(sink.violations).toEqual([]);
      expect([sink.ofKind('video').length, sink.ofKind('audio').length]).toEqual([pictures, sounds]);
      const { packets } = (await runFfprobe(['-show_packets'], bytes)) as { packets: Packet[] };
      for (const kind of ['video', 'audio'] as const) {
        const wanted = media.samples.filter((sample) => sample.kind === kind);
        // FLV has whole milliseconds, of sound the frames within a packet are counted on.
        const close = (ms: number) => (kind === 'video' ? expect.closeTo(ms, 1) : within(ms, 1.5));
        const rows = wanted.map(({ ptsMs, dtsMs, key }) => ({
          ptsMs: close(ptsMs + TS_OFFSET_MS),
          dtsMs: close(dtsMs + TS_OFFSET_MS),
          key,
        }));
        expect(sink.ofKind(kind).map(({ ptsMs, dtsMs, key }) => ({ ptsMs, dtsMs, key }))).toEqual(rows);
        const probed = packets
          .filter(({ codec_type }) => codec_type === kind)
          .map(({ pts_time, dts_time, flags }) => ({
            ptsMs: Number(pts_time) * 1000,
            dtsMs: Number(dts_time) * 1000,
            key: flags.startsWith('K'),
          }));
        expect(probed).toEqual(rows);
      }
    },
  );

  it.each(['h264-aac.flv', 'h264-b-frames.flv', 'mp3.flv'])(
    'writes %s so that ffmpeg decodes each picture and sound as from the FLV',
    async (name) => {
      const source = readFileSync(new URL(`../flv/fixtures/${name}`, import.meta.url));
      const hashes = (bytes: Uint8Array) =>
        runFfmpeg('-i pipe:0 -map 0 -f streamhash -hash md5 -'.split(' '), bytes).then(String);
      const ours = await hashes(muxed(flv(name)));
      expect(ours).toMatch(/MD5=/i);
      expect(ours).toBe(await hashes(source));
    },
  );

  it('carries H.265 with parameter sets before each key picture', async () => {
    const mp4 = await runFfmpeg(
      '-f hevc -r 25 -i pipe:0 -c copy -tag:v hvc1 -f mp4 -movflags frag_keyframe+empty_moov -'.split(' '),
      rawH265,
    );
    const media = samplesOfMp4(mp4);
    const bytes = muxed(media, 1);
    const { streams } = (await runFfprobe(['-show_streams'], bytes)) as { streams: object[] };
    expect(streams).toMatchObject([{ codec_name: 'hevc', width: 640, height: 360 }]);
    expect(read(bytes).ofKind('video')).toHaveLength(media.samples.length);
    await runFfmpeg('-i pipe:0 -f null -'.split(' '), bytes);
  });

  it('keeps each stamp on its picture', () => {
    const sink = read(muxed(samplesOf(stampedFlv())));
    const found = sink.units.map(({ head, ptsMs }) => {
      const stamp: Stamp = { publisher: 0, frame: 0, captureUs: 0 };
      expect(findStampAnnexB(head, 0, head.length, 'h264', stamp)).toBe(true);
      return { ...stamp, shiftMs: ptsMs - (stamp.captureUs - CAPTURE_BASE_US) / 1000 };
    });
    expect(found.map(({ frame }) => frame)).toEqual(Array.from({ length: 15 }, (_, frame) => frame));
    expect(new Set(found.map(({ shiftMs }) => Math.round(shiftMs)))).toEqual(new Set([TS_OFFSET_MS]));
  });

  it('keeps clock and tables coming where pictures are rare', () => {
    const tags = [avcConfig(), ...avcPictures({ count: 6, intervalMs: 900, gop: 3 })];
    const bytes = muxed(samplesOf(tags), 1);
    const sink = read(bytes);
    // A PTS gap of 900 ms is the stream's own.
    expect(sink.violations.filter((reason) => reason !== 'pts-gap')).toEqual([]);
    expect(sink.units).toHaveLength(6);
    expect(countersInOrder(bytes)).toBe(true);
  });

  it('goes on over the wrap of the 33-bit clock', () => {
    const wrapMs = 2 ** 33 / 90 - TS_OFFSET_MS;
    const tags = [avcConfig(), ...avcPictures({ count: 50, timestampMs: Math.floor(wrapMs) - 1000 })];
    const sink = read(muxed(samplesOf(tags)));
    expect(sink.violations).toEqual([]);
    expect(sink.units.at(-1)!.ptsMs - sink.units[0]!.ptsMs).toBeCloseTo(49 * 40, 1);
  });

  it('refuses what a transport stream cannot carry', () => {
    const opus = { kind: 'audio', codec: 'opus', config: new Uint8Array(19) } as const;
    expect(errorCode(() => new TsMuxer([opus]))).toBe('TS_CODEC');
  });
});

function within(ms: number, by: number) {
  return { asymmetricMatch: (other: number) => Math.abs(other - ms) <= by, toString: () => `${ms} ± ${by}` };
}

/** 2.4.3.3: each packet with a payload counts on, one without has the number of the one before. */
function countersInOrder(bytes: Uint8Array): boolean {
  const last = new Map<number, number>();
  for (let at = 0; at < bytes.length; at += 188) {
    const pid = ((bytes[at + 1]! & 0x1f) << 8) | bytes[at + 2]!;
    const counter = bytes[at + 3]! & 15;
    const step = bytes[at + 3]! & 0x10 ? 1 : 0;
    if (last.has(pid) && counter !== ((last.get(pid)! + step) & 15)) return false;
    last.set(pid, counter);
  }
  return true;
}
