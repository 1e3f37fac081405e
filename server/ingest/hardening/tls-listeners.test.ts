/** RTMPS, HTTPS-FLV and WSS-FLV: what holds on the plain ports holds on these. */
import { once } from 'node:events';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { builtEntry } from '../../../tests/kit/built-entry.ts';
import { makeDevelopmentCertificate } from '../../gate/development-certificate.ts';
import { signUrl } from '../../gate/sign.ts';
import { publish, startTool, until } from '../fixtures/test-peers.ts';
import { fixture } from '../fixtures/test-servers.ts';
import { type IngestHandle, type IngestOptions, startIngest } from '../supervisor.ts';

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const makeMaterial = () =>
  makeDevelopmentCertificate(['localhost', '127.0.0.1'], Date.now(), new Uint8Array(16));
const material = makeMaterial();
const { cert: ca } = material;

async function serve(options: Partial<IngestOptions> = {}): Promise<IngestHandle> {
  const ingest = await startIngest({
    entry: builtEntry('server/ingest/process'),
    tls: material,
    rtmpsPort: 0,
    httpsPort: 0,
    ...options,
  });
  cleanUp.push(() => ingest.stop());
  return ingest;
}

async function serveLive(options: Partial<IngestOptions> = {}, query = ''): Promise<IngestHandle> {
  const ingest = await serve(options);
  const publisher = publish(fixture('live.flv'), `${ingest.rtmpsUrl}/live/x${query}`);
  cleanUp.push(() => publisher.end());
  await until('the stream was published', async () => (await ingest.stats()).streams.length > 0);
  return ingest;
}

const portOf = (url: string | null) => Number(new URL(url ?? '').port);

/** A GET whose answer is looked at byte by byte; the certificate is checked. */
async function get(ingest: IngestHandle, target: string, headers: Record<string, string> = {}) {
  const seen = { status: 0, type: '', bytes: 0, head: '', complete: null as boolean | null };
  const request = https.get(`${ingest.httpsUrl}${target}`, { ca, agent: false, headers });
  request.on('error', () => {});
  cleanUp.push(() => void request.destroy());
  const [response] = await once(request, 'response');
  seen.status = response.statusCode;
  seen.type = response.headers['content-type'];
  response.on('data', (bytes: Buffer) => {
    if (seen.bytes === 0) seen.head = bytes.toString('latin1', 0, 3);
    seen.bytes += bytes.length;
  });
  response.on('error', () => {});
  response.on('close', () => {
    seen.complete = response.complete;
  });
  return seen;
}

function webSocket(ingest: IngestHandle, target: string) {
  const seen = { messages: 0, status: 0, code: 0 };
  const socket = new WebSocket(`${ingest.httpsUrl?.replace('https', 'wss')}${target}`, { ca });
  cleanUp.push(() => socket.terminate());
  socket.on('message', () => seen.messages++);
  socket.on('unexpected-response', (_, { statusCode }) => {
    seen.status = statusCode ?? 0;
  });
  socket.on('close', (code) => {
    seen.code = code;
  });
  socket.on('error', () => {});
  return seen;
}

it('ffmpeg publishes over RTMPS; HTTPS, WSS and RTMPS play it, and end with it', async () => {
  const ingest = await serveLive();
  const http = await get(ingest, '/live/x.flv');
  const ws = webSocket(ingest, '/live/x.flv');
  await until('media came over HTTPS and WSS', () => http.bytes > 50_000 && ws.messages > 20);
  expect([http.status, http.type, http.head]).toEqual([200, 'video/x-flv', 'FLV']);
  const probe = startTool(
    'ffmpeg',
    '-v',
    'error',
    '-i',
    `${ingest.rtmpsUrl}/live/x`,
    '-t',
    '1',
    '-f',
    'null',
    '-',
  );
  cleanUp.push(() => probe.end());
  expect([await probe.ended, probe.stderr()]).toEqual([0, '']);
  expect((await get(ingest, '/healthz')).status).toBe(200);
  await ingest.stop();
  await until('they ended', () => http.complete !== null && ws.code !== 0);
  expect([http.complete, ws.code]).toEqual([true, 1001]);
});

it('the gates stand in front of them: names, signatures, pages, limits', async () => {
  const secret = 'a secret of the tests';
  const signed = (target: string) =>
    signUrl(`x://x${target}`, secret, Date.now() / 1_000 + 60).slice('x://x'.length);
  const ingest = await serveLive(
    {
      publishSecret: secret,
      playSecret: secret,
      allowedOrigins: ['tv.test'],
      limits: { viewersPerAddress: 1 },
    },
    signed('/live/x').slice('/live/x'.length),
  );
  expect((await get(ingest, '/live/bad.name.flv')).status).toBe(400);
  expect((await get(ingest, '/live/x.flv')).status).toBe(401);
  expect((await get(ingest, signed('/live/nobody.flv'))).status).toBe(404);
  expect((await get(ingest, signed('/live/x.flv'), { origin: 'https://evil.test' })).status).toBe(403);
  expect((await get(ingest, signed('/live/x.flv'))).status).toBe(200);
  const second = webSocket(ingest, signed('/live/x.flv'));
  await until('the second was turned away', () => second.status !== 0);
  expect(second.status).toBe(429);
  const intruder = publish(fixture('live.flv'), `${ingest.rtmpsUrl}/live/y`);
  cleanUp.push(() => intruder.end());
  expect(await intruder.ended).not.toBe(0);
  expect(intruder.stderr()).toContain('a signed URL');
});

it('who does not shake hands, or speaks something else, is closed in time', async () => {
  const ingest = await serve({ requestTimeoutMs: 1_000 });
  const ports = [portOf(ingest.rtmpsUrl), portOf(ingest.httpsUrl)];
  const sockets = ports.flatMap((port) => [
    net.connect(port, '127.0.0.1'),
    net.connect(port, '127.0.0.1').on('connect', function (this: net.Socket) {
      this.write('GET / HTTP/1.1\r\n\r\n');
    }),
    // Shakes hands, and says nothing more.
    tls.connect({ port, host: '127.0.0.1', ca, servername: 'localhost' }),
  ]);
  let closed = 0;
  for (const socket of sockets)
    socket
      .on('error', () => {})
      .on('close', () => closed++)
      .resume();
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  await until('all were closed', () => closed === sockets.length, 6_000);
  const { refused, connections } = await ingest.stats();
  expect([refused['bad-tls'], connections]).toEqual([4, 0]);
  expect((await get(ingest, '/healthz')).status).toBe(200);
});

it('a viewer that does not read is evicted, and one that reads is not', async () => {
  const ingest = await serve({ maxViewerBacklogBytes: 1_000_000 });
  const publisher = publish(fixture('live.flv'), `${ingest.rtmpsUrl}/live/x`, ['-readrate', '60']);
  cleanUp.push(() => publisher.end());
  await until('the stream was published', async () => (await ingest.stats()).streams.length > 0);
  const sleeper = tls.connect({
    port: portOf(ingest.httpsUrl),
    host: '127.0.0.1',
    ca,
    servername: 'localhost',
  });
  sleeper.on('error', () => {});
  cleanUp.push(() => void sleeper.destroy());
  await once(sleeper, 'secureConnect');
  sleeper.pause();
  sleeper.write('GET /live/x.flv HTTP/1.1\r\nHost: x\r\n\r\n');
  const reader = await get(ingest, '/live/x.flv');
  await until('the sleeper was evicted', async () => (await ingest.stats()).evictedViewers > 0, 15_000);
  expect([reader.complete, (await ingest.stats()).viewers]).toEqual([null, 1]);
});

it('another certificate is for connections from then on, also after a restart', async () => {
  const ingest = await serve({ random: () => 0 });
  const renewed = makeMaterial();
  const subject = async (trusted: string) => {
    const socket = tls.connect({
      port: portOf(ingest.rtmpsUrl),
      host: '127.0.0.1',
      ca: trusted,
      servername: 'localhost',
    });
    cleanUp.push(() => void socket.destroy());
    return new Promise<string>((resolve) => {
      socket.on('secureConnect', () => resolve('trusted'));
      socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'error'));
    });
  };
  expect(await subject(ca)).toBe('trusted');
  ingest.renewTls(renewed);
  await until('the new one is shown', async () => (await subject(renewed.cert)) === 'trusted');
  expect(await subject(ca)).not.toBe('trusted');
  const { pid } = ingest;
  if (pid !== null) process.kill(pid, 'SIGKILL');
  await until('it is back', () => ingest.pid !== null && ingest.pid !== pid);
  await until('the new one is shown again', async () => (await subject(renewed.cert)) === 'trusted');
});
