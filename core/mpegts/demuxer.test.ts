import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tsViolations } from '../../metrics/catalogue.ts';
import {
  type ProbedPacket,
  packetRows,
  UnitCollector,
  UnitDigest,
  unitRows,
} from '../../tests/kit/access-units.ts';
import { errorCode } from '../../tests/kit/error-code.ts';
import { everyWayToCut, pushPieces } from '../../tests/kit/pieces.ts';
import { runFfprobe } from '../../tests/kit/run-tool.ts';
import { crc32 } from './crc32.ts';
import { MAX_SYNC_SEARCH_BYTES, PACKET_BYTES, TsDemuxer, type TsDemuxerOptions } from './demuxer.ts';
import { isKeyPicture } from './key-picture.ts';
import type { TsViolation } from './violation.ts';

const FIXTURES = [
  'h264-aac.mpegts',
  'h264-b-frames.mpegts',
  'h265-mp3.mpegts',
  'audio-only.mpegts',
  'wrap.mpegts',
] as const;
const WRAP_MS = 2 ** 33 / 90;
const fixture = (name: string): Uint8Array => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

interface Read extends UnitCollector {
  readonly violations: [TsViolation, number][];
}

function read(bytes: Uint8Array, options: TsDemuxerOptions = {}): Read {
  const violations: [TsViolation, number][] = [];
  const sink = Object.assign(new UnitCollector(), { violations });
  const demuxer = new TsDemuxer(sink, { ...options, violation: (...what) => violations.push(what) });
  demuxer.push(bytes);
  demuxer.flush();
  return sink;
}

describe('TsDemuxer on what ffmpeg wrote', () => {
  it.each(FIXTURES)('finds in %s the packets that ffprobe finds', async (name) => {
    const bytes = fixture(name);
    const { packets } = (await runFfprobe(['-show_packets'], bytes)) as { packets: ProbedPacket[] };
    const sink = read(bytes);
    // ffprobe puts the times before a wrap below zero, we those after it above 2^33.
    const shiftMs = name === 'wrap.mpegts' ? WRAP_MS : 0;
    for (const kind of ['video', 'audio'] as const) {
      const wanted = packetRows(packets, kind, shiftMs) as { bytes: number }[];
      // Its parser of H.265 takes the first zero of a start code of four bytes for the last one of the unit before.
      const found = unitRows(sink.ofKind(kind)).map((row, index) => {
        const { bytes: size } = row as { bytes: number };
        const said = wanted[index]?.bytes ?? 0;
        return { ...row, bytes: name === 'h265-mp3.mpegts' && Math.abs(size - said) === 1 ? said : size };
      });
      expect(found).toEqual(wanted);
    }
    expect([sink.ofKind('video').length, sink.ofKind('audio').length]).toEqual(
      {
        'h264-aac.mpegts': [20, 88],
        'h264-b-frames.mpegts': [20, 0],
        'h265-mp3.mpegts': [12, 51],
        'audio-only.mpegts': [0, 48],
        'wrap.mpegts': [20, 0],
      }[name],
    );
    // ffmpeg writes the clock with each PES packet, and one of sound has a third of a second.
    expect(sink.violations).toEqual(
      name === 'audio-only.mpegts'
        ? [
            ['pcr-gap', -1],
            ['pcr-gap', -1],
          ]
        : [],
    );
  });

  it('tells the tracks, and the sample rate once a frame has come', () => {
    const { descriptions } = read(fixture('h264-aac.mpegts'));
    expect(descriptions).toEqual([
      [
        { id: 256, kind: 'video', codec: 'h264', nalLengthBytes: 0, sampleRate: 0, config: null },
        { id: 257, kind: 'audio', codec: 'aac', nalLengthBytes: 0, sampleRate: 44_100, config: null },
      ],
    ]);
    const [tracks] = read(fixture('h265-mp3.mpegts')).descriptions;
    expect(tracks?.map(({ codec, sampleRate }) => [codec, sampleRate])).toEqual([
      ['h265', 0],
      ['mp3', 48_000],
    ]);
  });

  it.each(FIXTURES)('reads %s alike whole, byte by byte and cut at every offset', (name) => {
    const bytes = fixture(name);
    for (const headBytes of [Number.POSITIVE_INFINITY, 200]) {
      const digestOf = (ends: readonly number[]): number => {
        const digest = new UnitDigest();
        const violation = (reason: TsViolation) => digest.add(tsViolations.indexOf(reason) + 1000);
        const demuxer = new TsDemuxer(digest, { headBytes, violation });
        pushPieces(bytes, ends, (piece, start, end) => demuxer.push(piece, start, end));
        demuxer.flush();
        return digest.value;
      };
      const whole = digestOf([bytes.length]);
      for (const ends of everyWayToCut(bytes.length)) {
        // Long heads differ from short ones in the scratch alone: every 17th offset of those, which meets each byte of a packet.
        if (headBytes !== 200 && ends[0]! % 17 > 0) continue;
        if (digestOf(ends) !== whole)
          expect.unreachable(`cut at ${ends[0]}, head of ${headBytes}: another result`);
      }
    }
  });

  it('gives heads of the length that is asked for, and the same units', () => {
    const bytes = fixture('h264-aac.mpegts');
    const all = read(bytes);
    const short = read(bytes, { headBytes: 64 });
    for (const kind of ['video', 'audio'] as const) {
      const whole = all.ofKind(kind);
      expect(unitRows(short.ofKind(kind))).toEqual(unitRows(whole));
      expect(short.ofKind(kind).map(({ head }) => head)).toEqual(whole.map(({ head }) => head.slice(0, 64)));
      const none = read(bytes, { headBytes: 0 }).ofKind(kind);
      expect(none.map(({ head, bytes: size }) => [head.length, size])).toEqual(
        whole.map(({ bytes: size }) => [0, size]),
      );
    }
  });

  it.each(FIXTURES)(
    'needs no more of %s than the packet in which a slice begins, and nothing of sound',
    (name) => {
      const bytes = fixture(name);
      const options = { headBytes: 1_024, soundHeadBytes: 0, headEndsAtSlice: true };
      const all = read(bytes, { headBytes: 1_024 });
      const short = read(bytes, options);
      for (const kind of ['video', 'audio'] as const) {
        expect(unitRows(short.ofKind(kind))).toEqual(unitRows(all.ofKind(kind)));
      }
      const wholeHeads = all.ofKind('video').map(({ head }) => head);
      const heads = short.ofKind('video').map(({ head }) => head);
      for (const [index, head] of heads.entries()) {
        expect(head).toEqual(wholeHeads[index]!.slice(0, head.length));
        if (head.length === wholeHeads[index]!.length) continue;
        expect(
          isKeyPicture(head, 0, head.length, short.ofKind('video')[index]!.track.codec as 'h264', true),
        ).toBe(short.ofKind('video')[index]!.key);
      }
      // Of most pictures it is one packet.
      if (heads.length > 0)
        expect(heads.filter(({ length }) => length <= 184).length).toBeGreaterThan(heads.length / 2);
      for (const { head } of short.ofKind('audio')) expect(head).toHaveLength(0);
      const digestOf = (ends: readonly number[]): number => {
        const digest = new UnitDigest();
        const demuxer = new TsDemuxer(digest, options);
        pushPieces(bytes, ends, (piece, start, end) => demuxer.push(piece, start, end));
        demuxer.flush();
        return digest.value;
      };
      const whole = digestOf([bytes.length]);
      for (const ends of everyWayToCut(bytes.length)) {
        if (ends[0]! % 17 === 0 && digestOf(ends) !== whole)
          expect.unreachable(`cut at ${ends[0]}: another result`);
      }
    },
  );

  it('goes on through the wrap of the 33-bit clock', () => {
    const times = read(fixture('wrap.mpegts')).units.map(({ dtsMs }) => Math.round(dtsMs));
    expect(times[0]).toBeLessThan(WRAP_MS);
    expect(times.at(-1)).toBeGreaterThan(WRAP_MS);
    expect(times.map((ms) => ms - times[0]!)).toEqual(Array.from({ length: 20 }, (_, index) => index * 100));
  });

  it('reads segments one after the other, and starts clocks anew after a discontinuity', () => {
    const bytes = fixture('audio-only.mpegts');
    const violations: string[] = [];
    const sink = new UnitCollector();
    const demuxer = new TsDemuxer(sink, { violation: (reason) => violations.push(reason) });
    for (const segment of [bytes, fixture('wrap.mpegts'), bytes]) {
      demuxer.push(segment);
      demuxer.flush();
      demuxer.discontinuity();
    }
    expect(violations).toEqual(new Array(4).fill('pcr-gap'));
    expect(sink.descriptions).toHaveLength(3);
    expect(sink.units).toHaveLength(48 + 20 + 48);
    expect(sink.units.at(-1)!.ptsMs).toBe(sink.units[47]!.ptsMs);
    demuxer.push(fixture('h264-b-frames.mpegts'));
    demuxer.push(fixture('h264-b-frames.mpegts'));
    // The second time without a word: other counters, and times that step back by 2 s.
    expect(violations.slice(4)).toEqual(expect.arrayContaining(['continuity', 'pts-gap', 'pcr-gap']));
  });
});

/** The stream as packets, to be spoiled. */
function packets(name: string): Uint8Array[] {
  const bytes = fixture(name);
  return Array.from({ length: bytes.length / PACKET_BYTES }, (_, index) =>
    bytes.slice(index * PACKET_BYTES, (index + 1) * PACKET_BYTES),
  );
}
const pidOf = (packet: Uint8Array): number => ((packet[1]! & 0x1f) << 8) | packet[2]!;
const startsUnit = (packet: Uint8Array): boolean => (packet[1]! & 0x40) !== 0;

describe('TsDemuxer on what is broken', () => {
  it('sees a lost packet, and shows the picture all the same', () => {
    const list = packets('h264-b-frames.mpegts');
    const lost = list.findIndex(
      (packet, index) => index > 40 && pidOf(packet) === 256 && !startsUnit(packet),
    );
    list.splice(lost, 1);
    const sink = read(Buffer.concat(list));
    expect(sink.violations).toEqual([['continuity', 256]]);
    expect(sink.units).toHaveLength(20);
  });

  it('leaves out a packet that is sent twice, but not thrice', () => {
    const list = packets('h264-b-frames.mpegts');
    const twice = list.flatMap((packet) => [packet, packet]);
    const sink = read(Buffer.concat(twice));
    expect(sink.violations).toEqual([]);
    expect(unitRows(sink.units)).toEqual(unitRows(read(fixture('h264-b-frames.mpegts')).units));
    const at = list.findIndex((packet, index) => index > 30 && pidOf(packet) === 256);
    const thrice = [...list.slice(0, at), list[at]!, list[at]!, ...list.slice(at)];
    expect(read(Buffer.concat(thrice)).violations).toContainEqual(['continuity', 256]);
  });

  it('finds its way back after bytes that do not belong', () => {
    const list = packets('h264-b-frames.mpegts');
    const id3 = Buffer.from('ID3 and then some, with a G (0x47) in it');
    const at = list.findIndex((packet, index) => index > 0 && startsUnit(packet) && pidOf(packet) === 256);
    const sink = read(Buffer.concat([...list.slice(0, at), id3, ...list.slice(at)]));
    expect(sink.violations).toEqual([['sync', -1]]);
    expect(sink.units).toHaveLength(20);
    const first = read(Buffer.concat([id3, ...list]));
    expect(first.violations).toEqual([['sync', -1]]);
    expect(first.units).toHaveLength(20);
  });

  it('refuses what is no transport stream', () => {
    expect(errorCode(() => read(Buffer.from('<html><body>G.G.G</body></html>')))).toBe('TS_NO_SYNC');
    expect(errorCode(() => read(Buffer.alloc(MAX_SYNC_SEARCH_BYTES + 400)))).toBe('TS_NO_SYNC');
    expect(errorCode(() => read(Buffer.alloc(0)))).toBe('no error');
    // An endless one is not read to its end.
    const demuxer = new TsDemuxer(new UnitCollector());
    demuxer.push(fixture('audio-only.mpegts'));
    expect(errorCode(() => demuxer.push(Buffer.alloc(MAX_SYNC_SEARCH_BYTES)))).toBe('no error');
    expect(errorCode(() => demuxer.push(Buffer.alloc(400)))).toBe('TS_NO_SYNC');
  });

  it('refuses a unit that is too large before it is kept', () => {
    expect(errorCode(() => read(fixture('h264-aac.mpegts'), { maxUnitBytes: 500, headBytes: 10 }))).toBe(
      'TS_UNIT_TOO_LARGE',
    );
  });

  it('tells a segment that is cut off', () => {
    const bytes = fixture('h264-aac.mpegts');
    expect(read(bytes.subarray(0, 100 * PACKET_BYTES - 5)).violations).toContainEqual(['sync', -1]);
  });

  it('leaves out tables with a wrong check code', () => {
    const list = packets('audio-only.mpegts');
    const spoiled = list.map((packet) => {
      if (pidOf(packet) === 4096) packet[19]! ^= 1; // a stream's PID: nothing but the check code can tell
      return packet;
    });
    const sink = read(Buffer.concat(spoiled));
    expect(sink.descriptions).toEqual([]);
    expect(new Set(sink.violations.map(([reason]) => reason))).toEqual(new Set(['malformed']));
  });

  it('measures the gaps of tables, clock and times', () => {
    const list = packets('h264-b-frames.mpegts');
    const kept = list.filter((packet, index) => index < 3 || pidOf(packet) !== 0);
    // The stream runs for two seconds; one gap is told once.
    expect(read(Buffer.concat(kept)).violations).toEqual([['pat-gap', -1]]);
    const noPmt = list.filter((packet, index) => index < 4 || pidOf(packet) !== 4096);
    expect(read(Buffer.concat(noPmt)).violations).toEqual([['pmt-gap', -1]]);

    const times = read(fixture('h264-b-frames.mpegts')).units.length;
    expect(times).toBe(20);
    let unit = 0;
    const noMiddle = list.filter((packet) => {
      if (pidOf(packet) === 256 && startsUnit(packet)) unit++;
      return pidOf(packet) !== 256 || unit <= 6 || unit > 16;
    });
    const reasons = read(Buffer.concat(noMiddle)).violations.map(([reason]) => reason);
    expect(reasons).toContain('pts-gap');
    expect(reasons).toContain('pcr-gap');
  });

  it('computes the check code of the specification', () => {
    // The PAT of ffmpeg: a section with its code gives zero.
    const pat = packets('audio-only.mpegts').find((packet) => pidOf(packet) === 0)!;
    expect(crc32(pat, 5, 5 + 16)).toBe(0);
    expect(crc32(Buffer.from('123456789'), 0, 9)).toBe(0x0376e6e7);
  });

  it('names violations as the metric does', () => {
    const names: Record<TsViolation, true> = {
      sync: true,
      continuity: true,
      'pat-gap': true,
      'pmt-gap': true,
      'pcr-gap': true,
      'pts-gap': true,
      malformed: true,
    };
    expect(Object.keys(names)).toEqual(tsViolations);
  });
});
