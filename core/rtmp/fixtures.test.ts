import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { pushPieces } from '../../tests/kit/pieces.ts';
import { TAG_AUDIO, TAG_SCRIPT, TAG_VIDEO, type TagSink } from '../media.ts';
import { ChunkReader } from './chunk-reader.ts';
import { RtmpClientSession } from './client-session.ts';
import { RtmpServerSession } from './server-session.ts';
import { parseRtmpUrl } from './url.ts';

const folder = path.join(import.meta.dirname, 'fixtures');
const files = readdirSync(folder).filter((name) => name.endsWith('.bin'));
const handshakeBytes = 1 + 2 * 1536;

const recordings = new Map(
  files.map((name) => [name, new Uint8Array(readFileSync(path.join(folder, name)))]),
);

function load(name: string): Uint8Array {
  return recordings.get(name) as Uint8Array;
}

/** FNV-1a: what a tag's body was, in few characters. */
function hash(bytes: Uint8Array, start: number, end: number): string {
  let value = 0x811c9dc5;
  for (let i = start; i < end; i++) value = Math.imul(value ^ (bytes[i] as number), 0x01000193);
  return (value >>> 0).toString(16);
}

/** Writes down all that a sink hears, and that each head is followed by its end before the next. */
function recordingSink(lines: string[]): TagSink {
  let open = false;
  return {
    head(type, timestampMs, bodyBytes, bytes, start, end) {
      if (open) lines.push('HEAD BEFORE THE END OF THE LAST');
      open = true;
      lines.push(`${type} ${timestampMs} ${bodyBytes} ${end - start} ${hash(bytes, start, end)}`);
    },
    end() {
      if (!open) lines.push('END WITHOUT HEAD');
      open = false;
      lines.push('end');
    },
  };
}

/** What comes out of the chunk reader for the bytes after the handshake, in pieces with those ends. */
function readChunks(recording: Uint8Array, ends: readonly number[], headBytes: number): string[] {
  const lines: string[] = [];
  const reader = new ChunkReader({
    sink: recordingSink(lines),
    headBytes,
    message: ({ type, streamId, timestampMs, body }) =>
      lines.push(`message ${type} ${streamId} ${timestampMs} ${hash(body, 0, body.length)}`),
  });
  pushPieces(recording.subarray(handshakeBytes), ends, (bytes, start, end) => reader.push(bytes, start, end));
  return lines;
}

/** All that a session hears, says and sends when it gets a recording, handshake and all, in pieces with those ends. */
function replay(name: string, ends: readonly number[]): string[] {
  const lines: string[] = [];
  const options = {
    sink: recordingSink(lines),
    headBytes: 100,
    random: (bytes: number) => new Uint8Array(bytes),
    write: (pieces: Uint8Array[]) => {
      for (const piece of pieces) lines.push(`write ${piece.length} ${hash(piece, 0, piece.length)}`);
    },
  };
  if (name.endsWith('.server.bin')) {
    const mode = name.startsWith('play') ? 'play' : 'publish';
    const url = parseRtmpUrl('rtmp://host/live/stream');
    const event = (said: object) => lines.push(JSON.stringify(said));
    const session = new RtmpClientSession({ ...options, url, mode, event });
    session.start();
    pushPieces(load(name), ends, (bytes, start, end) => session.receive(bytes, start, end));
  } else {
    const session: RtmpServerSession = new RtmpServerSession({
      ...options,
      event(said) {
        lines.push(JSON.stringify(said));
        if (said.kind !== 'ended') session.accept();
      },
    });
    pushPieces(load(name), ends, (bytes, start, end) => session.receive(bytes, start, end));
  }
  return lines;
}

/** Byte by byte; cut at every offset of `dense`, where headers of all kinds are, and at some before and after it. */
function* waysToCut(length: number, dense: { from: number; to: number }): Generator<readonly number[]> {
  yield Array.from({ length }, (_, index) => index + 1);
  for (let cut = 1; cut < length; cut += cut >= dense.from && cut < dense.to ? 1 : 499) yield [cut, length];
}

/** Codec type, DTS and bytes of each packet in the tags, as ffprobe counts them. */
function packetsOf(recording: Uint8Array): string[] {
  const packets: string[] = [];
  const reader = new ChunkReader({
    sink: {
      head(type, timestampMs, bodyBytes, bytes, start) {
        if (type === TAG_SCRIPT) return;
        const first = bytes[start] as number;
        // AAC and H.264 say in the second byte whether the tag is configuration (0), data (1) or the end (2).
        const packaged = type === TAG_AUDIO ? first >> 4 === 10 : (first & 15) === 7;
        if (packaged && bytes[start + 1] !== 1) return;
        const headerBytes = packaged ? (type === TAG_AUDIO ? 2 : 5) : 1;
        packets.push(`${type === TAG_VIDEO ? 'video' : 'audio'},${timestampMs},${bodyBytes - headerBytes}`);
      },
      end() {},
    },
    headBytes: 2,
    message() {},
  });
  reader.push(recording, handshakeBytes);
  return packets;
}

function playedEvents(name: string): unknown[] {
  return replay(name, [load(name).length])
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

describe('recorded traffic', () => {
  it.each([
    ['publish-nginx.client.bin', 161],
    ['publish-nms.client.bin', 161],
    ['publish-extended.client.bin', 161],
    ['publish-even.client.bin', 45],
    ['play-nginx.server.bin', 132],
    ['play-nms.server.bin', 159],
    ['play-nms-extended.server.bin', 159],
    ['play-extended-repeated.server.bin', 124],
  ])('%s: ffprobe counts the same packets, times and sizes', (name, count) => {
    const packets = packetsOf(load(name));
    expect(packets).toHaveLength(count);
    const witness = readFileSync(path.join(folder, `${name.split('.')[0]}.ffprobe.csv`), 'utf8');
    expect(packets).toEqual(witness.trim().split('\n'));
  });

  it('reads the same bodies whether or not the server repeats extended timestamps', () => {
    const read = (name: string) => {
      const recording = load(name);
      const lines = readChunks(recording, [recording.length - handshakeBytes], Number.POSITIVE_INFINITY);
      return lines.filter((line) => /^[89] /.test(line));
    };
    const repeated = read('play-extended-repeated.server.bin');
    const bare = read('play-extended-bare.server.bin');
    expect(bare).toHaveLength(29);
    // One key frame of several chunks among them: those whose first differs by four bytes in the two recordings.
    expect(bare.filter((line) => Number(line.split(' ')[2]) > 128 && line.startsWith('9'))).toHaveLength(1);
    for (const line of bare) expect(repeated).toContain(line);
  });

  it('takes a viewer through a session with nginx-rtmp', () => {
    expect(playedEvents('play-nginx.server.bin')).toEqual([
      { kind: 'handshaken' },
      { kind: 'connected' },
      { kind: 'started' },
      { kind: 'ended', code: 'StreamEOF', description: 'the stream has ended' },
    ]);
  });

  it('takes a viewer through a session with node-media-server, which says nothing at the end', () => {
    expect(playedEvents('play-nms.server.bin')).toEqual([
      { kind: 'handshaken' },
      { kind: 'connected' },
      { kind: 'started' },
    ]);
  });

  it.each(['nginx', 'nms'])('takes ffmpeg publishing to %s through a session of ours', (server) => {
    expect(playedEvents(`publish-${server}.client.bin`)).toEqual([
      { kind: 'connect', app: 'live', tcUrl: expect.stringMatching(/^rtmp:\/\/127\.0\.0\.1:\d+\/live$/) },
      { kind: 'publish', app: 'live', stream: `publish-${server}` },
      { kind: 'ended' },
    ]);
  });

  it.each(files)('%s: gives the same in whatever pieces it comes', (name) => {
    const recording = load(name);
    const chunkBytes = recording.length - handshakeBytes;
    for (const headBytes of [20, Number.POSITIVE_INFINITY]) {
      const whole = readChunks(recording, [chunkBytes], headBytes);
      expect(whole.length).toBeGreaterThan(4);
      for (const ends of waysToCut(chunkBytes, { from: 1, to: 2000 })) {
        if (hasDifference(readChunks(recording, ends, headBytes), whole)) {
          expect(readChunks(recording, ends, headBytes), `cut at ${ends.slice(0, 2)}`).toEqual(whole);
        }
      }
    }
  });

  it.each(files)('%s: a session says, sends and hears the same in whatever pieces it comes', (name) => {
    const { length } = load(name);
    const whole = replay(name, [length]);
    expect(whole.length).toBeGreaterThan(8);
    // The last of the handshake and all commands; other offsets of the handshake are in handshake.test.ts.
    const dense = { from: handshakeBytes - 500, to: handshakeBytes + 600 };
    for (const ends of waysToCut(length, dense)) {
      if (hasDifference(replay(name, ends), whole)) {
        expect(replay(name, ends), `cut at ${ends.slice(0, 2)}`).toEqual(whole);
      }
    }
  });
});

/** A quick look before the slow comparison that explains itself. */
function hasDifference(lines: readonly string[], expected: readonly string[]): boolean {
  return lines.length !== expected.length || lines.some((line, i) => line !== expected[i]);
}
