import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { FlvReader } from '../../../core/flv/reader.ts';
import { builtEntry } from '../../../tests/kit/built-entry.ts';
import { FlvViewer, type SeenTag } from '../fixtures/flv-viewer.ts';
import { connectRtmp, publish, RawSocket, request, statusOf, until } from '../fixtures/test-peers.ts';
import {
  fixture,
  type Kind,
  kinds,
  startServer,
  type TestServer,
  type TestServerOptions,
} from '../fixtures/test-servers.ts';

const run = promisify(execFile);
const entry = builtEntry('server/ingest/process');
const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

async function serveStream(
  kind: Kind,
  file: string,
  options: TestServerOptions = {},
  input?: string[],
): Promise<TestServer> {
  const server = await startServer(kind, entry, options);
  cleanUp.push(server.dispose);
  const publisher = publish(fixture(file), `rtmp://127.0.0.1:${server.rtmpPort}/live/x`, input);
  cleanUp.push(() => publisher.end());
  const url = `http://127.0.0.1:${server.httpPort}/live/x.flv`;
  // Until the publisher's first messages are through: what a viewer gets first is what this is about.
  await until('the stream has media', async () => {
    if (!server.events.includes('published live/x')) return false;
    const viewer = new FlvViewer(url);
    await until('the viewer got something', () => viewer.media.length > 0 || viewer.ended !== null);
    viewer.end();
    return viewer.media.length > 0;
  });
  return server;
}

async function view(url: string): Promise<FlvViewer> {
  const viewer = new FlvViewer(url);
  cleanUp.push(viewer.end);
  await until('media came', () => viewer.media.length > 10);
  return viewer;
}

describe.each(kinds)('%s server: defect 6, what a viewer gets first', (kind) => {
  it('HTTP-FLV says what it is, and begins with onMetaData', async () => {
    const { httpPort, rtmpPort } = await serveStream(kind, 'live.flv');
    const viewer = await view(`http://127.0.0.1:${httpPort}/live/x.flv`);
    const rtmp = (await connectRtmp(rtmpPort)).play('x');
    cleanUp.push(() => rtmp.end());
    await until('media came over RTMP', () => rtmp.bytesReceived > 20_000);
    const [script, ...rest] = viewer.tags;
    expect(viewer.headers?.['access-control-allow-origin']).toBe('*');
    expect([viewer.hasAudio, viewer.hasVideo]).toEqual([true, true]);
    // Codec set-up (second byte 0) of sound and picture, then a key frame of H.264.
    expect(rest.slice(0, 3).map(({ type, head }) => [type, head.charCodeAt(0), head.charCodeAt(1)])).toEqual([
      [8, 0xaf, 0],
      [9, 0x17, 0],
      [9, 0x17, 1],
    ]);
    if (kind === 'plain') {
      expect(viewer.headers?.['content-type']).toBe(undefined);
      expect(script?.head).toContain('@setDataFrame');
      expect(rtmp.text).toContain('@setDataFrame');
      return;
    }
    expect(viewer.headers?.['content-type']).toBe('video/x-flv');
    expect(viewer.headers?.['cache-control']).toBe('no-store');
    expect(script?.head.slice(3)).toMatch(/^onMetaData/);
    expect(rtmp.text).toContain('onMetaData');
    expect(rtmp.text).not.toContain('@setDataFrame');
  });

  it('a stream of sound only does not promise a picture', async () => {
    const { httpPort } = await serveStream(kind, 'sound-only.flv');
    const viewer = await view(`http://127.0.0.1:${httpPort}/live/x.flv`);
    expect([viewer.hasAudio, viewer.hasVideo]).toEqual([true, kind === 'plain']);
  });
});

describe('hardened server: what a viewer gets first', () => {
  it('ffprobe agrees over HTTP-FLV, RTMP and WS-FLV is the same bytes as HTTP-FLV', async () => {
    const { httpPort, rtmpPort } = await serveStream('hardened', 'live.flv');
    const probe = async (url: string) => {
      const args = [
        '-v',
        'error',
        '-analyzeduration',
        '500000',
        '-show_entries',
        'stream=codec_name,width,height',
        '-of',
        'csv=p=0',
        url,
      ];
      return (await run('ffprobe', args)).stdout.trim().split('\n').sort();
    };
    expect(await probe(`http://127.0.0.1:${httpPort}/live/x.flv`)).toEqual(['aac', 'h264,320,180']);
    expect(await probe(`rtmp://127.0.0.1:${rtmpPort}/live/x`)).toEqual(['aac', 'h264,320,180']);
    const ws = new FlvViewer(`ws://127.0.0.1:${httpPort}/live/x.flv`);
    cleanUp.push(ws.end);
    await until('media came', () => ws.media.length > 60);
    // The file header, and then one tag in each message: scripts count on it.
    expect(ws.messages - ws.tags.length).toBe(1);
    const http = await view(`http://127.0.0.1:${httpPort}/live/x.flv`);
    expect(http.tags.slice(0, 3)).toEqual(ws.tags.slice(0, 3));
  });

  it('an HTTP/1.0 client gets the bare file, without chunks', async () => {
    const { httpPort } = await serveStream('hardened', 'live.flv', {}, ['-readrate', '4']);
    const viewer = new RawSocket(httpPort).send('GET /live/x.flv HTTP/1.0\r\n\r\n');
    // More than the cached pictures: what is written past the response object is what counts.
    await until('media came', () => viewer.bytesReceived > 70_000);
    viewer.end();
    expect(viewer.text).not.toContain('Transfer-Encoding');
    let tags = 0;
    const reader = new FlvReader({ head: () => {}, end: () => tags++ });
    reader.push(viewer.bytes.subarray(viewer.bytes.indexOf('\r\n\r\n') + 4));
    expect(tags).toBeGreaterThan(50);
  });

  it('HEAD and OPTIONS answer without a body, POST of nothing publishes nothing', async () => {
    const { httpPort } = await serveStream('hardened', 'live.flv');
    const head = request(httpPort, '/live/x.flv', 'HEAD');
    expect(await statusOf(head)).toBe(200);
    await until('the connection was closed', () => head.closed);
    expect(head.text).toContain('Content-Type: video/x-flv');
    expect(head.text.endsWith('\r\n\r\n')).toBe(true);
    const options = request(httpPort, '/live/x.flv', 'OPTIONS');
    expect(await statusOf(options)).toBe(204);
    expect(options.text).toContain('Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS');
    options.end();
  });

  it('without the GOP cache the first picture is the next key frame', async () => {
    const { httpPort } = await serveStream('hardened', 'live.flv', { gopCache: false });
    const url = `http://127.0.0.1:${httpPort}/live/x.flv`;
    const before = await view(url);
    const pictures = (viewer: FlvViewer) => viewer.media.filter(({ type }) => type === 9);
    const isKey = (tag: SeenTag | undefined) => tag?.head.charCodeAt(0) === 0x17;
    await until('a key frame and some after it came', () => {
      const last = pictures(before).slice(-4);
      return isKey(last[0]) && last.length === 4;
    });
    const viewer = await view(url);
    expect(isKey(pictures(viewer)[0])).toBe(false);
    expect(viewer.tags.slice(0, 3).map(({ type }) => type)).toEqual([18, 8, 9]);
  });
});
