/**
 * What undoing FLV costs a viewer, against a loop that only counts bytes.
 *
 * In memory: the reader alone over 16 KiB pieces of a stream of 640 kbit/s (25 pictures and 43 sounds a second).
 * Over a loopback socket, from a sender in another process: the receiver's CPU time per GB with a bare `net` `onread`
 * loop and with the reader in that loop, in turns; the ratio is the promise "at most 1.25" without the player model.
 *
 *     npx esbuild bench/flv-reader.ts --bundle --platform=node --format=esm --outfile=/tmp/bench.mjs && node /tmp/bench.mjs
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { cpus } from 'node:os';
import { FlvReader } from '../core/flv/reader.ts';
import { readVideoHead, videoHead } from '../core/flv/video-head.ts';
import { flvHeader, flvTag } from '../core/flv/writer.ts';
import { TAG_AUDIO, TAG_VIDEO, type TagSink } from '../core/media.ts';
import { findStamp, type Stamp, stampNal } from '../core/stamp/stamp.ts';

const PIECE_BYTES = 16 * 1024;
const SECONDS = 60;

/** One minute of FLV: stamped pictures with a key frame every 2 s, and sound. */
function makeTags(): Uint8Array[] {
  const tags: Uint8Array[] = [];
  let picture = 0;
  let sound = 0;
  for (let ms = 0; ms < SECONDS * 1000; ms++) {
    if (ms >= picture * 40) {
      const isKey = picture % 50 === 0;
      const slice = new Uint8Array(isKey ? 30_000 : 2_000).fill(0x9a);
      slice[0] = isKey ? 0x65 : 0x41;
      const nal = stampNal('h264', { publisher: 1, frame: picture, captureUs: 1e15 + ms * 1000 });
      const head = [isKey ? 0x17 : 0x27, 1, 0, 0, 0];
      const lengths = [nal, slice].map(({ length }) => [0, 0, length >> 8, length & 0xff]);
      const body = Uint8Array.of(...head, ...lengths[0]!, ...nal, ...lengths[1]!, ...slice);
      tags.push(flvTag({ type: TAG_VIDEO, timestampMs: ms, body }));
      picture++;
    }
    if (ms >= (sound * 1024 * 1000) / 44_100) {
      const body = new Uint8Array(170).fill(0x55);
      body.set([0xaf, 1]);
      tags.push(flvTag({ type: TAG_AUDIO, timestampMs: ms, body }));
      sound++;
    }
  }
  return tags;
}

class CountingSink implements TagSink {
  tags = 0;
  head(): void {
    this.tags++;
  }
  end(): void {}
}

/** What a viewer does with each picture: read the head, find the stamp. */
class StampSink extends CountingSink {
  stamps = 0;
  readonly #head = videoHead();
  readonly #stamp: Stamp = { publisher: 0, frame: 0, captureUs: 0 };
  override head(type?: number, _ms?: number, _size?: number, bytes?: Uint8Array, start = 0, end = 0): void {
    this.tags++;
    if (type !== TAG_VIDEO || !bytes || !readVideoHead(bytes, start, end, this.#head)) return;
    if (findStamp(bytes, start + this.#head.dataOffset, end, 4, 'h264', this.#stamp)) this.stamps++;
  }
}

const header = flvHeader(true, true);
const tags = makeTags();
const media = Buffer.concat(tags);

/** The sum of the bare loop; printed in the end, so that no compiler may leave it out. */
let counted = 0;

type Take = (bytes: Uint8Array, start: number, end: number) => void;
const contestants: Record<string, () => Take> = {
  'length sum only': () => (_bytes, start, end) => {
    counted += end - start;
  },
  'reader, head 256': () => readerInto(new CountingSink(), 256),
  'reader, head 256, stamps': () => readerInto(new StampSink(), 256),
  'reader, whole tags': () => readerInto(new CountingSink(), Number.POSITIVE_INFINITY),
};

function readerInto(sink: TagSink, headBytes: number): Take {
  const reader = new FlvReader(sink, { headBytes });
  reader.push(header);
  return (bytes, start, end) => reader.push(bytes, start, end);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

function inMemory(): void {
  console.log(`\nin memory, ${PIECE_BYTES / 1024} KiB pieces, ${tags.length / SECONDS} tags/s of stream`);
  for (const [name, make] of Object.entries(contestants)) {
    const take = make();
    const round = (): number => {
      const start = process.hrtime.bigint();
      for (let at = 0; at < media.length; at += PIECE_BYTES)
        take(media, at, Math.min(at + PIECE_BYTES, media.length));
      return Number(process.hrtime.bigint() - start) / 1e9;
    };
    for (let i = 0; i < 20; i++) round();
    const seconds = median(Array.from({ length: 101 }, round));
    const perTag = ((seconds / tags.length) * 1e9).toFixed(0);
    const viewer = (seconds / SECONDS) * 100;
    console.log(
      `  ${name.padEnd(26)} ${(media.length / seconds / 1e6).toFixed(0).padStart(9)} MB/s ` +
        `${(tags.length / seconds / 1e6).toFixed(1).padStart(7)} M tags/s ${perTag.padStart(5)} ns/tag ` +
        `${viewer.toFixed(5)} % of a core per viewer`,
    );
  }
}

const ROUND_BYTES = 150e6;
const ROUNDS = 13;
/** Sends what it is given on stdin, again and again, in writes of `size` bytes, until the receiver hangs up. */
const SENDER = `
  const media = [];
  process.stdin.on('data', (d) => media.push(d)).on('end', () => {
    const bytes = Buffer.concat(media);
    const size = Number(process.argv[1]);
    const server = require('net').createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => {});
      let at = 0;
      const more = () => {
        for (;;) {
          if (socket.destroyed) return;
          const piece = bytes.subarray(at, at + size);
          at = at + size >= bytes.length ? 0 : at + size;
          if (!socket.write(piece)) { socket.once('drain', more); return; }
        }
      };
      more();
    }).listen(0, '127.0.0.1', () => process.stdout.write(String(server.address().port)));
  });
  process.on('disconnect', () => process.exit());
`;

async function receive(port: number, take: Take): Promise<number> {
  const shared = new Uint8Array(64 * 1024);
  let received = 0;
  const socket = net.connect({
    port,
    host: '127.0.0.1',
    onread: {
      buffer: shared,
      callback(count) {
        received += count;
        take(shared, 0, count);
        if (received >= ROUND_BYTES) socket.destroy();
        return true;
      },
    },
  });
  await once(socket, 'connect');
  const before = process.cpuUsage();
  await once(socket, 'close');
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1e6 / received) * 1e9;
}

async function overSocket(title: string, size: number): Promise<void> {
  const sender = spawn(process.execPath, ['-e', SENDER, String(size)], {
    stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
  });
  try {
    sender.stdin!.end(media);
    const [text] = (await once(sender.stdout!, 'data')) as [Buffer];
    const port = Number(text.toString());
    console.log(`\nover a loopback socket, ${title}: CPU seconds of the receiver per GB, and ratio`);
    const results = new Map(Object.keys(contestants).map((name) => [name, [] as number[]]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, make] of Object.entries(contestants)) {
        const seconds = await receive(port, make());
        if (round > 0) results.get(name)!.push(seconds); // the first round warms up
      }
    }
    const bare = median(results.get('length sum only')!);
    for (const [name, seconds] of results) {
      const mid = median(seconds);
      console.log(`  ${name.padEnd(26)} ${mid.toFixed(3)} s/GB   ${(mid / bare).toFixed(2)} x`);
    }
  } finally {
    sender.kill();
  }
}

console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, node ${process.version}`);
inMemory();
await overSocket('64 KiB writes (a relay such as SRS)', 64 * 1024);
await overSocket('1,400 byte writes (a network, or a server that writes each tag)', 1400);
console.log(`\nthe bare loops counted ${(counted / 1e9).toFixed(1)} GB`);
