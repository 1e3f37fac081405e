import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { builtEntry } from '../../../tests/kit/built-entry.ts';
import { FlvViewer } from '../fixtures/flv-viewer.ts';
import { connectRtmp, publish, until } from '../fixtures/test-peers.ts';
import { fixture, kinds, startServer } from '../fixtures/test-servers.ts';

const entry = builtEntry('server/ingest/process');
const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

describe.each(kinds)('%s server: defect 7, stopping', (kind) => {
  it('ends every connection and frees its ports', async () => {
    const server = await startServer(kind, entry);
    cleanUp.push(server.dispose);
    const { rtmpPort, httpPort } = server;
    const publisher = publish(fixture('live.flv'), `rtmp://127.0.0.1:${rtmpPort}/live/x`);
    cleanUp.push(() => publisher.end());
    await until('the stream was published', () => server.events.length > 0);
    const http = new FlvViewer(`http://127.0.0.1:${httpPort}/live/x.flv`);
    const ws = new FlvViewer(`ws://127.0.0.1:${httpPort}/live/x.flv`);
    const rtmp = (await connectRtmp(rtmpPort)).play('x');
    const undecided = await connectRtmp(rtmpPort);
    cleanUp.push(http.end, ws.end);
    await until(
      'media came',
      () => http.media.length > 5 && ws.media.length > 5 && rtmp.bytesReceived > 10_000,
    );

    const startedMs = performance.now();
    await server.stop();
    const gone = until(
      'all connections had ended',
      () => http.ended !== null && ws.ended !== null && rtmp.closed && undecided.closed,
      kind === 'plain' ? 1_500 : 100,
    );
    if (kind === 'plain') {
      await expect(gone).rejects.toThrow('in vain');
      expect(http.ended).toBe(null);
      return;
    }
    await gone;
    expect(performance.now() - startedMs).toBeLessThan(2_500);
    expect([http.ended, ws.ended]).toEqual(['complete', 1001]);
    expect(await publisher.ended).not.toBe(0);
    for (const port of [rtmpPort, httpPort]) {
      const taker = net.createServer().listen(port, '127.0.0.1');
      await once(taker, 'listening');
      taker.close();
    }
    await server.stop();
  });

  it('says in one sentence that a port is in use', async () => {
    const holder = net.createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    cleanUp.push(() => void holder.close());
    const { port } = holder.address() as net.AddressInfo;
    for (const taken of ['rtmpPort', 'httpPort'] as const) {
      const start = startServer(kind, entry, { [taken]: port });
      if (kind === 'plain') {
        // It ends the process that it is part of, without a word to who started it.
        await expect(start).rejects.toThrow('the plain server ended with code 1');
        continue;
      }
      const protocol = taken === 'rtmpPort' ? 'RTMP' : 'HTTP';
      await expect(start).rejects.toMatchObject({
        code: 'PORT_IN_USE',
        message: `The ${protocol} port ${port} on 127.0.0.1 is already in use.`,
      });
    }
  });

  if (kind === 'hardened')
    it('is not delayed by a viewer that does not read', async () => {
      const server = await startServer(kind, entry);
      const publisher = publish(fixture('live.flv'), `rtmp://127.0.0.1:${server.rtmpPort}/live/x`, []);
      cleanUp.push(() => publisher.end());
      await until('the stream was published', () => server.events.length > 0);
      const viewer = (await connectRtmp(server.rtmpPort)).play('x');
      await until('media came', () => viewer.bytesReceived > 10_000);
      viewer.socket.pause();
      await until('it had a backlog', async () => (await server.stats()).largestBacklogBytes > 100_000);
      const startedMs = performance.now();
      await server.stop();
      expect(performance.now() - startedMs).toBeLessThan(3_000);
      viewer.end();
    });
});
