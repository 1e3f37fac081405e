import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AudioHead, audioHead, readAudioHead } from './audio-head.ts';

const ascii = (text: string): number[] => [...text].map((char) => char.charCodeAt(0));
const EX_HEADER = 0x90;

const heads: { name: string; bytes: number[]; head: AudioHead }[] = [
  { name: 'AAC config', bytes: [0xaf, 0], head: { codec: 'aac', packet: 'config', dataOffset: 2 } },
  { name: 'AAC frame', bytes: [0xaf, 1], head: { codec: 'aac', packet: 'frames', dataOffset: 2 } },
  { name: 'MP3', bytes: [0x2f], head: { codec: 'mp3', packet: 'frames', dataOffset: 1 } },
  { name: 'MP3 at 8 kHz', bytes: [0xe2], head: { codec: 'mp3', packet: 'frames', dataOffset: 1 } },
  {
    name: 'enhanced Opus start',
    bytes: [EX_HEADER | 0, ...ascii('Opus')],
    head: { codec: 'opus', packet: 'config', dataOffset: 5 },
  },
  {
    name: 'enhanced FLAC frames',
    bytes: [EX_HEADER | 1, ...ascii('fLaC')],
    head: { codec: 'flac', packet: 'frames', dataOffset: 5 },
  },
  {
    name: 'enhanced AC-3 frames',
    bytes: [EX_HEADER | 1, ...ascii('ac-3')],
    head: { codec: 'ac3', packet: 'frames', dataOffset: 5 },
  },
  {
    name: 'enhanced AAC end',
    bytes: [EX_HEADER | 2, ...ascii('mp4a')],
    head: { codec: 'aac', packet: 'end', dataOffset: 5 },
  },
  {
    name: 'enhanced MP3 frames',
    bytes: [EX_HEADER | 1, ...ascii('.mp3')],
    head: { codec: 'mp3', packet: 'frames', dataOffset: 5 },
  },
  {
    name: 'enhanced multichannel config',
    bytes: [EX_HEADER | 4, ...ascii('Opus')],
    head: { codec: 'opus', packet: 'metadata', dataOffset: 5 },
  },
  {
    name: 'ModEx around one track of a multitrack tag',
    bytes: [EX_HEADER | 7, 0, 0xaa, 0x05, 0x01, ...ascii('Opus'), 0],
    head: { codec: 'opus', packet: 'frames', dataOffset: 10 },
  },
];

const refused: { name: string; bytes: number[] }[] = [
  { name: 'nothing', bytes: [] },
  { name: 'AAC cut short', bytes: [0xaf] },
  { name: 'an unknown AACPacketType', bytes: [0xaf, 2] },
  { name: 'Speex', bytes: [0xb2, 0] },
  { name: 'E-AC-3, which is another codec than AC-3', bytes: [EX_HEADER | 1, ...ascii('ec-3')] },
  { name: 'a second track', bytes: [EX_HEADER | 5, 0x01, ...ascii('Opus'), 1] },
  { name: 'an unknown packet type', bytes: [EX_HEADER | 6, ...ascii('Opus'), 1] },
];

describe('readAudioHead', () => {
  it.each(heads)('reads $name', ({ bytes, head }) => {
    const into = audioHead();
    const body = Uint8Array.from([0xaa, ...bytes, 0xee]);
    expect(readAudioHead(body, 1, body.length - 1, into)).toBe(true);
    expect(into).toEqual(head);
  });

  it.each(heads)('says no to $name cut anywhere before its data', ({ bytes, head }) => {
    const body = Uint8Array.from(bytes);
    for (let end = 0; end < head.dataOffset; end++) {
      expect(readAudioHead(body, 0, end, audioHead())).toBe(false);
    }
  });

  it.each(refused)('says no to $name', ({ bytes }) => {
    expect(readAudioHead(Uint8Array.from(bytes), 0, bytes.length, audioHead())).toBe(false);
  });

  it('never throws, and never points past the end', () => {
    const into = audioHead();
    fc.assert(
      fc.property(
        fc.constantFrom(0xaf, 0x90, 0x91, 0x95, 0x97),
        fc.uint8Array({ maxLength: 20 }),
        (first, rest) => {
          const bytes = Uint8Array.from([first, ...rest]);
          if (readAudioHead(bytes, 0, bytes.length, into)) {
            expect(into.dataOffset).toBeLessThanOrEqual(bytes.length);
          }
        },
      ),
      { numRuns: 5000 },
    );
  });
});
