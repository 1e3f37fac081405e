import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeAmf0 } from '../amf0/amf0.ts';
import { ProtocolError, type TagSink } from '../media.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { RtmpClientSession } from './client-session.ts';
import { RtmpServerSession } from './server-session.ts';
import { parseRtmpUrl } from './url.ts';

const folder = path.join(import.meta.dirname, 'fixtures');
const recordings = readdirSync(folder)
  .filter((name) => name.endsWith('.bin'))
  // The beginning has the commands; what follows is much of the same.
  .map((name) => new Uint8Array(readFileSync(path.join(folder, name))).subarray(0, 12_000));
const handshakeBytes = 1 + 2 * 1536;

/** Writes down what comes, and complains if heads and ends do not alternate, or a head is not within its bytes. */
function strictSink(lines: string[]): TagSink {
  let open = false;
  return {
    head(type, timestampMs, bodyBytes, bytes, start, end) {
      if (open || start < 0 || end < start || end > bytes.length || end - start > bodyBytes)
        throw new Error('bad head');
      if (timestampMs < 0 || timestampMs > 0xffffffff) throw new Error(`bad timestamp ${timestampMs}`);
      open = true;
      lines.push(`${type} ${timestampMs} ${bodyBytes} ${bytes.subarray(start, end).join()}`);
    },
    end() {
      if (!open) throw new Error('end without head');
      open = false;
      lines.push('end');
    },
  };
}

/** Gives the bytes to a viewer, a publisher and a server, and returns what they made of them, in that order. */
function give(bytes: Uint8Array, cuts: readonly number[], headBytes: number): string[] {
  const lines: string[] = [];
  const options = { headBytes, random: (count: number) => new Uint8Array(count), write() {} };
  const url = parseRtmpUrl('rtmp://host/live/stream');
  const clients = (['play', 'publish'] as const).map((mode) => {
    const event = ({ kind }: { kind: string }) => lines.push(kind);
    const session = new RtmpClientSession({ ...options, sink: strictSink(lines), url, mode, event });
    session.start();
    return session;
  });
  const server: RtmpServerSession = new RtmpServerSession({
    ...options,
    sink: strictSink(lines),
    event(event) {
      lines.push(event.kind);
      if (event.kind !== 'ended') server.accept();
    },
  });
  for (const session of [...clients, server]) {
    try {
      let start = 0;
      for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
        const end = Math.min(cut, bytes.length);
        session.receive(bytes, start, end);
        start = end;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      lines.push(error.code);
    }
  }
  return lines;
}

/** The same, whole and in pieces, which must come to the same. */
function survive(bytes: Uint8Array, cuts: readonly number[], headBytes: number): string[] {
  const whole = give(bytes, [], headBytes);
  expect(give(bytes, cuts, headBytes)).toEqual(whole);
  return whole;
}

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const cuts = fc.array(
  fc.oneof(fc.integer({ min: handshakeBytes, max: handshakeBytes + 300 }), fc.nat(12_000)),
  { maxLength: 4 },
);
const headBytes = fc.constantFrom(0, 1, 64, Number.POSITIVE_INFINITY);

describe('whatever comes', () => {
  it('gives no error but ProtocolError, and holds little: messages of all types with any bodies, and noise', () => {
    const type = fc.constantFrom(1, 2, 3, 4, 5, 6, 8, 9, 15, 16, 17, 18, 20, 22, 99);
    const amf = fc.constantFrom(
      '_result',
      '_error',
      'onStatus',
      'connect',
      'createStream',
      'play',
      'close',
      1,
      2,
      4,
      null,
    );
    const info = fc.constantFrom(
      { code: 'NetStream.Play.Start' },
      { level: 'error' },
      { app: 'live' },
      [],
      'stream',
    );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ minLength: 100, maxLength: 400 }),
      fc.array(fc.oneof(amf, info), { maxLength: 5 }).map((values) => writeAmf0(...values)),
    );
    const message = fc.record({
      type,
      streamId: fc.nat(2),
      chunkStreamId: fc.integer({ min: 2, max: 70 }),
      timestampMs: fc.constantFrom(0, 40, 0xfffffe, 0xffffff, 0xffffffff),
      body,
    });
    const noise = fc.uint8Array({ minLength: 1, maxLength: 3 });
    const before = process.memoryUsage().arrayBuffers;
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(fc.oneof(message, message, message, noise), { maxLength: 12 }),
        cuts,
        headBytes,
        (list, at, head) => {
          const writer = new ChunkWriter();
          const pieces = list.flatMap((item) =>
            item instanceof Uint8Array ? [item] : writer.message(item, item.body),
          );
          const greeting = new Uint8Array(handshakeBytes).fill(3);
          for (const code of survive(join(greeting, ...pieces), at, head)) seen.add(code);
        },
      ),
      { numRuns: 3_000 },
    );
    // It got into all corners.
    for (const code of [
      'RTMP_CHUNK_NO_HEADER',
      'RTMP_CHUNK_SIZE',
      'RTMP_CONTROL_LENGTH',
      'RTMP_COMMAND',
      'AMF_MARKER',
    ]) {
      expect(seen).toContain(code);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 2 ** 20);
  });

  it('gives no error but ProtocolError: recordings with bytes changed, taken out and repeated', () => {
    const change = fc.record({
      at: fc.oneof(fc.integer({ min: handshakeBytes, max: 4000 }), fc.nat(12_000)),
      kind: fc.constantFrom('set', 'remove', 'repeat'),
      length: fc.integer({ min: 1, max: 40 }),
      value: fc.nat(255),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...recordings),
        fc.array(change, { minLength: 1, maxLength: 6 }),
        cuts,
        headBytes,
        (recording, changes, at, head) => {
          let bytes: Uint8Array = recording.slice();
          for (const { at: from, kind, length, value } of changes) {
            const to = Math.min(from + length, bytes.length);
            if (kind === 'set') bytes[from] = value;
            else if (kind === 'remove') bytes = join(bytes.subarray(0, from), bytes.subarray(to));
            else bytes = join(bytes.subarray(0, to), bytes.subarray(from));
          }
          survive(bytes, at, head);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('refuses garbage instead of a handshake', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 50 }), cuts, (bytes, at) => {
        const expected = bytes[0] === 3 ? [] : ['RTMP_VERSION', 'RTMP_VERSION', 'RTMP_VERSION'];
        expect(survive(bytes, at, 0)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});
