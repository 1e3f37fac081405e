import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pushPieces } from '../../tests/kit/pieces.ts';
import { ProtocolError, TAG_AUDIO, TAG_SCRIPT, TAG_VIDEO } from '../media.ts';
import { ChunkReader, type ChunkReaderOptions } from './chunk-reader.ts';
import { ChunkWriter } from './chunk-writer.ts';

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(/\s/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function hexOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Array.from(bytes.subarray(start, end), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A reader that writes down what it hears: `type@time length:head`, `end`, `message type@time body`. */
function listen(options: Partial<ChunkReaderOptions> = {}): { reader: ChunkReader; heard: string[] } {
  const heard: string[] = [];
  const reader = new ChunkReader({
    sink: {
      head: (type, timestampMs, bodyBytes, bytes, start, end) =>
        heard.push(`${type}@${timestampMs} ${bodyBytes}:${hexOf(bytes, start, end)}`),
      end: () => heard.push('end'),
    },
    message: ({ type, streamId, timestampMs, body }) =>
      heard.push(`message ${type}@${timestampMs} on ${streamId} ${hexOf(body)}`),
    ...options,
  });
  return { reader, heard };
}

function hear(hex: string, options: Partial<ChunkReaderOptions> = {}): string[] {
  const { reader, heard } = listen(options);
  reader.push(bytesOf(hex));
  return heard;
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'no error';
}

/** Set Chunk Size to 2, so that small messages have several chunks. */
const chunksOfTwo = '02 000000 000004 01 00000000 00000002';
const audio3at10 = '04 00000a 000003 08 01000000';

describe('ChunkReader', () => {
  it('reads all four header types', () => {
    const heard = hear(`
      04 00000a 000002 08 01000000 aabb
      44 000005 000001 08 cc
      84 000007 dd
      c4 ee`);
    expect(heard).toEqual(['8@10 2:aabb', 'end', '8@15 1:cc', 'end', '8@22 1:dd', 'end', '8@29 1:ee', 'end']);
  });

  it('takes the timestamp for the delta when a bare header follows a full one', () => {
    expect(hear('04 00000a 000001 08 01000000 aa c4 bb')).toEqual(['8@10 1:aa', 'end', '8@20 1:bb', 'end']);
  });

  it('gives other messages whole, with their stream', () => {
    expect(hear(`${chunksOfTwo} 03 000000 000003 14 05000000 aabb c3 cc`)).toEqual([
      'message 20@0 on 5 aabbcc',
    ]);
  });

  it.each([
    ['one byte', '3f', 'ff'],
    ['two bytes', '00ff', 'c0ff'],
    ['three bytes', '010001', 'c10001'],
    // The two-byte form of id 64 must not be taken for a one-byte id 0.
    ['two bytes, the lowest', '0000', 'c000'],
  ])('reads a chunk stream id of %s', (_, first, next) => {
    expect(hear(`${chunksOfTwo} ${first} 000000 000003 08 01000000 aabb ${next} cc`)).toEqual([
      '8@0 3:aabbcc',
      'end',
    ]);
  });

  it('treats the two- and three-byte forms of one id as one chunk stream', () => {
    expect(hear(`${chunksOfTwo} 0005 000000 000003 08 01000000 aabb c10500 cc`)).toEqual([
      '8@0 3:aabbcc',
      'end',
    ]);
  });

  it('counts 256 for the second byte of the three-byte form', () => {
    // 320 as three bytes, and 192 = 64 + 128 as two: two messages on their way.
    const heard =
      hear(`${chunksOfTwo} 010001 000000 000003 14 00000000 a1a2 0080 000000 000003 14 00000000 b1b2
      c10001 a3 c080 b3`);
    expect(heard).toEqual(['message 20@0 on 0 a1a2a3', 'message 20@0 on 0 b1b2b3']);
  });

  it('goes on with a cut header even where the next byte looks like the header of a message on its way', () => {
    const { reader, heard } = listen();
    reader.push(bytesOf(`${chunksOfTwo} 06 000000 000003 14 00000000 b1b2 03 00`));
    reader.push(bytesOf('c605 000001 14 00000000 a1 c6 b3'));
    expect(heard).toEqual([`message 20@${0xc605} on 0 a1`, 'message 20@0 on 0 b1b2b3']);
  });

  it('accepts a fresh chunk stream that begins with type 1, as librtmp does', () => {
    expect(hear('42 000001 000006 04 0006 00000001')).toEqual(['message 4@1 on 0 000600000001']);
  });

  it.each(['82 000001', 'c2'])('refuses a fresh chunk stream that begins with %s', (hex) => {
    expect(codeOf(() => hear(hex))).toBe('RTMP_CHUNK_NO_HEADER');
  });

  it('refuses a header that begins a message inside another', () => {
    expect(codeOf(() => hear(`${chunksOfTwo} ${audio3at10} aabb 44 000000 000003 08`))).toBe(
      'RTMP_CHUNK_INTERRUPTED',
    );
  });

  it('applies a new chunk size to the next chunk of a message on its way', () => {
    const { reader, heard } = listen();
    reader.push(
      bytesOf(`${chunksOfTwo} 04 00000a 000006 08 01000000 a1a2 c4 a3a4 02 000000 000004 01 00000000 0000`),
    );
    expect(reader.chunkBytes).toBe(2);
    reader.push(bytesOf('c2 0008 c4 a5a6'));
    expect(reader.chunkBytes).toBe(8);
    expect(heard).toEqual(['8@10 6:a1a2a3a4a5a6', 'end']);
  });

  it.each(['00000000', '80000000'])('refuses a chunk size of %s', (size) => {
    expect(codeOf(() => hear(`02 000000 000004 01 00000000 ${size}`))).toBe('RTMP_CHUNK_SIZE');
  });

  it('refuses a Set Chunk Size or Abort that is too short', () => {
    expect(codeOf(() => hear('02 000000 000003 01 00000000 000001'))).toBe('RTMP_CONTROL_LENGTH');
    expect(codeOf(() => hear('02 000000 000000 02 00000000'))).toBe('RTMP_CONTROL_LENGTH');
  });

  describe('extended timestamps', () => {
    it('reads an absolute one', () => {
      expect(hear('04 ffffff 000001 08 01000000 01234567 aa')).toEqual([`8@${0x01234567} 1:aa`, 'end']);
      expect(hear('04 fffffe 000001 08 01000000 aa')).toEqual([`8@${0xfffffe} 1:aa`, 'end']);
    });

    it('adds an extended delta, and again for a bare header that repeats it', () => {
      expect(hear('04 000005 000001 08 01000000 aa 84 ffffff 01000000 bb c4 01000000 cc')).toEqual([
        '8@5 1:aa',
        'end',
        `8@${5 + 0x1000000} 1:bb`,
        'end',
        `8@${5 + 0x2000000} 1:cc`,
        'end',
      ]);
    });

    it('believes a bare header that begins a message with another extended delta (ffmpeg)', () => {
      expect(hear('04 000000 000001 08 01000000 aa 84 ffffff 01000000 bb c4 01000007 cc').slice(-2)).toEqual([
        `8@${0x2000007} 1:cc`,
        'end',
      ]);
    });

    it('wraps at 32 bits, by a delta that a bare header repeats, too', () => {
      const first = '04 ffffff 000001 08 01000000 fffffff0 aa';
      expect(hear(`${first} 84 00000a bb c4 cc`).slice(-2)).toEqual(['8@4 1:cc', 'end']);
    });

    it('wraps at 32 bits', () => {
      expect(hear('04 ffffff 000001 08 01000000 ffffffff aa 84 000003 bb').slice(-2)).toEqual([
        '8@2 1:bb',
        'end',
      ]);
    });

    const extended = `${chunksOfTwo} 04 ffffff 000006 08 01000000 01020304`;
    const all = [`8@${0x01020304} 6:a1a2a3a4a5a6`, 'end'];

    it('skips the repetition inside a message', () => {
      expect(hear(`${extended} a1a2 c4 01020304 a3a4 c4 01020304 a5a6`)).toEqual(all);
    });

    it('does without the repetition from a peer that leaves it out', () => {
      expect(hear(`${extended} a1a2 c4 a3a4 c4 a5a6`)).toEqual(all);
    });

    it('reads what only began like the repetition as payload', () => {
      expect(hear(`${extended} 0102 c4 0102 c4 0102`)).toEqual([`8@${0x01020304} 6:010201020102`, 'end']);
    });

    it('reads it all the same when cut anywhere', () => {
      for (const hex of [
        `${extended} a1a2 c4 01020304 a3a4 c4 01020304 a5a6 84 000001 b1b2 c4 b3b4 c4 b5b6`,
        `${extended} a1a2 c4 a3a4 c4 a5a6 84 000001 b1b2 c4 b3b4 c4 b5b6`,
        `${extended} 0102 c4 0102 c4 0302 84 000001 b1b2 c4 b3b4 c4 b5b6`,
      ]) {
        const bytes = bytesOf(hex);
        const whole = hear(hex);
        expect(whole).toHaveLength(4);
        for (let cut = 1; cut < bytes.length; cut++) {
          for (let next = cut; next < bytes.length; next++) {
            const { reader, heard } = listen();
            pushPieces(bytes, [cut, next, bytes.length], (piece, start, end) =>
              reader.push(piece, start, end),
            );
            expect(heard).toEqual(whole);
          }
        }
      }
    });

    it('does not wait for more than the message has when the peer leaves the repetition out', () => {
      expect(hear(`${chunksOfTwo} 04 ffffff 000003 08 01000000 01020304 a1a2 c4 a3`)).toEqual([
        `8@${0x01020304} 3:a1a2a3`,
        'end',
      ]);
    });
  });

  describe('heads', () => {
    it('gives the head as soon as it is there, and the end with the last byte', () => {
      const { reader, heard } = listen({ headBytes: 2 });
      reader.push(bytesOf('04 00000a 000005 08 01000000 a1'));
      expect(heard).toEqual([]);
      reader.push(bytesOf('a2'));
      expect(heard).toEqual(['8@10 5:a1a2']);
      reader.push(bytesOf('a3a4'));
      expect(heard).toEqual(['8@10 5:a1a2']);
      reader.push(bytesOf('a5'));
      expect(heard).toEqual(['8@10 5:a1a2', 'end']);
    });

    it('shows a head that lies in one piece where it lies', () => {
      const input = bytesOf('ffff 04 00000a 000005 08 01000000 a1a2a3a4a5');
      const seen: unknown[] = [];
      const sink = { head: (...said: unknown[]) => seen.push(said), end() {} };
      new ChunkReader({ sink, message() {}, headBytes: 3 }).push(input, 2);
      expect(seen).toEqual([[TAG_AUDIO, 10, 5, expect.anything(), 14, 17]]);
      expect((seen[0] as unknown[])[3]).toBe(input);
    });

    it('gives a tag without a body, and none of the body when none is wanted', () => {
      expect(hear('04 00000a 000000 08 01000000 c4')).toEqual(['8@10 0:', 'end', '8@20 0:', 'end']);
      expect(hear(`${audio3at10} a1a2a3`, { headBytes: 0 })).toEqual(['8@10 3:', 'end']);
    });

    it('uses one buffer again and again for heads that are cut', () => {
      const buffers = new Set<ArrayBufferLike>();
      const sink = {
        head: (_t: number, _ms: number, _l: number, bytes: Uint8Array) => buffers.add(bytes.buffer),
        end() {},
      };
      const reader = new ChunkReader({ sink, message() {}, headBytes: 64 });
      const writer = new ChunkWriter();
      for (let i = 0; i < 100; i++) {
        const tag = { type: TAG_VIDEO, streamId: 1, chunkStreamId: 6, timestampMs: i * 40 };
        const bytes = Buffer.concat(writer.message(tag, new Uint8Array(1000)));
        reader.push(bytes, 0, 30);
        reader.push(bytes, 30);
      }
      expect(buffers.size).toBe(1);
    });
  });

  it('gives AMF3 data as a script tag without its first byte', () => {
    expect(hear('04 00000a 000003 0f 01000000 00a1a2')).toEqual([`${TAG_SCRIPT}@10 2:a1a2`, 'end']);
    expect(hear('04 00000a 000003 0f 01000000 00a1a2', { headBytes: 1 })).toEqual([
      `${TAG_SCRIPT}@10 2:a1`,
      'end',
    ]);
    expect(hear('04 00000a 000000 0f 01000000')).toEqual([`${TAG_SCRIPT}@10 0:`, 'end']);
  });

  describe('aggregates', () => {
    // Two FLV tags with back pointers: audio at 1000 ms, video at 1010 ms and (its fourth byte) 2^24 later.
    const tags = '08 000002 0003e8 00 000000 a1a2 0000000d 09 000001 0003f2 01 000000 b1 0000000c';

    it('unpacks them; the first tag has the time of the message', () => {
      expect(hear(`04 000014 000021 16 01000000 ${tags}`)).toEqual([
        '8@20 2:a1a2',
        'end',
        `9@${30 + 2 ** 24} 1:b1`,
        'end',
      ]);
      expect(hear(`04 000014 000021 16 01000000 ${tags}`, { headBytes: 1 })[0]).toBe('8@20 2:a1');
    });

    it('passes over what is no audio, video or data', () => {
      expect(hear(`04 000000 000011 16 01000000 14 000002 000000 00 000000 a1a2 0000000d`)).toEqual([]);
    });

    it.each([
      ['in a tag header', '04 000000 000003 16 01000000 080000'],
      ['in a body', '04 000000 00000c 16 01000000 08 000002 000000 00 000000 a1'],
    ])('refuses one cut short %s', (_, hex) => {
      expect(codeOf(() => hear(hex))).toBe('RTMP_AGGREGATE');
    });
  });

  describe('interleaved messages', () => {
    const begin = `${chunksOfTwo} 06 000000 000005 09 01000000 b1b2`;

    it('lets a tag that comes inside another wait for its turn', () => {
      expect(hear(`${begin} 04 000001 000002 08 01000000 a1a2 c6 b3b4 c6 b5`, { headBytes: 1 })).toEqual([
        '9@0 5:b1',
        'end',
        '8@1 2:a1',
        'end',
      ]);
    });

    it('lets several tags of one chunk stream wait, each with its own head', () => {
      const several = '04 000001 000002 08 01000000 a1a2 c4 a3a4 c4 a5a6';
      const heard = hear(`${begin} ${several} c6 b3b4 c6 b5`, { headBytes: 1 });
      expect(heard.slice(2)).toEqual(['8@1 2:a1', 'end', '8@2 2:a3', 'end', '8@3 2:a5', 'end']);
    });

    it('opens the tag that waited longest when several are on their way', () => {
      const heard = hear(
        `${begin} 04 000001 000003 08 01000000 a1a2 05 000002 000003 12 01000000 c1c2 c5 c3 c6 b3b4 c6 b5 c4 a3`,
        { headBytes: 1 },
      );
      expect(heard).toEqual(['9@0 5:b1', 'end', '18@2 3:c1', 'end', '8@1 3:a1', 'end']);
    });

    it('gives commands at once', () => {
      expect(hear(`${begin} 03 000000 000001 14 00000000 d1 c6 b3b4 c6 b5`, { headBytes: 1 })).toEqual([
        '9@0 5:b1',
        'message 20@0 on 0 d1',
        'end',
      ]);
    });

    it('keeps whole bodies apart when one takes over the buffer of an earlier message', () => {
      const earlier = `${chunksOfTwo} 05 000000 000003 08 01000000 c1c2 c5 c3`;
      const two = `04 000001 000003 08 01000000 a1a2 ${begin.slice(chunksOfTwo.length)} c4 a3 c6 b3b4 c6 b5`;
      expect(hear(`${earlier} ${two}`).slice(2)).toEqual(['8@1 3:a1a2a3', 'end', '9@0 5:b1b2b3b4b5', 'end']);
    });

    it('keeps whole bodies apart', () => {
      expect(hear(`${begin} 04 000001 000003 08 01000000 a1a2 c6 b3b4 c4 a3 c6 b5`)).toEqual([
        '8@1 3:a1a2a3',
        'end',
        '9@0 5:b1b2b3b4b5',
        'end',
      ]);
    });

    it('lets an aggregate wait as well', () => {
      const aggregate = '07 000000 00000c 16 01000000 0800 c7 0001 c7 0000 c7 0000 c7 0000 c7 00a1';
      const { reader, heard } = listen({ headBytes: 1 });
      // A Buffer, because its slice() is a view: what waits must be a copy all the same.
      const piece = Buffer.from(bytesOf(`${begin} ${aggregate}`));
      reader.push(piece);
      piece.fill(0);
      reader.push(bytesOf('c6 b3b4 c6 b5'));
      expect(heard).toEqual(['9@0 5:b1', 'end', '8@0 1:a1', 'end']);
    });

    it('lets a whole aggregate in one chunk wait as well', () => {
      const { reader, heard } = listen({ headBytes: 1 });
      const aggregate = '07 000000 00000d 16 01000000 08 000002 000000 00 000000 a1a2';
      const piece = Buffer.from(
        bytesOf(
          `02 000000 000004 01 00000000 00000040 06 000000 000041 09 01000000 ${'b1'.repeat(64)} ${aggregate}`,
        ),
      );
      reader.push(piece);
      piece.fill(0);
      reader.push(bytesOf('c6 b2'));
      expect(heard).toEqual(['9@0 65:b1', 'end', '8@0 2:a1', 'end']);
    });

    it('bounds what waits, empty tags included', () => {
      const { reader } = listen({ headBytes: 1 });
      reader.push(bytesOf(begin));
      const empty = bytesOf('04 000000 000000 08 01000000');
      let pushed = 0;
      const code = codeOf(() => {
        for (; pushed < 100_000; pushed++) reader.push(empty);
      });
      expect(code).toBe('RTMP_TOO_MUCH_HELD');
      expect(pushed).toBe(2_097_152 / 64);
    });
  });

  describe('Abort', () => {
    const abort6 = '02 000000 000004 02 00000000 0000 c2 0006';

    it('forgets a message on its way', () => {
      expect(
        hear(`${chunksOfTwo} 06 000000 000005 14 01000000 b1b2 ${abort6} 46 000001 000001 14 c1`, {
          headBytes: 1,
        }),
      ).toEqual(['message 20@1 on 1 c1']);
    });

    it('ends a tag whose head is already out, and lets the next have its turn', () => {
      const heard = hear(
        `${chunksOfTwo} 06 000000 000005 09 01000000 b1b2 04 000000 000002 08 01000000 a1a2 ${abort6}`,
        { headBytes: 1 },
      );
      expect(heard).toEqual(['9@0 5:b1', 'end', '8@0 2:a1', 'end']);
    });

    it('forgets a tag that waited', () => {
      const heard = hear(
        `${chunksOfTwo} 04 000000 000003 08 01000000 a1a2 06 000000 000005 09 01000000 b1b2 ${abort6} c4 a3`,
        { headBytes: 1 },
      );
      expect(heard).toEqual(['8@0 3:a1', 'end']);
    });

    it('is nothing to a chunk stream without a message', () => {
      expect(hear('02 000000 000004 02 00000000 00000006')).toEqual([]);
    });
  });

  describe('bounds', () => {
    it('refuses media longer than 8 MiB, or than it is told, by its header', () => {
      expect(codeOf(() => hear('06 000000 800001 09 01000000'))).toBe('RTMP_MESSAGE_TOO_LARGE');
      expect(codeOf(() => hear('06 000000 800000 09 01000000'))).toBe('no error');
      expect(codeOf(() => hear('06 000000 000101 09 01000000', { maxMessageBytes: 256 }))).toBe(
        'RTMP_MESSAGE_TOO_LARGE',
      );
    });

    it('refuses commands longer than 64 KiB and aggregates longer than 1 MiB', () => {
      expect(codeOf(() => hear('03 000000 010001 14 00000000'))).toBe('RTMP_MESSAGE_TOO_LARGE');
      expect(codeOf(() => hear('03 000000 100001 16 00000000'))).toBe('RTMP_MESSAGE_TOO_LARGE');
      expect(codeOf(() => hear('03 000000 100000 16 00000000'))).toBe('no error');
    });

    it('refuses the 65th chunk stream', () => {
      const { reader } = listen();
      const open = (id: number) => reader.push(Uint8Array.of(0, id, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0));
      for (let id = 0; id < 64; id++) open(id);
      expect(codeOf(() => open(64))).toBe('RTMP_CHUNK_STREAMS');
    });

    const chunkBytes = 65_535;
    const setChunkSize = '02 000000 000004 01 00000000 0000ffff';

    /** The first chunk of a command of 65,536 bytes: one byte is missing. */
    function nearlyAll(chunkStreamId: number): Uint8Array {
      const chunk = new Uint8Array(12 + chunkBytes);
      chunk.set([chunkStreamId, 0, 0, 0, 1, 0, 0, 20, 0, 0, 0, 0]);
      return chunk;
    }

    /** How many chunk streams can be left with nearly a whole command on them. */
    function countUnfinished(reader: ChunkReader): number {
      let begun = 0;
      const code = codeOf(() => {
        for (; begun < 60; begun++) reader.push(nearlyAll(3 + begun));
      });
      expect(code).toBe('RTMP_TOO_MUCH_HELD');
      return begun;
    }

    it('holds no more than 2 MiB of unfinished messages in all', () => {
      const { reader } = listen({ headBytes: 100 });
      reader.push(bytesOf(setChunkSize));
      expect(countUnfinished(reader)).toBe(32);
    });

    it.each<[string, (reader: ChunkReader) => void]>([
      [
        'have been completed',
        (reader) => {
          reader.push(nearlyAll(3));
          reader.push(bytesOf('c3 00'));
        },
      ],
      [
        'have been aborted',
        (reader) => {
          reader.push(nearlyAll(3));
          reader.push(bytesOf('02 000000 000004 02 00000000 00000003'));
        },
      ],
      [
        'waited for their turn',
        (reader) => {
          const open = new Uint8Array(12 + chunkBytes);
          open.set([6, 0, 0, 0, 1, 0, 0, TAG_VIDEO, 0, 0, 0, 0]);
          reader.push(open);
          for (let i = 0; i < 1_000; i++) reader.push(bytesOf('04 000001 000002 08 01000000 a1a2'));
          reader.push(bytesOf('c6 00'));
        },
      ],
    ])('counts them no more when messages %s', (_, repeat) => {
      const { reader } = listen({ headBytes: 100 });
      reader.push(bytesOf(setChunkSize));
      for (let i = 0; i < 100; i++) repeat(reader);
      // Neither more nor fewer: the spare buffer that is left over is counted when it is used.
      expect(countUnfinished(reader)).toBe(32);
    });

    it('takes memory for what has come, not for what a header promises', () => {
      const { reader } = listen();
      // 60 media messages of 8 MiB, of which one chunk comes: 480 MiB promised.
      const chunk = new Uint8Array(12 + 128);
      for (let id = 3; id < 63; id++) {
        chunk.set([id, 0, 0, 0, 0x80, 0, 0, TAG_VIDEO, 1, 0, 0, 0]);
        reader.push(chunk);
      }
      expect(codeOf(() => reader.push(Uint8Array.of(0xc3)))).toBe('no error');
    });
  });

  it('reads back what the writer wrote: any messages, chunk sizes, ids, times and pieces', () => {
    const message = fc.record({
      type: fc.constantFrom(TAG_AUDIO, TAG_VIDEO, TAG_SCRIPT, 20, 17),
      streamId: fc.constantFrom(0, 1, 0xffffffff),
      chunkStreamId: fc.constantFrom(2, 4, 63, 64, 319, 320, 65_599),
      timestampMs: fc.oneof(fc.nat(100), fc.integer({ min: 0xfffff0, max: 0x1000010 }), fc.nat(0xffffffff)),
      body: fc.uint8Array({ maxLength: 300 }),
      split: fc.nat(300),
      chunkBytes: fc.constantFrom(null, 1, 2, 100, 65_536),
    });
    const scenario = fc.record({
      messages: fc.array(message, { maxLength: 12 }),
      cuts: fc.array(fc.nat(4000), { maxLength: 6 }),
      headBytes: fc.constantFrom(0, 1, 50, Number.POSITIVE_INFINITY),
    });
    fc.assert(
      fc.property(scenario, ({ messages, cuts, headBytes }) => {
        const writer = new ChunkWriter();
        const pieces: Uint8Array[] = [];
        const expected: string[] = [];
        for (const { body, split, chunkBytes, ...header } of messages) {
          if (chunkBytes !== null) {
            const size = Uint8Array.of(0, chunkBytes >> 16, chunkBytes >> 8, chunkBytes);
            pieces.push(...writer.message({ type: 1, streamId: 0, chunkStreamId: 2, timestampMs: 0 }, size));
            writer.chunkBytes = chunkBytes;
          }
          pieces.push(...writer.message(header, body.subarray(0, split), body.subarray(split)));
          const { type, timestampMs, streamId } = header;
          if (type === 20 || type === 17)
            expected.push(`message ${type}@${timestampMs} on ${streamId} ${hexOf(body)}`);
          else
            expected.push(
              `${type}@${timestampMs} ${body.length}:${hexOf(body.subarray(0, headBytes))}`,
              'end',
            );
        }
        const bytes = new Uint8Array(Buffer.concat(pieces));
        const ends = [...new Set([...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort(
          (a, b) => a - b,
        );
        const { reader, heard } = listen({ headBytes });
        pushPieces(bytes, ends, (piece, start, end) => reader.push(piece, start, end));
        expect(heard).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });
});
