import { once } from 'node:events';
import net from 'node:net';
import { performance } from 'node:perf_hooks';
import { afterEach, describe, expect, it } from 'vitest';
import { type Link, type LinkOptions, startLink } from './link.ts';

// Real sockets and real time: what is asserted is never tighter than what the link promises its users (±100 ms),
// and mostly one-sided: a link may never be early.

const open: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function startServer(serve: (socket: net.Socket) => void): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
  return (server.address() as net.AddressInfo).port;
}

async function link(options: LinkOptions): Promise<Link> {
  const started = await startLink(options);
  open.push(started);
  return started;
}

async function client(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  open.push({ stop: async () => socket.destroy() });
  return socket;
}

/** Resolves with the time when this many bytes have come. */
async function received(socket: net.Socket, count: number): Promise<number> {
  let bytes = 0;
  for await (const [chunk] of onData(socket)) {
    bytes += chunk.length;
    if (bytes >= count) return performance.now();
  }
  throw new Error(`closed after ${bytes} of ${count} bytes`);
}
const onData = (socket: net.Socket) =>
  (async function* () {
    while (!socket.destroyed) yield (await once(socket, 'data')) as [Buffer];
  })();

const echo = (socket: net.Socket) => socket.pipe(socket);

describe('link', () => {
  it('delays each direction by what it says', async () => {
    const port = await startServer(echo);
    const { port: via } = await link({ port, down: { delayMs: 150 }, up: { delayMs: 50 } });
    const socket = await client(via);
    const sentMs = performance.now();
    socket.write('hello');
    const tookMs = (await received(socket, 5)) - sentMs;
    expect(tookMs).toBeGreaterThanOrEqual(199);
    expect(tookMs).toBeLessThan(300);
  });

  it('throttles, with the sender feeling it', async () => {
    let source: net.Socket | undefined;
    const port = await startServer((socket) => {
      source = socket;
      socket.write(Buffer.alloc(32 * 1024 * 1024));
    });
    const { port: via } = await link({ port, down: { bitsPerSecond: 4_000_000 } });
    const socket = await client(via);
    const startMs = performance.now();
    const bits = 300_000 * 8;
    const tookMs = (await received(socket, 300_000)) - startMs;
    expect(tookMs).toBeGreaterThan((bits / 4_000_000) * 1_000 * 0.95);
    expect(tookMs).toBeLessThan((bits / 4_000_000) * 1_000 + 150);
    expect(source?.writableLength).toBeGreaterThan(0);
  });

  it('cuts for as long as it says and loses nothing', async () => {
    const port = await startServer(echo);
    const line = await link({ port });
    const socket = await client(line.port);
    socket.write('a');
    await received(socket, 1);
    const cutMs = performance.now();
    line.cut(300);
    socket.write('bcd');
    const tookMs = (await received(socket, 3)) - cutMs;
    expect(tookMs).toBeGreaterThanOrEqual(299);
    expect(tookMs).toBeLessThan(400);
    expect([line.bytesUp, line.bytesDown]).toEqual([4, 4]);
  });

  it('restores a black hole', async () => {
    const port = await startServer(echo);
    const line = await link({ port });
    line.cut(Number.POSITIVE_INFINITY);
    const socket = await client(line.port);
    socket.write('a');
    const back = received(socket, 1);
    setTimeout(() => line.restore(), 100);
    await back;
  });

  it('resets what is open and refuses what comes', async () => {
    const port = await startServer(echo);
    const line = await link({ port });
    const socket = await client(line.port);
    socket.write('a');
    await received(socket, 1);
    const failed = new Promise((resolve) => socket.once('close', resolve));
    line.reset();
    await failed;
    line.refuse(true);
    const refused = net.connect(line.port, '127.0.0.1');
    await expect(once(refused, 'data')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(line.accepted).toBe(2);
    expect(line.connections).toBe(0);
  });

  it('delivers an end behind the last byte, and keeps the other direction open', async () => {
    const port = await startServer((socket) => {
      socket.end('bye');
      socket.on('data', (bytes) => expect(bytes.toString()).toBe('still here'));
    });
    const { port: via } = await link({ port, down: { delayMs: 50 } });
    const socket = net.connect({ port: via, host: '127.0.0.1', allowHalfOpen: true });
    open.push({ stop: async () => socket.destroy() });
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    await once(socket, 'end');
    expect(text).toBe('bye');
    socket.end('still here');
    await once(socket, 'close');
  });

  it('passes a reset on as a reset', async () => {
    const port = await startServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const { port: via } = await link({ port });
    const socket = await client(via);
    socket.write('a');
    await expect(once(socket, 'data')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});
