import net from 'node:net';
import { performance } from 'node:perf_hooks';
import tls from 'node:tls';
import { HlsPackager } from '../core/hls/packager.ts';
import type { Container } from '../core/hls/segment-muxer.ts';
import { writeMediaPlaylist } from '../core/hls/write-media-playlist.ts';
import { loopbackCertificate } from '../tests/kit/certificate.ts';
import { knownMedia, type LiveTag } from '../tests/kit/live-media.ts';

/**
 * The live HLS origin of the benchmarks: one stamped stream under any number of names, its answers serialised once for all
 * viewers, so that the origin is never the limit. HTTP/1.1 over kept connections; of a request only the last part of its path counts.
 *
 *     /<anything>/index.m3u8      the playlist, which moves on with time
 *     /<anything>/seg-<n>.ts      its segments
 *     /requests                   how many requests were answered so far, as text; over connections of its own
 *
 * 25 pictures a second and a key picture at the beginning of each segment; no compression, ranges, blocking reload.
 */
export interface HlsSourceOptions {
  /** Default 2,000. */
  readonly segmentMs?: number;
  /** Bits per second of pictures as FLV; default 576,000, which with the sound makes 640 kbit/s. */
  readonly videoBits?: number;
  readonly container?: Container;
  /** HTTPS, with a certificate nobody knows. */
  readonly secure?: boolean;
}

export interface HlsSource {
  readonly port: number;
  /** Requests answered so far. */
  readonly requests: number;
  stop(): void;
}

const FPS = 25;
const FRAME_MS = 1_000 / FPS;
/** What is there at the beginning: a full playlist. */
const HISTORY_SEGMENTS = 7;
const TICK_MS = 10;
/** Of a request's head; whoever sends more is no viewer. */
const MAX_HEAD_BYTES = 16 * 1024;
const BACKLOG = 8_192;
const NOT_FOUND = Buffer.from('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
const END_OF_HEAD = '\r\n\r\n';

/** Starts it on a free port of loopback. */
export async function startHlsSource(options: HlsSourceOptions = {}): Promise<HlsSource> {
  const { segmentMs = 2_000, videoBits = 576_000, container = 'ts', secure = false } = options;
  const packager = new HlsPackager({ container, segmentMs });
  const historyMs = HISTORY_SEGMENTS * segmentMs;
  const startMs = performance.now() - historyMs;
  const startWallMs = performance.timeOrigin + startMs;
  const media = knownMedia({
    fps: FPS,
    gopFrames: Math.round(segmentMs / FRAME_MS),
    frameBytes: Math.round(videoBits / 8 / FPS),
    sound: true,
  })(startWallMs);
  let next: LiveTag = media.next().value;
  let revision = -1;
  let answers = new Map<string, Buffer>();

  const advance = (): void => {
    const mediaMs = performance.now() - startMs;
    for (; next.atMs <= mediaMs; next = media.next().value) {
      packager.push(next.tag, startWallMs + next.atMs);
    }
    if (packager.revision === revision) return;
    revision = packager.revision;
    answers = serialised(packager, answers);
  };
  advance();
  const timer = setInterval(advance, TICK_MS);

  let requests = 0;
  const sockets = new Set<net.Socket>();
  const serve = (socket: net.Socket): void => {
    /** What came of a request that is not whole yet; viewers send each in one piece. */
    let held = '';
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      const text = held + bytes.toString('latin1');
      let at = 0;
      for (let end = text.indexOf(END_OF_HEAD); end >= 0; end = text.indexOf(END_OF_HEAD, at)) {
        const name = nameIn(text, at);
        if (name === 'requests') socket.write(answer('text/plain', Buffer.from(`${requests}`)));
        else {
          requests++;
          socket.write(answers.get(name) ?? NOT_FOUND);
        }
        at = end + END_OF_HEAD.length;
      }
      held = text.slice(at);
      if (held.length > MAX_HEAD_BYTES) socket.destroy();
    });
  };
  const server = secure
    ? tls.createServer({ ...loopbackCertificate(), noDelay: true }, serve)
    : net.createServer({ noDelay: true }, serve);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0, backlog: BACKLOG }, resolve);
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    get requests() {
      return requests;
    },
    stop: () => {
      clearInterval(timer);
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** `GET /path/name?query HTTP/1.1` at `at`: the name. */
function nameIn(text: string, at: number): string {
  const pathAt = text.indexOf(' ', at) + 1;
  const pathEnd = text.indexOf(' ', pathAt);
  const queryAt = text.indexOf('?', pathAt);
  const end = queryAt >= 0 && queryAt < pathEnd ? queryAt : pathEnd;
  return text.slice(text.lastIndexOf('/', end) + 1, end);
}

/** Heads and bodies in one piece each; what is the same as before is taken over. */
function serialised(packager: HlsPackager, before: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  const answers = new Map<string, Buffer>();
  const playlist = packager.playlist();
  if (playlist === null) return answers;
  const text = writeMediaPlaylist(playlist);
  answers.set('index.m3u8', answer('application/vnd.apple.mpegurl', Buffer.from(text)));
  const keep = (name: string, type: string): void => {
    const bytes = packager.resource(name);
    if (bytes) answers.set(name, before.get(name) ?? answer(type, bytes));
  };
  // Those that have left the playlist can be had for a while (RFC 8216bis, 6.2.2).
  for (let sequence = packager.openSequence - 1; ; sequence--) {
    const segment = packager.segment(sequence);
    if (segment === null) break;
    keep(segment.name, segment.name.endsWith('.ts') ? 'video/mp2t' : 'video/iso.segment');
  }
  for (const { map } of playlist.segments) if (map) keep(map.url, 'video/mp4');
  return answers;
}

function answer(type: string, body: Uint8Array): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\nCache-Control: no-cache\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}
