import { describe, expect, it } from 'vitest';
import { TAG_AUDIO, TAG_VIDEO } from '../media.ts';
import { ChunkWriter } from './chunk-writer.ts';

function hex(pieces: readonly Uint8Array[]): string {
  return pieces
    .map((piece) => Array.from(piece, (byte) => byte.toString(16).padStart(2, '0')).join(''))
    .join(' ');
}

const audio = { type: TAG_AUDIO, streamId: 1, chunkStreamId: 4 };
const two = Uint8Array.of(0xaa, 0xbb);
const three = Uint8Array.of(0xaa, 0xbb, 0xcc);

describe('ChunkWriter', () => {
  it('begins with a full header: timestamp, length, type, stream id (little-endian)', () => {
    const message = { type: TAG_VIDEO, streamId: 0x01020304, chunkStreamId: 6, timestampMs: 0x010203 };
    expect(hex(new ChunkWriter().message(message, two))).toBe(
      '0601020300000209 04030201 aabb'.replace(' ', ''),
    );
  });

  it('leaves out what the peer knows: stream id, then length and type, then the delta', () => {
    const writer = new ChunkWriter();
    const written = [
      writer.message({ ...audio, timestampMs: 100 }, two),
      writer.message({ ...audio, timestampMs: 120 }, three),
      writer.message({ ...audio, timestampMs: 143 }, three),
      writer.message({ ...audio, timestampMs: 166 }, three),
      writer.message({ ...audio, timestampMs: 166 }, three),
      writer.message({ ...audio, type: TAG_VIDEO, timestampMs: 166 }, three),
    ];
    expect(written.map((pieces) => hex(pieces.slice(0, 1)))).toEqual([
      '040000640000020801000000',
      '4400001400000308',
      '84000017',
      'c4',
      '84000000',
      '4400000000000309',
    ]);
  });

  it('never puts a bare header right after a full one, where peers disagree about the delta', () => {
    const writer = new ChunkWriter();
    writer.message({ ...audio, timestampMs: 20 }, two);
    expect(hex(writer.message({ ...audio, timestampMs: 40 }, two))).toBe('84000014 aabb');
    expect(hex(writer.message({ ...audio, timestampMs: 60 }, two))).toBe('c4 aabb');
  });

  it('begins anew with a full header when time goes back or the stream is another', () => {
    const writer = new ChunkWriter();
    writer.message({ ...audio, timestampMs: 20 }, two);
    expect(hex(writer.message({ ...audio, timestampMs: 19 }, two))).toBe('040000130000020801000000 aabb');
    expect(hex(writer.message({ ...audio, streamId: 2, timestampMs: 19 }, two))).toBe(
      '040000130000020802000000 aabb',
    );
  });

  it('remembers each chunk stream for itself', () => {
    const writer = new ChunkWriter();
    writer.message({ ...audio, timestampMs: 20 }, two);
    writer.message({ ...audio, type: TAG_VIDEO, chunkStreamId: 6, timestampMs: 1000 }, three);
    expect(hex(writer.message({ ...audio, timestampMs: 40 }, two))).toBe('84000014 aabb');
  });

  it('extends timestamps from 0xffffff on, and repeats them inside the message', () => {
    const writer = new ChunkWriter();
    writer.chunkBytes = 2;
    expect(hex(writer.message({ ...audio, timestampMs: 0xfffffe }, two))).toBe(
      '04fffffe0000020801000000 aabb',
    );
    expect(hex(new ChunkWriter().message({ ...audio, timestampMs: 0xffffff }, two))).toBe(
      '04ffffff000002080100000000ffffff aabb',
    );
    expect(hex(writer.message({ ...audio, timestampMs: 0xfedcba98 }, three))).toBe(
      '04ffffff0000030801000000fedcba98 aabb c4fedcba98 cc',
    );
    // A small delta after it is not extended, nor are the bare headers that follow.
    expect(hex(writer.message({ ...audio, timestampMs: 0xfedcba99 }, three))).toBe('84000001 aabb c4 cc');
  });

  it('sends a leap as an absolute time, because peers read extended deltas differently', () => {
    const writer = new ChunkWriter();
    writer.message({ ...audio, timestampMs: 1 }, two);
    expect(hex(writer.message({ ...audio, timestampMs: 0x1000000 }, two))).toBe(
      '04ffffff000002080100000001000000 aabb',
    );
  });

  it('lets 32-bit time wrap with a full header', () => {
    const writer = new ChunkWriter();
    writer.message({ ...audio, timestampMs: 2 ** 32 - 1 }, two);
    expect(hex(writer.message({ ...audio, timestampMs: 2 ** 32 + 10 }, two))).toBe(
      '0400000a0000020801000000 aabb',
    );
  });

  it.each([
    [63, '3f', 'ff'],
    [64, '0000', 'c000'],
    [319, '00ff', 'c0ff'],
    [320, '010001', 'c10001'],
    [65_599, '01ffff', 'c1ffff'],
  ])('writes chunk stream id %i in one, two or three bytes', (chunkStreamId, first, next) => {
    const writer = new ChunkWriter();
    writer.chunkBytes = 2;
    const pieces = writer.message({ ...audio, chunkStreamId, timestampMs: 0 }, three);
    expect(hex(pieces)).toBe(`${first}0000000000030801000000 aabb ${next} cc`);
  });

  it('hands on the body pieces themselves where they fit, and views of them where not: no copies', () => {
    const writer = new ChunkWriter();
    const [head, tail] = [new Uint8Array(100), new Uint8Array(60)];
    const pieces = writer.message({ ...audio, timestampMs: 0 }, head, tail);
    expect(pieces.map((piece) => piece.length)).toEqual([12, 100, 28, 1, 32]);
    expect(pieces[1]).toBe(head);
    expect(pieces[2]?.buffer).toBe(tail.buffer);
    expect(pieces[4]?.buffer).toBe(tail.buffer);
    expect(pieces[4]?.byteOffset).toBe(28);
    writer.chunkBytes = 65_536;
    expect(writer.message({ ...audio, timestampMs: 0 }, head, tail).slice(1)).toEqual([head, tail]);
  });

  it('writes no empty chunk after a body that fills the last one', () => {
    const writer = new ChunkWriter();
    expect(
      writer.message({ ...audio, timestampMs: 0 }, new Uint8Array(256)).map((piece) => piece.length),
    ).toEqual([12, 128, 1, 128]);
    expect(writer.message({ ...audio, timestampMs: 0 })).toHaveLength(1);
  });

  it('refuses a body that 24 bits cannot tell', () => {
    expect(() => new ChunkWriter().message({ ...audio, timestampMs: 0 }, new Uint8Array(2 ** 24))).toThrow(
      RangeError,
    );
  });
});
