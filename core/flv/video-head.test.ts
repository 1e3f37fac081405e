import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readVideoHead, type VideoHead, videoHead } from './video-head.ts';

const ascii = (text: string): number[] => [...text].map((char) => char.charCodeAt(0));

/** First byte of an enhanced tag: 1, frame type, packet type. */
const ex = (frameType: number, packetType: number): number => 0x80 | (frameType << 4) | packetType;
const KEY = 1;
const INTER = 2;
const SEQUENCE_START = 0;
const CODED_FRAMES = 1;
const SEQUENCE_END = 2;
const CODED_FRAMES_X = 3;
const METADATA = 4;
const MULTITRACK = 6;
const MOD_EX = 7;
/** ModEx of 3 bytes, type 0 (TimestampOffsetNano): size − 1, the bytes, then type and the packet type it wraps. */
const modEx = (wraps: number): number[] => [2, 0x01, 0x02, 0x03, wraps];

const heads: { name: string; bytes: number[]; head: VideoHead }[] = [
  {
    name: 'AVC sequence header',
    bytes: [0x17, 0, 0, 0, 0],
    head: { codec: 'h264', packet: 'config', frame: 'other', compositionMs: 0, dataOffset: 5 },
  },
  {
    name: 'AVC key frame, shown 80 ms later',
    bytes: [0x17, 1, 0, 0, 80],
    head: { codec: 'h264', packet: 'frames', frame: 'key', compositionMs: 80, dataOffset: 5 },
  },
  {
    name: 'AVC inter frame with a negative composition time',
    bytes: [0x27, 1, 0xff, 0xff, 0xd8],
    head: { codec: 'h264', packet: 'frames', frame: 'inter', compositionMs: -40, dataOffset: 5 },
  },
  {
    name: 'AVC disposable inter frame',
    bytes: [0x37, 1, 0, 1, 0],
    head: { codec: 'h264', packet: 'frames', frame: 'inter', compositionMs: 256, dataOffset: 5 },
  },
  {
    name: 'AVC end of sequence',
    bytes: [0x17, 2, 0, 0, 0],
    head: { codec: 'h264', packet: 'end', frame: 'other', compositionMs: 0, dataOffset: 5 },
  },
  {
    name: 'HEVC under codec id 12',
    bytes: [0x1c, 1, 0, 0, 33],
    head: { codec: 'h265', packet: 'frames', frame: 'key', compositionMs: 33, dataOffset: 5 },
  },
  {
    name: 'enhanced hvc1 sequence start',
    bytes: [ex(KEY, SEQUENCE_START), ...ascii('hvc1')],
    head: { codec: 'h265', packet: 'config', frame: 'other', compositionMs: 0, dataOffset: 5 },
  },
  {
    name: 'enhanced hvc1 coded frames with composition time',
    bytes: [ex(INTER, CODED_FRAMES), ...ascii('hvc1'), 0xff, 0xff, 0xff],
    head: { codec: 'h265', packet: 'frames', frame: 'inter', compositionMs: -1, dataOffset: 8 },
  },
  {
    name: 'enhanced hvc1 coded frames X: none',
    bytes: [ex(KEY, CODED_FRAMES_X), ...ascii('hvc1'), 1, 2, 3],
    head: { codec: 'h265', packet: 'frames', frame: 'key', compositionMs: 0, dataOffset: 5 },
  },
  {
    name: 'enhanced avc1 coded frames (v2) with composition time',
    bytes: [ex(KEY, CODED_FRAMES), ...ascii('avc1'), 0, 0, 40],
    head: { codec: 'h264', packet: 'frames', frame: 'key', compositionMs: 40, dataOffset: 8 },
  },
  {
    name: 'enhanced vp09: no composition time in coded frames',
    bytes: [ex(INTER, CODED_FRAMES), ...ascii('vp09'), 9, 9, 9],
    head: { codec: 'vp9', packet: 'frames', frame: 'inter', compositionMs: 0, dataOffset: 5 },
  },
  {
    name: 'enhanced av01 key frame',
    bytes: [ex(KEY, CODED_FRAMES), ...ascii('av01')],
    head: { codec: 'av1', packet: 'frames', frame: 'key', compositionMs: 0, dataOffset: 5 },
  },
  {
    name: 'enhanced vp08 end',
    bytes: [ex(KEY, SEQUENCE_END), ...ascii('vp08')],
    head: { codec: 'vp8', packet: 'end', frame: 'other', compositionMs: 0, dataOffset: 5 },
  },
  {
    name: 'enhanced metadata, also under the command frame type',
    bytes: [ex(5, METADATA), ...ascii('hvc1')],
    head: { codec: 'h265', packet: 'metadata', frame: 'other', compositionMs: 0, dataOffset: 5 },
  },
  {
    name: 'two ModEx around coded frames',
    bytes: [ex(KEY, MOD_EX), ...modEx(MOD_EX), ...modEx(CODED_FRAMES), ...ascii('hvc1'), 0, 0, 5],
    head: { codec: 'h265', packet: 'frames', frame: 'key', compositionMs: 5, dataOffset: 18 },
  },
  {
    name: 'eight ModEx, as many as are followed',
    bytes: [
      ex(KEY, MOD_EX),
      ...new Array(7).fill(modEx(MOD_EX)).flat(),
      ...modEx(CODED_FRAMES_X),
      ...ascii('av01'),
    ],
    head: { codec: 'av1', packet: 'frames', frame: 'key', compositionMs: 0, dataOffset: 45 },
  },
  {
    name: 'ModEx with a 16-bit size',
    bytes: [ex(KEY, MOD_EX), 0xff, 0, 255, ...new Array(256).fill(7), CODED_FRAMES_X, ...ascii('av01')],
    head: { codec: 'av1', packet: 'frames', frame: 'key', compositionMs: 0, dataOffset: 265 },
  },
  {
    name: 'multitrack: one track, number 0',
    bytes: [ex(KEY, MULTITRACK), CODED_FRAMES, ...ascii('hvc1'), 0, 0, 0, 9],
    head: { codec: 'h265', packet: 'frames', frame: 'key', compositionMs: 9, dataOffset: 10 },
  },
  {
    name: 'multitrack: several tracks of one codec, the first is number 0',
    bytes: [ex(KEY, MULTITRACK), 0x10 | CODED_FRAMES_X, ...ascii('avc1'), 0, 0, 0, 2, 1, 1],
    head: { codec: 'h264', packet: 'frames', frame: 'key', compositionMs: 0, dataOffset: 10 },
  },
  {
    name: 'multitrack: several codecs',
    bytes: [ex(KEY, MULTITRACK), 0x20 | CODED_FRAMES_X, ...ascii('vp09'), 0, 0, 0, 2, 1, 1],
    head: { codec: 'vp9', packet: 'frames', frame: 'key', compositionMs: 0, dataOffset: 10 },
  },
];

const refused: { name: string; bytes: number[] }[] = [
  { name: 'nothing', bytes: [] },
  { name: 'AVC cut short', bytes: [0x17, 1, 0, 0] },
  { name: 'an unknown AVCPacketType', bytes: [0x17, 3, 0, 0, 0] },
  { name: 'a command frame', bytes: [0x57, 1, 0, 0, 0] },
  { name: 'Sorenson H.263', bytes: [0x22, 0, 0, 0, 0] },
  { name: 'an unknown fourCC', bytes: [ex(KEY, CODED_FRAMES), ...ascii('xvid'), 0, 0, 0] },
  { name: 'a fourCC cut short', bytes: [ex(KEY, CODED_FRAMES), ...ascii('hvc')] },
  { name: 'a composition time cut short', bytes: [ex(KEY, CODED_FRAMES), ...ascii('hvc1'), 0, 0] },
  { name: 'an enhanced command frame', bytes: [ex(5, CODED_FRAMES), ...ascii('hvc1'), 0, 0, 0] },
  { name: 'a second track', bytes: [ex(KEY, MULTITRACK), CODED_FRAMES_X, ...ascii('hvc1'), 1] },
  { name: 'an unknown multitrack type', bytes: [ex(KEY, MULTITRACK), 0x33, ...ascii('hvc1'), 0] },
  { name: 'multitrack in multitrack', bytes: [ex(KEY, MULTITRACK), MULTITRACK, ...ascii('hvc1'), 0] },
  {
    name: 'nine ModEx',
    bytes: [
      ex(KEY, MOD_EX),
      ...new Array(8).fill(modEx(MOD_EX)).flat(),
      ...modEx(CODED_FRAMES_X),
      ...ascii('av01'),
    ],
  },
  { name: 'ModEx cut short', bytes: [ex(KEY, MOD_EX), 9, 0, 0] },
];

describe('readVideoHead', () => {
  it.each(heads)('reads $name', ({ bytes, head }) => {
    const into = videoHead();
    const margin = [0xaa, 0xbb];
    const body = Uint8Array.from([...margin, ...bytes, 0xee]);
    expect(readVideoHead(body, margin.length, body.length - 1, into)).toBe(true);
    expect(into).toEqual(head);
  });

  it.each(heads)('says no to $name cut anywhere before its data', ({ bytes, head }) => {
    const body = Uint8Array.from(bytes);
    const into = videoHead();
    for (let end = 0; end < head.dataOffset; end++) expect(readVideoHead(body, 0, end, into)).toBe(false);
    expect(readVideoHead(body, 0, head.dataOffset, into)).toBe(true);
  });

  it.each(refused)('says no to $name', ({ bytes }) => {
    expect(readVideoHead(Uint8Array.from(bytes), 0, bytes.length, videoHead())).toBe(false);
  });

  it('never throws, and never points past the end', () => {
    const into = videoHead();
    const first = fc.constantFrom(0x17, 0x1c, 0x90, 0x91, 0x93, 0x96, 0x97);
    const rest = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(...ascii('hvc1av09'))), { maxLength: 30 });
    fc.assert(
      fc.property(first, rest, (head, tail) => {
        const bytes = Uint8Array.from([head, ...tail]);
        if (readVideoHead(bytes, 0, bytes.length, into)) {
          expect(into.dataOffset).toBeLessThanOrEqual(bytes.length);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
