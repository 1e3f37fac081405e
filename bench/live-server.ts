import { createHash } from 'node:crypto';
import net from 'node:net';
import { performance } from 'node:perf_hooks';
import tls from 'node:tls';
import { flvHeader, flvTag } from '../core/flv/writer.ts';
import type { MediaTag } from '../core/media.ts';
import { ChunkWriter } from '../core/rtmp/chunk-writer.ts';
import { MEDIA_CHUNK_STREAM } from '../core/rtmp/message.ts';
import { RtmpServerSession } from '../core/rtmp/server-session.ts';
import { acceptOf } from '../core/websocket/handshake.ts';
import { loopbackCertificate } from '../tests/kit/certificate.ts';
import { aacConfig, aacFrame, avcConfig, avcPicture } from '../tests/kit/scripted-media.ts';

/**
 * The live server of the benchmarks: one stamped stream to any number of viewers, serialised once for all of them, so
 * that the server is never the limit.
 *
 * 25 frames per second, a key frame every two seconds, and 43 audio frames per second: with `videoBits` of 576,000
 * and audio that is the 640 kbit/s of the design's cost table. `batchMs` is how servers differ: 0 writes every
 * tag on its own (node-media-server), 350 what that time brought together (SRS, "merged write").
 */
export interface LiveServerOptions {
  readonly protocol: 'http-flv' | 'ws-flv' | 'rtmp';
  readonly batchMs: number;
  readonly videoBits: number;
  /** TLS in front of it. */
  readonly secure?: boolean;
}

const FRAME_MS = 40;
const GOP_FRAMES = 50;
const AUDIO_MS = 1_024 / 44.1;
const AUDIO_BYTES = 180;

/** Starts it on a free port of loopback and says which. */
export function startLiveServer(options: LiveServerOptions): Promise<number> {
  const viewers = new Set<net.Socket>();
  let pending: Uint8Array[] = [];
  const { serialise, frame, greet } = ways[options.protocol];
  const flush = (): void => {
    if (pending.length === 0) return;
    const bytes = Buffer.concat(pending);
    pending = [];
    const framed = frame(bytes);
    for (const viewer of viewers) viewer.write(framed);
  };
  playLive(options.videoBits, (tag) => {
    pending.push(serialise(tag));
    if (options.batchMs === 0) flush();
  });
  if (options.batchMs > 0) setInterval(flush, options.batchMs);

  const join = (socket: net.Socket, first: Uint8Array): void => {
    socket.write(first);
    viewers.add(socket);
  };
  const serve = (socket: net.Socket): void => {
    socket.on('error', () => {});
    socket.on('close', () => viewers.delete(socket));
    greet(socket, join);
  };
  const server = options.secure
    ? tls.createServer({ noDelay: true, ...loopbackCertificate() }, serve)
    : net.createServer({ noDelay: true }, serve);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', 4_096, () => resolve((server.address() as net.AddressInfo).port));
  });
}

/** Hands on the tags of the stream when they are due, for ever. */
export function playLive(videoBits: number, take: (tag: MediaTag) => void): void {
  const beginMs = performance.now();
  const media = tagsByTime(videoBits);
  let next = media.next().value;
  setInterval(() => {
    const nowMs = performance.now();
    for (; beginMs + next.timestampMs <= nowMs; next = media.next().value) take(next);
  }, 5);
}

/** For ever: audio and video in the order of their times. */
function* tagsByTime(videoBits: number): Generator<MediaTag, never> {
  // A key frame is six times the size of another, as in a talking-heads stream.
  const interBytes = Math.round(((videoBits / 8) * ((FRAME_MS * GOP_FRAMES) / 1_000)) / (GOP_FRAMES + 5));
  let audio = 0;
  for (let frame = 0; ; frame++) {
    const timestampMs = frame * FRAME_MS;
    for (; audio * AUDIO_MS < timestampMs; audio++) yield aacFrame(Math.floor(audio * AUDIO_MS), AUDIO_BYTES);
    const key = frame % GOP_FRAMES === 0;
    yield avcPicture({
      timestampMs,
      key,
      sliceBytes: key ? 6 * interBytes : interBytes,
      stamp: {
        publisher: 1,
        frame,
        captureUs: Math.round((performance.timeOrigin + performance.now()) * 1_000),
      },
    });
  }
}

/** Of a tag, of what is written together, and of the beginning. */
interface Way {
  serialise(tag: MediaTag): Uint8Array;
  frame(bytes: Uint8Array): Uint8Array;
  greet(socket: net.Socket, join: Join): void;
}

const ways: Record<LiveServerOptions['protocol'], Way> = {
  'http-flv': { serialise: flvTag, frame: chunk, greet: greetHttp },
  'ws-flv': {
    serialise: (tag) => webSocketMessage(flvTag(tag)),
    frame: (bytes) => bytes,
    greet: greetWebSocket,
  },
  rtmp: { serialise: rtmpMessage, frame: (bytes) => bytes, greet: greetRtmp },
};

function chunk(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

type Join = (socket: net.Socket, first: Uint8Array) => void;

function greetHttp(socket: net.Socket, join: Join): void {
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nTransfer-Encoding: chunked\r\n\r\n';
  const first = Buffer.concat([flvHeader(true, true), flvTag(avcConfig()), flvTag(aacConfig())]);
  socket.once('data', () => {
    socket.resume();
    join(socket, Buffer.concat([Buffer.from(head), chunk(first)]));
  });
}

/** One tag in each message, as all known servers send them; no tag here is so small that its length is in seven bits. */
function webSocketMessage(bytes: Uint8Array): Uint8Array {
  const header = Buffer.alloc(bytes.length < 0x10000 ? 4 : 10);
  header[0] = 0x82;
  header[1] = header.length === 4 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(bytes.length, 2);
  else header.writeUInt32BE(bytes.length, 6);
  return Buffer.concat([header, bytes]);
}

function greetWebSocket(socket: net.Socket, join: Join): void {
  socket.once('data', (request) => {
    socket.resume();
    const key = /sec-websocket-key: (.*)\r\n/.exec(request.toString('latin1'))?.[1] ?? '';
    const accept = acceptOf(key, (bytes) => createHash('sha1').update(bytes).digest());
    const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
    const first = [flvHeader(true, true), flvTag(avcConfig()), flvTag(aacConfig())].map(webSocketMessage);
    join(socket, Buffer.concat([Buffer.from(head), ...first]));
  });
}

function greetRtmp(socket: net.Socket, join: Join): void {
  const session = new RtmpServerSession({
    random: (count) => new Uint8Array(count),
    write: (pieces) => socket.write(Buffer.concat(pieces)),
    event: (event) => {
      if (event.kind === 'ended') return;
      session.accept();
      if (event.kind === 'play')
        join(socket, Buffer.concat([rtmpMessage(avcConfig()), rtmpMessage(aacConfig())]));
    },
  });
  socket.on('data', (bytes) => session.receive(bytes));
}

/** With a full header, which means the same to every viewer, as node-media-server and SRS send them. */
function rtmpMessage({ type, timestampMs, body }: MediaTag): Uint8Array {
  const writer = new ChunkWriter();
  writer.chunkBytes = 65_536;
  const chunkStreamId = MEDIA_CHUNK_STREAM[type];
  return Buffer.concat(writer.message({ type, streamId: 1, chunkStreamId, timestampMs }, body));
}
