import { beforeAll, describe, expect, it } from 'vitest';
import { UnitCollector } from '../../tests/kit/access-units.ts';
import { runFfmpeg } from '../../tests/kit/run-tool.ts';
import { CAPTURE_BASE_US, stampedFlv } from '../../tests/kit/stamped-flv.ts';
import { type Stamp, stampNal } from '../stamp/stamp.ts';
import { TsDemuxer } from './demuxer.ts';
import { findNextStampAnnexB, findStampAnnexB } from './find-stamp.ts';

let ts: Uint8Array;

beforeAll(async () => {
  ts = await runFfmpeg('-i pipe:0 -c copy -f mpegts -'.split(' '), stampedFlv());
});

describe('stamps that ffmpeg remuxed from FLV to TS', () => {
  it.each([Number.POSITIVE_INFINITY, 1024])(
    'are all found on their pictures, with heads of %s',
    (headBytes) => {
      const sink = new UnitCollector();
      const demuxer = new TsDemuxer(sink, { headBytes });
      demuxer.push(ts);
      demuxer.flush();
      const shown = sink.units.map(({ head, ptsMs, key }) => {
        const stamp: Stamp = { publisher: 0, frame: 0, captureUs: 0 };
        expect(findStampAnnexB(head, 0, head.length, 'h264', stamp)).toBe(true);
        return { ...stamp, shiftMs: Math.round(ptsMs - (stamp.captureUs - CAPTURE_BASE_US) / 1000), key };
      });
      expect(shown.map(({ publisher, frame }) => [publisher, frame])).toEqual(
        Array.from({ length: 15 }, (_, frame) => [7, frame]),
      );
      // The muxer's delay, the same for all.
      expect(new Set(shown.map(({ shiftMs }) => shiftMs)).size).toBe(1);
      expect(shown.map(({ key }) => key)).toEqual(Array.from({ length: 15 }, (_, frame) => frame % 10 === 0));
    },
  );
});

describe('findStampAnnexB', () => {
  const wanted: Stamp = { publisher: 3, frame: 9, captureUs: 1_794_000_000_123_456 };
  const unit = (codec: 'h264' | 'h265', ...nals: Uint8Array[]) => {
    const slice = codec === 'h264' ? [0x65, 0x88] : [0x26, 0x01];
    return Uint8Array.from([...nals, slice].flatMap((nal) => [0, 0, 0, 1, ...nal]));
  };
  const find = (bytes: Uint8Array, end: number, codec: 'h264' | 'h265'): Stamp | null => {
    const stamp: Stamp = { publisher: 0, frame: 0, captureUs: 0 };
    return findStampAnnexB(bytes, 0, end, codec, stamp) ? stamp : null;
  };

  it.each(['h264', 'h265'] as const)('finds it in %s as soon as it is whole', (codec) => {
    const bytes = unit(codec, stampNal(codec, wanted));
    const stampEnd = 4 + stampNal(codec, wanted).length - 1;
    expect(find(bytes, stampEnd, codec)).toEqual(wanted);
    for (let end = 0; end < stampEnd; end++) expect(find(bytes, end, codec)).toBeNull();
  });

  it.each(['h264', 'h265'] as const)(
    'reads the next of a row of %s alike, and another publisher is read as new',
    (codec) => {
      const last: Stamp = { publisher: 0, frame: 0, captureUs: 0 };
      for (const [publisher, frame] of [
        [3, 9],
        [3, 10],
        [3, 12],
        [3, 11],
        [4, 11],
        [3, 5_000],
      ] as const) {
        const of = { publisher, frame, captureUs: wanted.captureUs + frame * 40_000 };
        const bytes = unit(
          codec,
          codec === 'h264' ? Uint8Array.of(9, 0xf0) : Uint8Array.of(0x46, 1, 0x50),
          stampNal(codec, of),
        );
        expect(findNextStampAnnexB(bytes, 0, bytes.length, codec, last)).toBe(true);
        expect(last).toEqual(of);
      }
      const none = unit(codec);
      expect(findNextStampAnnexB(none, 0, none.length, codec, last)).toBe(false);
      expect(last.frame).toBe(5_000);
    },
  );

  it('does not look behind the first slice', () => {
    const bytes = Uint8Array.from([...unit('h264'), 0, 0, 1, ...stampNal('h264', wanted)]);
    expect(find(bytes, bytes.length, 'h264')).toBeNull();
  });
});
