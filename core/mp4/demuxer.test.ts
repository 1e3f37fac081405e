import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type ProbedPacket,
  packetRows,
  UnitCollector,
  UnitDigest,
  unitRows,
} from '../../tests/kit/access-units.ts';
import { errorCode } from '../../tests/kit/error-code.ts';
import { everyWayToCut, pushPieces } from '../../tests/kit/pieces.ts';
import { runFfmpeg, runFfprobe } from '../../tests/kit/run-tool.ts';
import { CAPTURE_BASE_US, stampedFlv } from '../../tests/kit/stamped-flv.ts';
import { findStamp, type Stamp } from '../stamp/stamp.ts';
import { boxType } from './box.ts';
import { MAX_HEADER_BOX_BYTES, Mp4Demuxer, type Mp4DemuxerOptions } from './demuxer.ts';
import { MAX_FRAGMENT_SAMPLES } from './fragment.ts';

const file = (name: string): Uint8Array => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const FIXTURES: Readonly<Record<string, Uint8Array>> = {
  'h264-aac.mp4': file('h264-aac.mp4'),
  'b-frames (HLS)': Buffer.concat(['b-frames-init.mp4', 'b-frames-0.m4s', 'b-frames-1.m4s'].map(file)),
  'h265.mp4': file('h265.mp4'),
  'audio-only.mp4': file('audio-only.mp4'),
};
const names = Object.keys(FIXTURES);

function read(bytes: Uint8Array, options: Mp4DemuxerOptions = {}): UnitCollector {
  const sink = new UnitCollector();
  const demuxer = new Mp4Demuxer(sink, options);
  demuxer.push(bytes);
  expect(demuxer.atBoundary).toBe(true);
  return sink;
}

describe('Mp4Demuxer on what ffmpeg wrote', () => {
  it.each(names)('finds in %s the packets that ffprobe finds', async (name) => {
    const bytes = FIXTURES[name]!;
    const { packets } = (await runFfprobe(['-show_packets'], bytes)) as { packets: ProbedPacket[] };
    const sink = read(bytes);
    for (const kind of ['video', 'audio'] as const) {
      expect(unitRows(sink.ofKind(kind))).toEqual(packetRows(packets, kind));
    }
    expect([sink.ofKind('video').length, sink.ofKind('audio').length]).toEqual(
      {
        'h264-aac.mp4': [12, 53],
        'b-frames (HLS)': [20, 48],
        'h265.mp4': [20, 0],
        'audio-only.mp4': [0, 48],
      }[name],
    );
  });

  it('tells the tracks', () => {
    const [tracks] = read(FIXTURES['h264-aac.mp4']!).descriptions;
    expect(tracks).toEqual([
      {
        id: 1,
        kind: 'video',
        codec: 'h264',
        nalLengthBytes: 4,
        sampleRate: 0,
        config: expect.any(Uint8Array),
      },
      // AudioSpecificConfig: AAC LC, 44,100 Hz, mono, and ffmpeg's note that there is no SBR
      {
        id: 2,
        kind: 'audio',
        codec: 'aac',
        nalLengthBytes: 0,
        sampleRate: 44_100,
        config: Uint8Array.of(0x12, 0x08, 0x56, 0xe5, 0),
      },
    ]);
    const [h265] = read(FIXTURES['h265.mp4']!).descriptions;
    expect(h265).toMatchObject([{ codec: 'h265', nalLengthBytes: 4 }]);
  });

  it.each(names)('reads %s alike whole, byte by byte and cut at every offset', (name) => {
    const bytes = FIXTURES[name]!;
    for (const headBytes of [Number.POSITIVE_INFINITY, 40]) {
      const digestOf = (ends: readonly number[]): number => {
        const digest = new UnitDigest();
        const demuxer = new Mp4Demuxer(digest, { headBytes });
        pushPieces(bytes, ends, (piece, start, end) => demuxer.push(piece, start, end));
        return demuxer.atBoundary ? digest.value : Number.NaN;
      };
      const whole = digestOf([bytes.length]);
      for (const ends of everyWayToCut(bytes.length)) {
        if (digestOf(ends) !== whole)
          expect.unreachable(`cut at ${ends[0]}, head of ${headBytes}: another result`);
      }
    }
  });

  it('reads segments after their init segment, in whatever order, again and again', () => {
    const sink = new UnitCollector();
    const demuxer = new Mp4Demuxer(sink);
    for (const name of ['b-frames-init.mp4', 'b-frames-1.m4s', 'b-frames-0.m4s']) {
      demuxer.begin();
      demuxer.push(file(name));
      expect(demuxer.atBoundary).toBe(true);
    }
    const video = sink.ofKind('video').map(({ dtsMs }) => Math.round(dtsMs));
    expect(video).toEqual([...series(1000, 10), ...series(0, 10)]);
  });

  it('gives heads of the length that is asked for, and the same units', () => {
    const all = read(FIXTURES['h264-aac.mp4']!).units;
    const short = read(FIXTURES['h264-aac.mp4']!, { headBytes: 64 }).units;
    expect(unitRows(short)).toEqual(unitRows(all));
    expect(short.map(({ head }) => head)).toEqual(all.map(({ head }) => head.slice(0, 64)));
  });

  it('ends a sample that is cut off, and says that it was', () => {
    const sink = new UnitCollector();
    const demuxer = new Mp4Demuxer(sink);
    const bytes = FIXTURES['h264-aac.mp4']!;
    demuxer.push(bytes, 0, bytes.length - 3_000);
    expect(demuxer.atBoundary).toBe(false);
    demuxer.begin();
    expect(sink.units.every(({ bytes: size }) => size >= 0)).toBe(true);
    demuxer.push(bytes);
    expect(demuxer.atBoundary).toBe(true);
  });
});

function series(firstMs: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => firstMs + index * 100);
}

describe('stamps that ffmpeg remuxed from FLV to fragmented MP4', () => {
  it.each([Number.POSITIVE_INFINITY, 1024])(
    'are all found on their pictures, with heads of %s',
    async (headBytes) => {
      const args = '-i pipe:0 -c copy -f mp4 -movflags frag_keyframe+empty_moov -'.split(' ');
      const { units } = read(await runFfmpeg(args, stampedFlv()), { headBytes });
      const shown = units.map(({ track, head, ptsMs, key }) => {
        const stamp: Stamp = { publisher: 0, frame: 0, captureUs: 0 };
        expect(findStamp(head, 0, head.length, track.nalLengthBytes, 'h264', stamp)).toBe(true);
        return { ...stamp, shiftMs: Math.round(ptsMs - (stamp.captureUs - CAPTURE_BASE_US) / 1000), key };
      });
      expect(shown.map(({ publisher, frame }) => [publisher, frame])).toEqual(
        Array.from({ length: 15 }, (_, frame) => [7, frame]),
      );
      expect(new Set(shown.map(({ shiftMs }) => shiftMs)).size).toBe(1);
      expect(shown.map(({ key }) => key)).toEqual(Array.from({ length: 15 }, (_, frame) => frame % 10 === 0));
    },
  );
});

// Boxes by hand, laid out as the specification's tables.
const u32 = (...values: number[]): number[] =>
  values.flatMap((value) => [
    (value >>> 24) & 0xff,
    (value >>> 16) & 0xff,
    (value >>> 8) & 0xff,
    value & 0xff,
  ]);
const aBox = (name: string, ...content: (number | readonly number[])[]): number[] => {
  const bytes = content.flat();
  return [...u32(8 + bytes.length, boxType(name)), ...bytes];
};
const INIT = Array.from(file('b-frames-init.mp4'));
const tfhd = (flags: number, track: number, ...fields: number[]) =>
  aBox('tfhd', u32(flags, track, ...fields));
const trun = (flags: number, count: number, ...fields: number[]) =>
  aBox('trun', u32(flags, count, ...fields));
const fragment = (traf: readonly number[], data: number): number[] => [
  ...aBox('moof', aBox('mfhd', u32(0, 1)), traf),
  ...aBox('mdat', new Array(data).fill(7)),
];
/** Units of these bytes after an init segment, as [track, dts in ticks, key, bytes]. */
function unitsOf(bytes: readonly number[]): [number, number, boolean, number][] {
  const sink = new UnitCollector();
  const demuxer = new Mp4Demuxer(sink);
  demuxer.push(Uint8Array.from(INIT));
  demuxer.begin();
  demuxer.push(Uint8Array.from(bytes));
  const ticks: Record<number, number> = { 1: 10_240, 2: 24_000 };
  // The init segment delays sound by an empty edit of 157 ms.
  const editTicks: Record<number, number> = { 1: 0, 2: -3768 };
  return sink.units.map(({ track: { id }, dtsMs, key, bytes: size }) => {
    return [id, Math.round((dtsMs * ticks[id]!) / 1000) + editTicks[id]!, key, size];
  });
}

describe('Mp4Demuxer step by step', () => {
  const tfdt = (ticks: number) => aBox('tfdt', u32(0, ticks));
  /** default-base-is-moof, default duration, size and flags */
  const header = tfhd(0x020038, 1, 1024, 10, 0x01010000);
  const moofBytes = 8 + 16 + 8 + header.length + 16 + 24;

  it('takes what a sample does not say from the fragment, and the first sample’s flags from the run', () => {
    const traf = aBox('traf', header, tfdt(5000), trun(0x05, 3, moofBytes + 8, 0x02000000));
    expect(unitsOf(fragment(traf, 30))).toEqual([
      [1, 5000, true, 10],
      [1, 6024, false, 10],
      [1, 7048, false, 10],
    ]);
  });

  it('goes on where the last fragment ended if there is no tfdt, and skips what is not its own', () => {
    const noTime = aBox('traf', header, trun(0x05, 1, moofBytes - 16 + 8, 0x02000000));
    const timed = aBox('traf', header, tfdt(5000), trun(0x05, 2, moofBytes + 8, 0x02000000));
    const others = [...aBox('styp', u32(0, 0)), ...aBox('sidx', u32(1, 2, 3)), ...aBox('emsg', [0, 1, 2])];
    const bytes = [...others, ...fragment(timed, 25), ...aBox('free'), ...fragment(noTime, 10)];
    expect(unitsOf(bytes)).toEqual([
      [1, 5000, true, 10],
      [1, 6024, false, 10],
      [1, 7048, true, 10],
    ]);
  });

  it('takes tracks in the order in which their samples lie', () => {
    const video = aBox('traf', header, tfdt(0), trun(0x01, 2, 0xaaaa));
    const audio = aBox('traf', tfhd(0x020018, 2, 1024, 5), tfdt(0), trun(0x01, 2, 0xbbbb));
    const bytes = fragment([...video, ...audio], 30);
    const data = bytes.length - 30;
    const placed = Buffer.from(bytes);
    placed.writeUInt32BE(data + 10, placed.indexOf(Buffer.from(u32(0xaaaa))));
    placed.writeUInt32BE(data, placed.indexOf(Buffer.from(u32(0xbbbb))));
    expect(unitsOf(Array.from(placed)).map(([track, ticks]) => [track, ticks])).toEqual([
      [2, 0],
      [2, 1024],
      [1, 0],
      [1, 1024],
    ]);
  });

  const broken: [string, readonly number[], string][] = [
    ['a web page', Array.from(Buffer.from('<!DOCTYPE html><html></html>')), 'MP4_FIRST_BOX'],
    ['a box shorter than its head', [...u32(4, boxType('styp')), 0], 'MP4_BOX_SIZE'],
    ['a fragment of gigabytes', u32(MAX_HEADER_BOX_BYTES + 9, boxType('moof')), 'MP4_BOX_TOO_LARGE'],
    ['a box longer than the one it is in', aBox('moof', u32(100, boxType('traf'))), 'MP4_BOX_SIZE'],
    ['a run before its header', fragment(aBox('traf', trun(0, 1)), 9), 'MP4_FRAGMENT'],
    ['a track without a header', fragment(aBox('traf'), 9), 'MP4_FRAGMENT'],
    ['a track that is not in the init segment', fragment(aBox('traf', tfhd(0, 9)), 9), 'MP4_TRACK'],
    [
      '2^32 samples in no bytes',
      fragment(aBox('traf', header, trun(0, 0xffffffff)), 9),
      'MP4_FRAGMENT_TOO_LARGE',
    ],
    [
      'many runs of many samples',
      fragment(aBox('traf', header, trun(0, MAX_FRAGMENT_SAMPLES), trun(0, 1)), 9),
      'MP4_FRAGMENT_TOO_LARGE',
    ],
    ['a table that is cut short', fragment(aBox('traf', header, trun(0x100, 3, 1, 2)), 9), 'MP4_TRUNCATED'],
    ['a sample before the data', fragment(aBox('traf', header, trun(0x01, 1, 0)), 20), 'MP4_SAMPLE_OFFSET'],
    [
      'a sample that never comes',
      [
        ...fragment(aBox('traf', header, trun(0x01, 1, 5_000)), 20),
        ...fragment(aBox('traf', header, trun(0x01, 1, 5_000)), 20),
      ],
      'MP4_SAMPLE_OFFSET',
    ],
    [
      'a sample of gigabytes',
      fragment(aBox('traf', tfhd(0x020010, 1, 0xffffffff), trun(0x01, 1, 80)), 20),
      'MP4_SAMPLE_TOO_LARGE',
    ],
    [
      'a time beyond 2^53',
      fragment(aBox('traf', header, aBox('tfdt', u32(0x01000000, 0xffffffff, 0))), 9),
      'MP4_NUMBER',
    ],
  ];
  it.each(broken)('refuses %s', (_, bytes, code) => {
    expect(errorCode(() => unitsOf(bytes))).toBe(code);
  });

  it('refuses a fragment before any init segment', () => {
    expect(errorCode(() => new Mp4Demuxer(new UnitCollector()).push(file('b-frames-0.m4s')))).toBe(
      'MP4_NO_INIT',
    );
  });

  it('refuses encrypted tracks', () => {
    const spoiled = Buffer.from(file('b-frames-init.mp4'));
    spoiled.write('encv', spoiled.indexOf('avc1', spoiled.indexOf('stsd')));
    expect(errorCode(() => new Mp4Demuxer(new UnitCollector()).push(spoiled))).toBe('MP4_ENCRYPTED');
  });

  it('leaves out a track of a codec that is not known, and reads the others', () => {
    const spoiled = Buffer.from(FIXTURES['h264-aac.mp4']!);
    spoiled.write('wvtt', spoiled.indexOf('avc1', spoiled.indexOf('stsd')));
    const sink = read(spoiled);
    expect(sink.descriptions[0]!.map(({ id }) => id)).toEqual([2]);
    expect(sink.units).toHaveLength(53);
  });
});
