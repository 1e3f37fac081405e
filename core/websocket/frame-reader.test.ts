import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorCode } from '../../tests/kit/error-code.ts';
import { everyWayToCut, pushPieces } from '../../tests/kit/pieces.ts';
import { ProtocolError } from '../media.ts';
import { FrameReader, type FrameReaderOptions, type FrameSink } from './frame-reader.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Writes down what it hears; payload bytes that follow each other are one line, wherever reads cut them. */
class Listener implements FrameSink {
  readonly lines: string[] = [];
  #payload: number[] = [];

  message(kind: string): void {
    this.#flush();
    this.lines.push(kind);
  }
  payload(bytes: Uint8Array, start: number, end: number): void {
    if (start < 0 || end <= start || end > bytes.length) throw new Error(`payload [${start}, ${end})`);
    for (let i = start; i < end; i++) this.#payload.push(bytes[i]!);
  }
  ping(bytes: Uint8Array, start: number, end: number): void {
    this.#flush();
    this.lines.push(`ping ${Buffer.from(bytes.slice(start, end)).toString('latin1')}`);
  }
  close(code: number | null, reason: string): void {
    this.#flush();
    this.lines.push(`close ${code} ${reason}`);
  }
  heard(): string[] {
    this.#flush();
    return this.lines;
  }
  #flush(): void {
    if (this.#payload.length === 0) return;
    const text = Buffer.from(this.#payload).toString('latin1');
    this.lines.push(text.length > 40 ? `${text.length} bytes` : text);
    this.#payload = [];
  }
}

function read(bytes: Uint8Array, options?: FrameReaderOptions): { heard: string[]; reader: FrameReader } {
  const listener = new Listener();
  const reader = new FrameReader(listener, options);
  reader.push(bytes);
  return { heard: listener.heard(), reader };
}

const hello = '48656c6c6f';
const binary256 = joined(hex('827e 0100'), new Uint8Array(256).fill(1));
const binary64K = joined(hex('827f 0000000000010000'), new Uint8Array(65_536).fill(2));

const cases: [name: string, bytes: Uint8Array, heard: string[]][] = [
  // RFC 6455, section 5.7.
  ['a single-frame text message', hex(`8105${hello}`), ['text', 'Hello']],
  ['a fragmented text message', hex('010348656c 80026c6f'), ['text', 'Hello']],
  ['a ping', hex(`8905${hello}`), ['ping Hello']],
  ['256 bytes in a single frame', binary256, ['binary', '256 bytes']],
  ['64 KiB in a single frame', binary64K, ['binary', '65536 bytes']],
  // Section 5.4 and 5.5.
  ['a pong nobody asked for', hex('8a03616263'), []],
  ['an empty message', hex('8200'), ['binary']],
  ['an empty ping', hex('8900'), ['ping ']],
  ['the largest ping', joined(hex('897d'), new Uint8Array(125).fill(0x61)), [`ping ${'a'.repeat(125)}`]],
  [
    'a ping and a pong between fragments',
    hex('020161 8901ff 000162 8a00 800163 820164'),
    ['binary', 'a', 'ping \xff', 'bc', 'binary', 'd'],
  ],
  ['fragments of nothing', hex('0200 0000 000161 8000 8200'), ['binary', 'a', 'binary']],
  [
    'a length longer than it need be',
    hex('827e0001 61 827f0000000000000001 62'),
    ['binary', 'a', 'binary', 'b'],
  ],
  ['a close with a code and a reason', hex('8808 03e8 6c6561766573'), ['close 1000 leaves']],
  ['a close with a code', hex('880203e9'), ['close 1001 ']],
  ['a close without a code', hex('8800'), ['close null ']],
  ['a close of the application', hex('88021387'), ['close 4999 ']],
  ['what follows a close', hex('8800 820161 ffffffff'), ['close null ']],
  ['a close between fragments', hex('020161 8800'), ['binary', 'a', 'close null ']],
];

describe('FrameReader', () => {
  it.each(cases)('reads %s', (_, bytes, heard) => {
    expect(read(bytes).heard).toEqual(heard);
  });

  it.each(cases)('reads %s alike byte by byte and cut at every offset', (_, bytes, heard) => {
    // Of 64 KiB only the offsets around the header and the end can matter.
    const cuts =
      bytes.length < 1_000
        ? everyWayToCut(bytes.length)
        : [...Array(20).keys()].flatMap((cut) => [
            [cut + 1, bytes.length],
            [bytes.length - cut - 1, bytes.length],
          ]);
    for (const ends of cuts) {
      const listener = new Listener();
      const reader = new FrameReader(listener);
      pushPieces(bytes, ends, (piece, start, end) => reader.push(piece, start, end));
      expect(listener.heard(), `cut at ${ends[0]}`).toEqual(heard);
    }
  });

  it('hands payload and pings on where they lie', () => {
    const bytes = hex('000000 820161 890162 7f');
    const seen: [Uint8Array, number, number][] = [];
    const take = (...view: [Uint8Array, number, number]): void => {
      seen.push(view);
    };
    const reader = new FrameReader({ message() {}, payload: take, ping: take, close() {} });
    reader.push(bytes, 3, bytes.length - 1);
    expect(seen.map(([buffer, start, end]) => [buffer === bytes, start, end])).toEqual([
      [true, 5, 6],
      [true, 8, 9],
    ]);
  });

  it('knows at every byte whether a message is incomplete', () => {
    const bytes = hex('820161 020162 8900 800163 827e0001 64 8800');
    // After: the first message; not the fragment nor the ping in it; the last fragment; the last message; the close.
    const boundaries = [3, 11, 16, 18];
    const reader = new FrameReader(new Listener());
    for (let at = 0; at < bytes.length; at++) {
      reader.push(bytes, at, at + 1);
      expect(reader.atMessageBoundary, `after ${at + 1} bytes`).toBe(boundaries.includes(at + 1));
    }
    expect(reader.closed).toBe(true);
  });

  it.each([
    ['WS_RESERVED_BITS', 'c1 05 48 65 6c 6c 6f'],
    ['WS_RESERVED_BITS', 'a200'],
    ['WS_RESERVED_BITS', '9900'],
    ['WS_MASKED', '818537fa213d7f9f4d5158'],
    ['WS_MASKED', '898000000000'],
    ['WS_OPCODE', '8300'],
    ['WS_OPCODE', '8f00'],
    ['WS_CONTROL_FRAME', '0900'],
    ['WS_CONTROL_FRAME', '0800'],
    ['WS_CONTROL_FRAME', '897e007e'],
    ['WS_CONTROL_FRAME', '887f000000000000007e'],
    ['WS_FRAGMENTS', '8000'],
    ['WS_FRAGMENTS', '0001ff'],
    ['WS_FRAGMENTS', '020161 820162'],
    ['WS_FRAGMENTS', '8200 8000'],
    ['WS_MESSAGE_TOO_LARGE', '827f 0000000004000001'],
    ['WS_MESSAGE_TOO_LARGE', '827f ffffffffffffffff'],
    ['WS_CLOSE', '880100'],
    ['WS_CLOSE', '88020000'],
    ['WS_CLOSE', '880203e7'],
    ['WS_CLOSE', '880203ed'],
    ['WS_CLOSE', '880203ee'],
    ['WS_CLOSE', '880203f7'],
    ['WS_CLOSE', '88021388'],
  ])('refuses with %s what begins with %s', (code, bytes) => {
    expect(errorCode(() => read(hex(bytes)))).toBe(code);
    // As soon as the header tells: not a byte of the payload is waited for.
    const reader = new FrameReader(new Listener());
    expect(
      errorCode(() =>
        pushPieces(
          hex(bytes),
          [...hex(bytes).keys()].map((at) => at + 1),
          (...piece) => reader.push(...piece),
        ),
      ),
    ).toBe(code);
  });

  it('bounds a message in one frame and in many, by the byte', () => {
    const options = { maxMessageBytes: 3 };
    expect(read(hex('8203616263'), options).heard).toEqual(['binary', 'abc']);
    expect(read(hex('0202 6162 8001 63 8203616263'), options).heard).toEqual([
      'binary',
      'abc',
      'binary',
      'abc',
    ]);
    expect(errorCode(() => read(hex('8204'), options))).toBe('WS_MESSAGE_TOO_LARGE');
    expect(errorCode(() => read(hex('0202 6162 8002'), options))).toBe('WS_MESSAGE_TOO_LARGE');
  });

  it('reads any frames, cut anywhere', () => {
    const message = fc.record({
      fragments: fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 4 }),
      between: fc.option(fc.string({ maxLength: 20, unit: 'binary-ascii' })),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat()), (messages, cuts) => {
        const frames: Uint8Array[] = [];
        const wanted: (string | number)[] = [];
        for (const { fragments, between } of messages) {
          wanted.push('binary');
          fragments.forEach((payload, i) => {
            const fin = i === fragments.length - 1;
            const header = [(fin ? 0x80 : 0) | (i === 0 ? 2 : 0)];
            if (payload.length < 126) header.push(payload.length);
            else header.push(126, payload.length >> 8, payload.length & 255);
            frames.push(Uint8Array.from(header), payload);
            wanted.push(...payload);
            if (between === null || fin) return;
            frames.push(Uint8Array.of(0x89, between.length), Buffer.from(between, 'latin1'));
            wanted.push(`ping ${between}`);
          });
        }
        const bytes = joined(...frames);
        const heard: (string | number)[] = [];
        const reader = new FrameReader({
          message: (kind) => heard.push(kind),
          payload: (piece, start, end) => heard.push(...piece.subarray(start, end)),
          ping: (piece, start, end) =>
            heard.push(`ping ${Buffer.from(piece.slice(start, end)).toString('latin1')}`),
          close: () => heard.push('close'),
        });
        const ends = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
        pushPieces(bytes, [...ends, bytes.length], (...piece) => reader.push(...piece));
        expect(heard).toEqual(wanted);
        expect(reader.atMessageBoundary).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('gives of any bytes the same, cut anywhere, or a typed error', () => {
    // Mostly small lengths and valid opcodes: noise alone is refused at its first byte.
    const byte = fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0x82, 0x02, 0x80, 0x89, 0x88, 0, 1, 2, 126),
    );
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 200 }), fc.array(fc.nat()), (numbers, cuts) => {
        const bytes = Uint8Array.from(numbers);
        const outcome = (ends: readonly number[]): string[] => {
          const listener = new Listener();
          const reader = new FrameReader(listener);
          try {
            pushPieces(bytes, ends, (...piece) => reader.push(...piece));
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error;
            return [...listener.heard(), error.code];
          }
          return listener.heard();
        };
        const ends = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
        expect(outcome([...ends, bytes.length])).toEqual(outcome([bytes.length]));
      }),
      { numRuns: 1_000 },
    );
  });
});
