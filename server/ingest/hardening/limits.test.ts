import { afterEach, expect, it } from 'vitest';
import { builtEntry } from '../../../tests/kit/built-entry.ts';
import { connectRtmp, RawSocket, request, statusOf, until } from '../fixtures/test-peers.ts';
import { startServer, type TestServer, type TestServerOptions } from '../fixtures/test-servers.ts';

const entry = builtEntry('server/ingest/process');
const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

async function serve(options: TestServerOptions): Promise<TestServer> {
  const server = await startServer('hardened', entry, options);
  cleanUp.push(server.dispose);
  return server;
}

it('connections that ask for nothing, and publishers that fall silent, are closed', async () => {
  const server = await serve({ requestTimeoutMs: 1_000, publisherIdleMs: 2_500, publishGraceMs: 0 });
  const silentRtmp = new RawSocket(server.rtmpPort);
  const silentHttp = new RawSocket(server.httpPort);
  const slowHeaders = new RawSocket(server.httpPort).send('GET /live/x.flv HTTP/1.1\r\nHost: x\r\n');
  const undecided = await connectRtmp(server.rtmpPort);
  // A byte now and then is not a request.
  const drip = new RawSocket(server.rtmpPort).send(Buffer.from([3]));
  const dripping = setInterval(() => drip.send(Buffer.alloc(1)), 100);
  const publisher = (await connectRtmp(server.rtmpPort)).publish('x');
  cleanUp.push(() => clearInterval(dripping));
  const asked = [silentRtmp, silentHttp, slowHeaders, undecided, drip];
  await until('those without a request were closed', () => asked.every(({ closed }) => closed), 4_000);
  expect(publisher.closed).toBe(false);
  expect(server.events).toEqual(['published live/x']);
  await until('the silent publisher was closed', () => publisher.closed, 4_000);
  await until('its stream ended', () => server.events.includes('unpublished live/x'));
  expect((await server.stats()).silentConnections).toBe(4);
});

it('connections beyond the limit are dropped, and those there are go on', async () => {
  const server = await serve({ maxConnections: 5 });
  const first = await Promise.all(Array.from({ length: 5 }, () => connectRtmp(server.rtmpPort)));
  const more = Array.from({ length: 5 }, () => new RawSocket(server.rtmpPort));
  await until('the others were dropped', () => more.every(({ closed }) => closed));
  expect(first.some(({ closed }) => closed)).toBe(false);
  expect((await server.stats()).droppedConnections).toBe(5);
  // Each port has its own limit: health can still be asked for.
  expect(await statusOf(request(server.httpPort, '/healthz'))).toBe(200);
  for (const peer of first) peer.end();
  await until('there is room again', async () => (await server.stats()).connections === 0);
  const again = await connectRtmp(server.rtmpPort);
  expect(again.closed).toBe(false);
  again.end();
});
