import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { builtEntry } from '../tests/kit/built-entry.ts';
import { makeDevelopmentCertificate } from './gate/development-certificate.ts';
import { signUrl } from './gate/sign.ts';
import { FlvViewer } from './ingest/fixtures/flv-viewer.ts';
import { publish, request, statusOf, until } from './ingest/fixtures/test-peers.ts';
import { fixture } from './ingest/fixtures/test-servers.ts';
import { startReferenceStack } from './reference-stack.ts';

const entries = { ingest: builtEntry('server/ingest/process') };
const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

it('publishes, serves and stops as one, with a signature where a secret says so', async () => {
  const playSecret = 'only for the test';
  const events: string[] = [];
  const stack = await startReferenceStack({
    entries,
    config: { ingest: { rtmpPort: 0, httpPort: 0 }, gate: { playSecret } },
    streamEvent: ({ kind, stream }) => events.push(`${kind} ${stream}`),
  });
  cleanUp.push(() => stack.stop());
  expect(stack.pids).toHaveLength(1);
  const publisher = publish(fixture('live.flv'), `${stack.rtmpUrl}/live/x`);
  cleanUp.push(() => publisher.end());
  await until('the stream was published', () => events.length > 0);
  const url = `${stack.httpUrl}/live/x.flv`;
  expect(await statusOf(request(Number(new URL(stack.httpUrl).port), '/live/x.flv'))).toBe(401);
  const viewer = new FlvViewer(signUrl(url, playSecret, Date.now() / 1_000 + 10));
  await until('media came', () => viewer.media.length > 10);
  expect(await stack.stats()).toMatchObject({
    viewers: 1,
    streams: [{ name: 'live/x', videoCodec: 'h264', viewers: 1 }],
  });
  await stack.stop();
  expect([viewer.ended, stack.pids]).toEqual(['complete', []]);
});

it('listens with TLS where that is asked for, and takes a renewed certificate without a restart', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'stack-tls-'));
  cleanUp.push(async () => rmSync(folder, { recursive: true }));
  const tlsFiles = { key: path.join(folder, 'key.pem'), cert: path.join(folder, 'cert.pem') };
  const renew = () => {
    const { key, cert } = makeDevelopmentCertificate(['localhost'], Date.now(), randomBytes(16));
    writeFileSync(tlsFiles.key, key);
    writeFileSync(tlsFiles.cert, cert);
    return cert;
  };
  const first = renew();
  const stack = await startReferenceStack({
    entries,
    config: { tls: tlsFiles, ingest: { rtmpPort: 0, httpPort: 0, rtmpsPort: 0, httpsPort: 0 } },
  });
  cleanUp.push(() => stack.stop());
  const healthBy = (ca: string) =>
    new Promise<number | string>((resolve) => {
      https
        .get(
          `${stack.httpsUrl?.replace('127.0.0.1', 'localhost')}/healthz`,
          { ca, agent: false, family: 4 },
          (response) => resolve(response.resume().statusCode ?? 0),
        )
        .on('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'error'));
    });
  expect(stack.rtmpsUrl).toMatch(/^rtmps:\/\/127\.0\.0\.1:\d+$/);
  expect(await healthBy(first)).toBe(200);
  const { pids } = stack;
  writeFileSync(tlsFiles.key, 'half of a');
  await expect(stack.renewTls()).rejects.toThrow('cannot be used');
  expect([await healthBy(first), stack.certificate]).toEqual([200, first]);
  const second = renew();
  await stack.renewTls();
  await until('the new one is shown', async () => (await healthBy(second)) === 200);
  expect([(await healthBy(first)) === 200, stack.certificate, stack.pids]).toEqual([false, second, pids]);
});

it('refuses a configuration that cannot be, before it starts anything', async () => {
  const config = { ingest: { rtmpPort: -1 } };
  await expect(startReferenceStack({ entries, config })).rejects.toThrow('rtmpPort');
});
