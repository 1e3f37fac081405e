import { afterEach, describe, expect, it } from 'vitest';
import { builtEntry } from '../../../tests/kit/built-entry.ts';
import { FlvViewer } from '../fixtures/flv-viewer.ts';
import { connectRtmp, publish, request, until, upgrade } from '../fixtures/test-peers.ts';
import { fixture, kinds, startServer } from '../fixtures/test-servers.ts';

const entry = builtEntry('server/ingest/process');
const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const megabyte = 1024 * 1024;

describe.each(kinds)('%s server: defect 2, viewers that do not read', (kind) => {
  it('cost it memory without bound, unless they are evicted', async () => {
    const server = await startServer(kind, entry, { maxViewerBacklogBytes: megabyte });
    cleanUp.push(server.dispose);
    const { rtmpPort, httpPort } = server;
    // As fast as it can: what fills the kernel's buffers in a test fills memory in an hour.
    const publisher = publish(fixture('live.flv'), `rtmp://127.0.0.1:${rtmpPort}/live/x`, []);
    cleanUp.push(() => publisher.end());
    await until('the stream was published', () => server.events.includes('published live/x'));
    const good = new FlvViewer(`http://127.0.0.1:${httpPort}/live/x.flv`);
    const slow = {
      'http-flv': request(httpPort, '/live/x.flv'),
      'ws-flv': upgrade(httpPort, '/live/x.flv'),
      rtmp: (await connectRtmp(rtmpPort)).play('x'),
    };
    const viewers = Object.values(slow);
    cleanUp.push(good.end, ...viewers.map((viewer) => () => viewer.end()));
    await until('media came', () => viewers.every(({ bytesReceived }) => bytesReceived > 10_000));
    for (const { socket } of viewers) socket.pause();

    if (kind === 'plain') {
      const slowest = async () => Math.min(...(await server.backlogBytes()));
      await until('each had a backlog of 8 MiB', async () => (await slowest()) > 8 * megabyte, 15_000);
      expect(viewers.some(({ closed }) => closed)).toBe(false);
      return;
    }
    let largest = 0;
    await until('the slow viewers were evicted', async () => {
      const { evictedViewers, largestBacklogBytes } = await server.stats();
      largest = Math.max(largest, largestBacklogBytes);
      return evictedViewers === 3;
    });
    // One message may go beyond the limit.
    expect(largest).toBeLessThan(megabyte + 100_000);
    // A closed connection is seen by who reads.
    for (const { socket } of viewers) socket.resume();
    await until('their connections were closed', () => viewers.every(({ closed }) => closed));
    const seen = good.tags.length;
    await until('the other viewer got more', () => good.tags.length > seen + 50);
    expect(good.ended).toBe(null);
    expect(server.events).toEqual(['published live/x']);
  });
});
