import { once } from 'node:events';
import net from 'node:net';
import { performance } from 'node:perf_hooks';
import { LinkQueue, type LinkShape } from './link-queue.ts';

/**
 * A stretch of network between a client and a server, for tests: a TCP proxy on loopback that delays, throttles and
 * cuts, exactly enough to hold promises of ±100 ms against.
 *
 *     client ◄── down ── link ◄── server
 *     client ─── up ───► link ───► server
 *
 * Back-pressure is real: a throttled or cut link stops reading, so that the kernel's buffers fill and the server finds
 * its socket not writable. (The kernel keeps some hundred KB to some MB before that, as on a real network.)
 * Making a connection is not delayed: the kernel accepts it before anybody is asked.
 */
export interface LinkOptions {
  /** Where the server listens. */
  readonly port: number;
  readonly host?: string;
  /** Server to client. */
  readonly down?: LinkShape;
  /** Client to server. */
  readonly up?: LinkShape;
  /** For jitter; default `Math.random`. */
  readonly random?: () => number;
}

export interface Link {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Connections now open. */
  readonly connections: number;
  /** All connections ever made. */
  readonly accepted: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** For bytes that arrive from now on, on all connections. */
  reshape(shapes: { down?: LinkShape; up?: LinkShape }): void;
  /** The line is dead for so long in both directions, then goes on where it was, as TCP does after lost packets. `Infinity`: a black hole. */
  cut(ms: number): void;
  /** Ends a cut now. */
  restore(): void;
  /** Resets all connections (RST). */
  reset(): void;
  /** While true, new connections are reset at once. */
  refuse(refusing: boolean): void;
  /** Closes everything; the link is of no use after that. */
  stop(): Promise<void>;
}

export async function startLink(options: LinkOptions): Promise<Link> {
  const random = options.random ?? Math.random;
  const pairs = new Set<Pair>();
  let shapes = { down: options.down ?? {}, up: options.up ?? {} };
  let holdUntilMs = Number.NEGATIVE_INFINITY;
  let refusing = false;
  let accepted = 0;
  const total: Total = { down: 0, up: 0 };

  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    accepted++;
    if (refusing) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const upstream = net.connect({
      port: options.port,
      host: options.host ?? '127.0.0.1',
      allowHalfOpen: true,
      noDelay: true,
    });
    const pair: Pair = {
      client,
      upstream,
      down: new Direction(upstream, client, new LinkQueue(shapes.down, random), total, 'down'),
      up: new Direction(client, upstream, new LinkQueue(shapes.up, random), total, 'up'),
    };
    pairs.add(pair);
    for (const direction of [pair.down, pair.up]) direction.holdUntil(holdUntilMs);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      // An error on one side is a reset on the other. A clean end travels in order behind the bytes (Direction).
      one.on('error', () => other.resetAndDestroy());
      one.on('close', () => {
        if (client.destroyed && upstream.destroyed) pairs.delete(pair);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const hold = (untilMs: number): void => {
    holdUntilMs = untilMs;
    for (const { down, up } of pairs) for (const direction of [down, up]) direction.holdUntil(untilMs);
  };
  return {
    host: '127.0.0.1',
    port: (server.address() as net.AddressInfo).port,
    get connections() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    get bytesDown() {
      return total.down;
    },
    get bytesUp() {
      return total.up;
    },
    reshape(next) {
      shapes = { ...shapes, ...next };
      for (const { down, up } of pairs) {
        down.queue.reshape(shapes.down);
        up.queue.reshape(shapes.up);
      }
    },
    cut: (ms) => hold(performance.now() + ms),
    restore: () => hold(Number.NEGATIVE_INFINITY),
    reset() {
      for (const { client, upstream } of pairs) {
        client.resetAndDestroy();
        upstream.resetAndDestroy();
      }
    },
    refuse(yes) {
      refusing = yes;
    },
    async stop() {
      for (const { client, upstream } of pairs) {
        client.destroy();
        upstream.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}

interface Pair {
  readonly client: net.Socket;
  readonly upstream: net.Socket;
  readonly down: Direction;
  readonly up: Direction;
}

interface Total {
  down: number;
  up: number;
}

/** Reads one socket, sends to the other what its queue releases. One timer, for the first piece that is due. */
class Direction {
  readonly queue: LinkQueue;
  readonly #from: net.Socket;
  readonly #to: net.Socket;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(from: net.Socket, to: net.Socket, queue: LinkQueue, total: Total, name: keyof Total) {
    this.queue = queue;
    this.#from = from;
    this.#to = to;
    from.on('data', (bytes: Buffer) => {
      total[name] += bytes.length;
      queue.arrive(bytes, performance.now());
      this.#pump();
    });
    from.on('end', () => {
      this.#ended = true;
      this.#pump();
    });
    to.on('drain', () => this.#pump());
    to.on('close', () => clearTimeout(this.#timer));
  }

  holdUntil(ms: number): void {
    this.queue.holdUntil(ms);
    this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#to.destroyed) return;
    const nowMs = performance.now();
    // A receiver that does not read is back-pressure, too: what is due stays here until `drain`.
    if (!this.#to.writableNeedDrain) for (const piece of this.queue.release(nowMs)) this.#to.write(piece);
    if (this.queue.empty && this.#ended) this.#to.end();
    const blocked = this.#to.writableNeedDrain;
    if (blocked || this.queue.full(nowMs)) this.#from.pause();
    else this.#from.resume();
    const nextMs = this.queue.nextChangeMs(nowMs);
    if (nextMs === Number.POSITIVE_INFINITY || blocked) return;
    // Rounded up: a timer that comes early would only come again.
    this.#timer = setTimeout(() => this.#pump(), Math.max(1, Math.ceil(nextMs - nowMs)));
  }
}
