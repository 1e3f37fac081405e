import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { builtEntry } from '../../../tests/kit/built-entry.ts';
import { FlvViewer } from '../fixtures/flv-viewer.ts';
import { request, startTool, until } from '../fixtures/test-peers.ts';
import { fixture, startServer, type TestServer } from '../fixtures/test-servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer('hardened', builtEntry('server/ingest/process'), { publishGraceMs: 20_000 });
});
afterAll(() => server.dispose());

const streamOf = async (name: string) =>
  (await server.stats()).streams.find((stream) => stream.name === name);

it('ffmpeg publishes by POST, and its end is the end of its viewers', async () => {
  const url = `http://127.0.0.1:${server.httpPort}/live/post.flv`;
  const input = ['-re', '-stream_loop', '-1', '-i', fixture('live.flv'), '-c', 'copy'];
  const publisher = startTool('ffmpeg', '-v', 'error', ...input, '-f', 'flv', '-method', 'POST', url);
  await until('the stream has media', async () => (await streamOf('live/post'))?.audioCodec === 'aac');
  const viewer = new FlvViewer(url);
  await until('media came', () => viewer.media.length > 20);
  expect(viewer.tags[0]?.head).toContain('onMetaData');
  expect(await streamOf('live/post')).toMatchObject({
    state: 'publishing',
    videoCodec: 'h264',
    width: 320,
    height: 180,
    fps: 25,
    viewers: 1,
    publisher: { transport: 'http-flv' },
  });
  // ffmpeg ends its request properly: a goodbye, which is not waited on.
  await publisher.end('SIGTERM');
  await until('the viewer was ended', () => viewer.ended === 'complete', 1_000);
});

it('a WebSocket with the subprotocol "publisher" publishes', async () => {
  const url = `ws://127.0.0.1:${server.httpPort}/live/ws.flv`;
  const publisher = new WebSocket(url, 'publisher');
  publisher.on('open', () => publisher.send(readFileSync(fixture('live.flv'))));
  await until('the stream has media', async () => (await streamOf('live/ws'))?.videoCodec === 'h264');
  const viewer = new FlvViewer(url);
  await until('the last GOP came', () => viewer.media.length > 20);
  viewer.end();
  publisher.terminate();
});

it('a publisher whose bytes are not FLV is cut, and nothing else is', async () => {
  const garbage = 'x'.repeat(1_000);
  const bad = request(server.httpPort, '/live/bad.flv', 'POST', ['Content-Length: 100000']).send(garbage);
  await until('the publisher was cut', () => bad.closed);
  // A tag that names 16 MiB is refused before there is memory for it.
  const header = Buffer.from('464c5601050000000900000000' + '09ffffff00000000000000' + '17', 'hex');
  const large = request(server.httpPort, '/live/large.flv', 'POST', ['Content-Length: 20000000']).send(
    header,
  );
  await until('the publisher was cut', () => large.closed);
  expect((await server.stats()).brokenConnections).toBe(2);
  expect(server.alive()).toBe(true);
});

it('a publisher that asks whether it may is told so before it sends: 100, or the refusal and no 100', async () => {
  const ask = (path: string) =>
    request(server.httpPort, path, 'POST', ['Transfer-Encoding: chunked', 'Expect: 100-continue']);
  const first = ask('/live/asked.flv');
  await until('it was told to go on', () => first.text.startsWith('HTTP/1.1 100 Continue'));
  const header = Buffer.from('464c5601050000000900000000', 'hex');
  first
    .send(`${header.length.toString(16)}\r\n`)
    .send(header)
    .send('\r\n');
  await until('it is published', async () => (await streamOf('live/asked'))?.state === 'publishing');
  const second = ask('/live/asked.flv');
  await until('it was refused', () => second.closed);
  expect(second.text).toMatch(/^HTTP\/1\.1 409 Conflict\r\n/);
  const bad = ask('/live/a.b.flv');
  await until('it was refused', () => bad.closed);
  expect(bad.text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(first.closed).toBe(false);
  first.end();
});
