import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorCode } from '../../tests/kit/error-code.ts';
import { everyWayToCut, pushPieces } from '../../tests/kit/pieces.ts';
import { runFfprobe } from '../../tests/kit/run-tool.ts';
import { type MediaTag, TAG_AUDIO, TAG_SCRIPT, TAG_VIDEO, type TagSink } from '../media.ts';
import { FlvReader, type FlvReaderOptions } from './reader.ts';
import { readVideoHead, videoHead } from './video-head.ts';
import { flvHeader, flvTag } from './writer.ts';

const FIXTURES = ['h264-aac.flv', 'h264-b-frames.flv', 'mp3.flv'] as const;
const fixture = (name: string): Uint8Array => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

interface Seen {
  type: number;
  timestampMs: number;
  bodyBytes: number;
  head: Uint8Array;
  ended: boolean;
}

/** Keeps what it is given, and insists on head, end, head, end … */
class Collector implements TagSink {
  readonly tags: Seen[] = [];
  head(
    type: number,
    timestampMs: number,
    bodyBytes: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    expect(this.tags.at(-1)?.ended ?? true).toBe(true);
    this.tags.push({ type, timestampMs, bodyBytes, head: bytes.slice(start, end), ended: false });
  }
  end(): void {
    expect(this.tags.at(-1)?.ended).toBe(false);
    this.tags.at(-1)!.ended = true;
  }
}

function readAll(bytes: Uint8Array, options?: FlvReaderOptions): Seen[] {
  const sink = new Collector();
  new FlvReader(sink, options).push(bytes);
  return sink.tags;
}

/** One number for all that a sink was told: comparing thousands of readings stays fast. */
class Digest implements TagSink {
  value = 0x811c9dc5;
  #add(number: number): void {
    this.value = Math.imul(this.value ^ number, 0x01000193);
  }
  head(type: number, timestampMs: number, bodyBytes: number, bytes: Uint8Array, start: number, end: number) {
    this.#add(type);
    this.#add(timestampMs);
    this.#add(bodyBytes);
    this.#add(end - start);
    for (let i = start; i < end; i++) this.#add(bytes[i]!);
  }
  end(): void {
    this.#add(-1);
  }
}

interface Packets {
  packets: { codec_type: string; pts: number; dts: number; size: string; flags: string }[];
}

describe('FlvReader on what ffmpeg wrote', () => {
  it.each(FIXTURES)('finds in %s the packets that ffprobe finds', async (name) => {
    const bytes = fixture(name);
    const probed = (await runFfprobe(['-show_packets'], bytes)) as Packets;
    const head = videoHead();
    const found = readAll(bytes).flatMap(({ type, timestampMs, head: body }) => {
      if (type === TAG_SCRIPT) return [];
      if (type === TAG_VIDEO) {
        expect(readVideoHead(body, 0, body.length, head)).toBe(true);
        if (head.packet !== 'frames') return [];
        return {
          codec_type: 'video',
          dts: timestampMs,
          pts: timestampMs + head.compositionMs,
          size: String(body.length - head.dataOffset),
          flags: head.frame === 'key' ? 'K_' : '__',
        };
      }
      const isAac = body[0]! >> 4 === 10;
      if (isAac && body[1] === 0) return [];
      const size = String(body.length - (isAac ? 2 : 1));
      return { codec_type: 'audio', dts: timestampMs, pts: timestampMs, size, flags: 'K_' };
    });
    const wanted = probed.packets.map(({ codec_type, pts, dts, size, flags }) => {
      return { codec_type, dts, pts, size, flags };
    });
    expect(found).toEqual(wanted);
    expect(found.length).toBe({ 'h264-aac.flv': 49, 'h264-b-frames.flv': 15, 'mp3.flv': 22 }[name]);
  });

  it.each(FIXTURES)('reads %s alike whole, byte by byte and cut at every offset', (name) => {
    const bytes = fixture(name);
    for (const headBytes of [Number.POSITIVE_INFINITY, 40]) {
      const whole = new Digest();
      new FlvReader(whole, { headBytes }).push(bytes);
      for (const ends of everyWayToCut(bytes.length)) {
        const digest = new Digest();
        const reader = new FlvReader(digest, { headBytes });
        pushPieces(bytes, ends, (piece, start, end) => reader.push(piece, start, end));
        if (digest.value !== whole.value || !reader.atTagBoundary) {
          expect.unreachable(`cut at ${ends[0]}, head of ${headBytes}: another result`);
        }
      }
    }
  });

  it.each(FIXTURES)('knows at every byte of %s whether a tag is incomplete', (name) => {
    const bytes = fixture(name);
    const boundaries = new Set<number>();
    let at = 9;
    const mark = (): void => {
      // PreviousTagSize may be there or not, in part or whole.
      for (let i = 0; i <= 4; i++) boundaries.add(at + i);
    };
    mark();
    for (const { bodyBytes } of readAll(bytes)) {
      at += 4 + 11 + bodyBytes;
      mark();
    }
    const reader = new FlvReader(new Collector());
    expect(reader.atTagBoundary).toBe(false);
    for (let end = 1; end <= bytes.length; end++) {
      reader.push(bytes, end - 1, end);
      if (reader.atTagBoundary !== boundaries.has(end)) expect.unreachable(`wrong at ${end}`);
    }
  });
});

describe('FlvReader step by step', () => {
  const body = Uint8Array.from({ length: 100 }, (_, index) => index);
  const stream = (...tags: MediaTag[]): Uint8Array => {
    return Uint8Array.from([flvHeader(true, true), ...tags.map(flvTag)].flatMap((piece) => [...piece]));
  };
  const tag = (timestampMs: number, bodyBytes: number): MediaTag => {
    return { type: TAG_VIDEO, timestampMs, body: body.subarray(0, bodyBytes) };
  };
  const FIRST_BODY = 13 + 11;

  it('gives the head when its last byte is there and the end with the last byte of the body', () => {
    const bytes = stream(tag(7, 100), tag(8, 3));
    const log: string[] = [];
    let pushed = 0;
    const reader = new FlvReader(
      {
        head: (_type, timestampMs, bodyBytes, _bytes, start, end) =>
          log.push(`head ${timestampMs} ${end - start}/${bodyBytes} after ${pushed}`),
        end: () => log.push(`end after ${pushed}`),
      },
      { headBytes: 10 },
    );
    for (const byte of bytes) {
      pushed++;
      reader.push(Uint8Array.of(byte));
    }
    expect(log).toEqual([
      `head 7 10/100 after ${FIRST_BODY + 10}`,
      `end after ${FIRST_BODY + 100}`,
      `head 8 3/3 after ${FIRST_BODY + 100 + 15 + 3}`,
      `end after ${FIRST_BODY + 100 + 15 + 3}`,
    ]);
  });

  it('delivers in place what lies in one piece, and a copy of what does not', () => {
    const bytes = stream(tag(7, 100));
    const owners: (Uint8Array | null)[] = [];
    const sink: TagSink = { head: (_t, _ms, _n, from) => owners.push(from), end: () => {} };
    new FlvReader(sink, { headBytes: 64 }).push(bytes);
    const cut = new FlvReader(sink, { headBytes: 64 });
    cut.push(bytes, 0, FIRST_BODY + 1);
    cut.push(bytes, FIRST_BODY + 1);
    expect(owners[0]).toBe(bytes);
    expect(owners[1]).not.toBe(bytes);
  });

  it('takes empty tags and an empty head, each at once', () => {
    expect(readAll(stream(tag(1, 0), tag(2, 0)))).toEqual([
      { type: 9, timestampMs: 1, bodyBytes: 0, head: new Uint8Array(0), ended: true },
      { type: 9, timestampMs: 2, bodyBytes: 0, head: new Uint8Array(0), ended: true },
    ]);
    expect(readAll(stream(tag(1, 50)).subarray(0, FIRST_BODY), { headBytes: 0 })).toEqual([
      { type: 9, timestampMs: 1, bodyBytes: 50, head: new Uint8Array(0), ended: false },
    ]);
  });

  it.each([0, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000, 0xffffffff])(
    'reads timestamp %d',
    (timestampMs) => {
      expect(readAll(stream(tag(timestampMs, 1)))[0]!.timestampMs).toBe(timestampMs);
    },
  );

  it('says what the file header announces, and skips what a longer one holds', () => {
    const announced: boolean[][] = [];
    const header = (...flags: boolean[]) => announced.push(flags);
    const longer = Uint8Array.from([...flvHeader(true, false).subarray(0, 9), 1, 2, 3, ...flvTag(tag(5, 2))]);
    longer[8] = 12;
    const withSize0 = Uint8Array.from([...longer.subarray(0, 12), 0, 0, 0, 0, ...longer.subarray(12)]);
    expect(readAll(withSize0, { header }).map(({ timestampMs }) => timestampMs)).toEqual([5]);
    readAll(flvHeader(false, true), { header });
    readAll(flvHeader(false, false), { header });
    expect(announced).toEqual([
      [true, false],
      [false, true],
      [false, false],
    ]);
  });

  it('does not mind a wrong PreviousTagSize, as live servers write it', () => {
    const bytes = stream(tag(1, 4), tag(2, 4));
    bytes.fill(0, FIRST_BODY + 4, FIRST_BODY + 8);
    expect(readAll(bytes).map(({ timestampMs }) => timestampMs)).toEqual([1, 2]);
  });

  it('names what is broken', () => {
    const good = stream(tag(0, 4));
    const broken = (at: number, value: number): Uint8Array => good.with(at, value);
    expect(errorCode(() => readAll(new TextEncoder().encode('<!DOCTYPE html>')))).toBe('FLV_SIGNATURE');
    expect(errorCode(() => readAll(broken(8, 8)))).toBe('FLV_HEADER_SIZE');
    expect(errorCode(() => readAll(broken(5, 1)))).toBe('FLV_HEADER_SIZE');
    expect(errorCode(() => readAll(broken(13, 7)))).toBe('FLV_TAG_TYPE');
    expect(errorCode(() => readAll(broken(13, 0x29)))).toBe('FLV_ENCRYPTED');
    expect(errorCode(() => readAll(broken(14, 0x80)))).toBe('FLV_TAG_TOO_LARGE');
    expect(errorCode(() => readAll(good, { maxTagBytes: 3 }))).toBe('FLV_TAG_TOO_LARGE');
    expect(errorCode(() => readAll(good, { maxTagBytes: 4 }))).toBe('no error');
  });

  it('makes no memory for what a header only claims', () => {
    const liar = stream(tag(0, 100)).with(14, 0x7f).with(15, 0xff);
    const readers = Array.from({ length: 200 }, () => new FlvReader(new Digest()));
    const before = process.memoryUsage().arrayBuffers;
    for (const reader of readers) reader.push(liar);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 1024);
  });
});

describe('FlvReader on anything', () => {
  const tags = fc.array(
    fc.record({
      type: fc.constantFrom<MediaTag['type'][]>(TAG_AUDIO, TAG_VIDEO, TAG_SCRIPT),
      timestampMs: fc.nat(0xffffffff),
      body: fc.uint8Array({ maxLength: 80 }),
    }),
    { maxLength: 8 },
  );

  it('reads back whatever the writer wrote, however it is cut', () => {
    fc.assert(
      fc.property(tags, fc.array(fc.nat(1000)), fc.nat(90), (written, cuts, headBytes) => {
        const bytes = Uint8Array.from([flvHeader(true, true), ...written.map(flvTag)].flatMap((p) => [...p]));
        const ends = [...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b);
        const sink = new Collector();
        const reader = new FlvReader(sink, { headBytes });
        pushPieces(bytes, ends, (piece, start, end) => reader.push(piece, start, end));
        expect(sink.tags).toEqual(
          written.map(({ type, timestampMs, body }) => ({
            type,
            timestampMs,
            bodyBytes: body.length,
            head: body.slice(0, headBytes),
            ended: true,
          })),
        );
        expect(reader.atTagBoundary).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('throws nothing but ProtocolError on damaged streams', () => {
    const whole = fixture('mp3.flv');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 20 }),
        fc.nat(whole.length),
        (damage, cut) => {
          const bytes = whole.slice();
          for (const [at, value] of damage) bytes[at] = value;
          const reader = new FlvReader(new Digest(), { headBytes: 64 });
          errorCode(() => {
            reader.push(bytes, 0, cut);
            reader.push(bytes, cut);
          });
        },
      ),
      { numRuns: 2000 },
    );
  });
});
