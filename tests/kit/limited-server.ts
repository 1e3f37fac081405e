import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { flvHeader, flvTag } from '../../core/flv/writer.ts';
import { configurationTag, frameTag } from './truth-server.ts';

export interface LimitedServer {
  readonly url: string;
  /** Viewers at this moment, and the most there were. */
  readonly viewers: number;
  readonly mostViewers: number;
  stop(): Promise<void>;
}

/**
 * - `refuse` the viewer above the limit gets 503, the others never notice
 * - `share`  all viewers together get as many frames a second as that many viewers need, so that one more makes
 *   everybody fall behind
 */
export interface LimitedServerOptions {
  readonly capacity: number;
  readonly beyond: 'refuse' | 'share';
}

const stream = { fps: 25, gopFrames: 5, frameBytes: 500 };

/** A live HTTP-FLV stream, stamped, whose capacity is known exactly: the truth that a search for it is held against. */
export async function startLimitedServer({ capacity, beyond }: LimitedServerOptions): Promise<LimitedServer> {
  const startMs = performance.now();
  /** Each with the number of its next frame. */
  const viewers = new Map<http.ServerResponse, { next: number }>();
  let mostViewers = 0;
  let frames = 0;
  /** Frames that may still be sent, to whomever. */
  let allowance = 0;
  let turn = 0;

  const send = (): void => {
    const due = Math.floor((performance.now() - startMs) / (1000 / stream.fps));
    if (due > frames) allowance = Math.min((due - frames) * capacity, capacity);
    frames = Math.max(frames, due);
    const waiting = [...viewers].filter(([, viewer]) => viewer.next < frames);
    // In turn, so that all fall behind alike.
    for (let i = 0; i < waiting.length; i++) {
      const [response, viewer] = waiting[(turn + i) % waiting.length]!;
      while (viewer.next < frames && (beyond === 'refuse' || allowance > 0)) {
        allowance--;
        response.write(flvTag(frameTag(stream, viewer.next++)));
      }
    }
    turn += capacity;
  };
  const timer = setInterval(send, 5);

  const server = http.createServer((_, response) => {
    if (beyond === 'refuse' && viewers.size >= capacity) {
      response.writeHead(503, { connection: 'close' }).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'video/x-flv', connection: 'close' });
    response.write(flvHeader(false, true));
    response.write(flvTag(configurationTag()));
    // From the next key picture on.
    viewers.set(response, { next: Math.ceil((frames + 1) / stream.gopFrames) * stream.gopFrames });
    mostViewers = Math.max(mostViewers, viewers.size);
    response.on('close', () => viewers.delete(response));
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/live/a.flv`,
    get viewers() {
      return viewers.size;
    },
    get mostViewers() {
      return mostViewers;
    },
    stop: async () => {
      clearInterval(timer);
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
