import { afterEach, describe, expect, it } from 'vitest';
import { builtEntry } from '../../../tests/kit/built-entry.ts';
import { FlvViewer } from '../fixtures/flv-viewer.ts';
import { connectRtmp, publish, type RtmpSocket, type Tool, until } from '../fixtures/test-peers.ts';
import {
  fixture,
  type Kind,
  kinds,
  startServer,
  type TestServer,
  type TestServerOptions,
} from '../fixtures/test-servers.ts';

const entry = builtEntry('server/ingest/process');
const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

interface Scene {
  server: TestServer;
  publisher: Tool;
  http: FlvViewer;
  ws: FlvViewer;
  rtmp: RtmpSocket;
}

async function play(kind: Kind, options: TestServerOptions = {}): Promise<Scene> {
  const server = await startServer(kind, entry, options);
  cleanUp.push(server.dispose);
  const { rtmpPort, httpPort } = server;
  const publisher = publishTo(server);
  await until('the stream was published', () => server.events.includes('published live/x'));
  const http = new FlvViewer(`http://127.0.0.1:${httpPort}/live/x.flv`);
  const ws = new FlvViewer(`ws://127.0.0.1:${httpPort}/live/x.flv`);
  const rtmp = (await connectRtmp(rtmpPort)).play('x');
  cleanUp.push(http.end, ws.end, () => rtmp.end());
  await until(
    'all viewers had pictures',
    () => http.media.length > 20 && ws.media.length > 20 && rtmp.bytesReceived > 20_000,
  );
  return { server, publisher, http, ws, rtmp };
}

function publishTo({ rtmpPort }: TestServer): Tool {
  const publisher = publish(fixture('live.flv'), `rtmp://127.0.0.1:${rtmpPort}/live/x`);
  cleanUp.push(() => publisher.end());
  return publisher;
}

const ended = ({ http, ws, rtmp }: Scene) => http.ended !== null && ws.ended !== null && rtmp.closed;

describe.each(kinds)('%s server: defect 3, viewers of a publisher that died', (kind) => {
  it('end within a second and a half', async () => {
    const scene = await play(kind);
    const { server, http, ws, rtmp, publisher } = scene;
    await publisher.end('SIGKILL');
    const end = until('all viewers were ended', () => ended(scene), 1_500);
    if (kind === 'plain') {
      await expect(end).rejects.toThrow('in vain');
      expect([http.ended, ws.ended, rtmp.closed]).toEqual([null, null, false]);
      expect(server.events).toEqual(['published live/x']);
      return;
    }
    await end;
    expect(http.ended).toBe('complete');
    expect(ws.ended).toBe(1000);
    expect(rtmp.text).toContain('NetStream.Play.UnpublishNotify');
    // User control message, event 1 (stream EOF), stream 1: the last thing said.
    expect(rtmp.bytes.subarray(-6).toString('hex')).toBe('000100000001');
    expect(server.events).toEqual(['published live/x', 'unpublished live/x']);
  });
});

describe('hardened server: the grace time of a publisher', () => {
  it('is not waited for when the publisher said that it is done', async () => {
    const scene = await play('hardened', { publishGraceMs: 20_000 });
    await scene.publisher.end('SIGTERM');
    await until('all viewers were ended', () => ended(scene), 1_000);
    expect(scene.server.events).toEqual(['published live/x', 'unpublished live/x']);
  });

  it('lets it come back to its viewers, on one timeline', async () => {
    const scene = await play('hardened', { publishGraceMs: 20_000 });
    const { server, http, publisher } = scene;
    await publisher.end('SIGKILL');
    await until(
      'the server waits for it',
      async () => (await server.stats()).streams[0]?.state === 'reconnecting',
    );
    const before = http.media.length;
    publishTo(server);
    await until('pictures came again', () => http.media.length > before + 30);
    expect(ended(scene)).toBe(false);
    expect(server.events).toEqual(['published live/x']);
    const steps = http.media.slice(1).map((tag, i) => tag.timestampMs - http.media[i]!.timestampMs);
    // The recording starts at zero again: without a common timeline there would be a jump back.
    expect(Math.min(...steps)).toBeGreaterThan(-50);
    expect(Math.max(...steps)).toBeLessThan(200);
  });
});
