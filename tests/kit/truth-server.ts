import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { WebSocketServer } from 'ws';
import { flvHeader, flvTag } from '../../core/flv/writer.ts';
import { writeAvcC } from '../../core/h264/avcc.ts';
import { NAL_PPS, NAL_SPS, nalType, splitAnnexB } from '../../core/h264/nal.ts';
import { type MediaTag, TAG_VIDEO } from '../../core/media.ts';
import { RtmpServerSession } from '../../core/rtmp/server-session.ts';
import { stampNal } from '../../core/stamp/stamp.ts';
import { repositoryRoot } from './built-entry.ts';

/** What is known about the stream before anybody measures it. */
export interface KnownStream {
  readonly fps: number;
  readonly gopFrames: number;
  /** Size of every tag body, so that the bitrate is exact: `(bytes + 15) · 8 · fps` bit/s as FLV. */
  readonly frameBytes: number;
  /** Leaves out one frame in so many (its number and its place in time stay empty), for all viewers. */
  readonly dropEvery?: number;
}

export interface TruthServer {
  readonly httpPort: number;
  readonly rtmpPort: number;
  /** Frames made so far; those left out are counted too. */
  readonly frames: number;
  stop(): Promise<void>;
}

/**
 * A live stream whose every property is known, over HTTP-FLV, WS-FLV (on the same port) and RTMP, in the test's own process. It has no GOP cache:
 * a viewer gets the codec configuration and then the next frame, whatever kind it is. Frames are stamped as they are
 * sent. The pictures cannot be decoded; measuring does not look into them.
 */
export async function startTruthServer(stream: KnownStream): Promise<TruthServer> {
  const startMs = performance.now();
  const intervalMs = 1_000 / stream.fps;
  const watchers = new Set<(tag: MediaTag) => void>();
  const configuration = configurationTag();
  let frames = 0;

  // Frames are due by the clock, not by the timer: a late timer sends what is due and does not drift.
  const timer = setInterval(() => {
    while (startMs + frames * intervalMs <= performance.now()) {
      const tag = frameTag(stream, frames);
      const left = stream.dropEvery !== undefined && frames % stream.dropEvery === stream.dropEvery - 1;
      frames += 1;
      if (!left) for (const send of watchers) send(tag);
    }
  }, 2);

  const web = http.createServer((request, response) => {
    if (!request.url?.startsWith('/live/')) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'video/x-flv', connection: 'close' });
    response.write(flvHeader(false, true));
    response.write(flvTag(configuration));
    const send = (tag: MediaTag): void => {
      response.write(flvTag(tag));
    };
    watchers.add(send);
    response.on('close', () => watchers.delete(send));
  });
  const webSockets = new WebSocketServer({ server: web });
  webSockets.on('connection', (webSocket) => {
    const send = (tag: MediaTag): void => webSocket.send(flvTag(tag));
    webSocket.send(flvHeader(false, true));
    send(configuration);
    watchers.add(send);
    webSocket.on('error', () => {});
    webSocket.on('close', () => watchers.delete(send));
  });
  const rtmp = net.createServer((socket) => {
    socket.setNoDelay(true);
    const send = (tag: MediaTag): void => session.sendTag(tag.type, tag.timestampMs, tag.body);
    const session = new RtmpServerSession({
      random: (bytes) => randomBytes(bytes),
      write: (pieces) => {
        socket.cork();
        for (const piece of pieces) socket.write(Buffer.from(piece));
        socket.uncork();
      },
      event: ({ kind }) => {
        if (kind === 'ended') return;
        session.accept();
        if (kind !== 'play') return;
        send(configuration);
        watchers.add(send);
      },
    });
    socket.on('data', (bytes) => session.receive(bytes));
    socket.on('error', () => {});
    socket.on('close', () => watchers.delete(send));
  });
  const httpPort = await listen(web);
  const rtmpPort = await listen(rtmp);
  const sockets = new Set<net.Socket>();
  for (const server of [web, rtmp]) {
    server.on('connection', (socket: net.Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
  }
  return {
    httpPort,
    rtmpPort,
    get frames() {
      return frames;
    },
    stop: async () => {
      clearInterval(timer);
      const closed = [web, rtmp].map((server) => new Promise((resolve) => server.close(resolve)));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

/** One frame of the stream, stamped now. */
export function frameTag({ fps, gopFrames, frameBytes }: KnownStream, frame: number): MediaTag {
  const isKey = frame % gopFrames === 0;
  const captureUs = Math.round((performance.timeOrigin + performance.now()) * 1_000);
  const stamp = stampNal('h264', { publisher: 1, frame, captureUs });
  const sliceBytes = frameBytes - 5 - 4 - stamp.length - 4;
  const body = new Uint8Array(frameBytes).fill(0xaa);
  const view = new DataView(body.buffer);
  // E.4.3.1: frame type and codec, AVCPacketType NALU, composition time 0; then stamp and slice, each with its length.
  body.set([isKey ? 0x17 : 0x27, 1, 0, 0, 0]);
  view.setUint32(5, stamp.length);
  body.set(stamp, 9);
  view.setUint32(9 + stamp.length, sliceBytes);
  body[13 + stamp.length] = isKey ? 0x65 : 0x41;
  return { type: TAG_VIDEO, timestampMs: Math.round((frame * 1_000) / fps), body };
}

/** The AVC sequence header, with parameter sets that x264 wrote. */
export function configurationTag(): MediaTag {
  const bytes = readFileSync(path.join(repositoryRoot(), 'core/h264/fixtures/baseline-320x240-25.h264'));
  const units = splitAnnexB(bytes, 0, bytes.length).map(({ start, end }) => bytes.subarray(start, end));
  const ofType = (type: number) => units.filter((unit) => nalType(unit[0]!) === type);
  const record = writeAvcC({ nalLengthBytes: 4, sps: ofType(NAL_SPS), pps: ofType(NAL_PPS) });
  return { type: TAG_VIDEO, timestampMs: 0, body: Uint8Array.of(0x17, 0, 0, 0, 0, ...record) };
}

async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}
