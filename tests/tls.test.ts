/**
 * Ways to a server other than plain IPv4: TLS (RTMPS, HTTPS-FLV), IPv6, and addresses with user and password, as a
 * user starts the product. TLS is terminated in front of the reference server, as it is in front of most servers.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { type IngestHandle, startIngest } from '../server/ingest/supervisor.ts';
import { builtEntry, repositoryRoot } from './kit/built-entry.ts';
import { loopbackCertificate } from './kit/certificate.ts';
import { type CliOptions, type CliResult, runCli, startCli, summaryOf, valuesOf } from './kit/cli.ts';
import { startForwarder } from './kit/forwarder.ts';
import { freePort } from './kit/free-port.ts';
import { startTruthServer } from './kit/truth-server.ts';

const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
const hasIpv6 = addresses.some(({ address }) => address === '::1');
if (!hasIpv6) process.stderr.write('\nSKIPPED: IPv6 because this machine has no address ::1\n');

let folder: string;
let server: IngestHandle;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-tls-'));
  server = await startIngest({ entry: builtEntry('server/ingest/process') });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

type OnFinished = TestContext['onTestFinished'];

let runs = 0;
const newFolder = (): string => path.join(folder, `run-${++runs}`);
const watch = (args: readonly string[], options?: CliOptions): Promise<CliResult> =>
  runCli(['watch', ...args, '--json', '--no-reconnect', '--out', newFolder()], options);

async function publish(onTestFinished: OnFinished, url: string, ...args: string[]): Promise<void> {
  const publisher = startCli(['publish', url, '--source', 'recording', '--gop', '1s', ...args, '--json']);
  onTestFinished(() => publisher.stop());
  await publisher.sees(/"event":"up"/);
}

/** Where the reference server is reached over RTMP and HTTP behind forwarders. */
async function reachable(
  onTestFinished: OnFinished,
  options: { host?: string; certificate?: ReturnType<typeof loopbackCertificate> } = {},
): Promise<{ rtmp: number; http: number }> {
  const rtmp = await startForwarder({ port: server.rtmpPort, ...options });
  onTestFinished(() => rtmp.stop());
  const web = await startForwarder({ port: server.httpPort, ...options });
  onTestFinished(() => web.stop());
  return { rtmp: rtmp.port, http: web.port };
}

function expectPlayed(result: CliResult, sessions: number): void {
  const summary = summaryOf(result);
  expect(summary.errors, result.stderr).toEqual([]);
  expect(valuesOf(summary, 'sessions_playing')).toMatchObject({ count: sessions });
  expect(valuesOf(summary, 'frames_missing')).toMatchObject({ num: 0 });
  // 96: this machine was too busy to measure.
  expect([0, 96]).toContain(result.code);
}

function expectOneSentence(text: string, of: RegExp): void {
  expect(text.trim()).toMatch(of);
  expect(text).not.toMatch(/\n\s+at .*:\d+|undefined|\[object Object\]/);
}

describe('TLS', () => {
  const certificate = loopbackCertificate();
  /** As an administrator who trusts it does. */
  const trusting = {
    env: { NODE_EXTRA_CA_CERTS: path.join(repositoryRoot(), 'tests/kit/fixtures/loopback.cert.pem') },
  };

  it.concurrent('--insecure publishes over RTMPS and plays over RTMPS and HTTPS', async ({
    onTestFinished,
  }) => {
    const ports = await reachable(onTestFinished, { certificate });
    const rtmps = `rtmps://127.0.0.1:${ports.rtmp}/live/secure`;
    const https = `https://127.0.0.1:${ports.http}/live/secure.flv`;
    await publish(onTestFinished, rtmps, '--insecure');
    const [watched, probed] = await Promise.all([
      watch([rtmps, https, '--viewers', '4', '--duration', '5s', '--insecure']),
      runCli(['probe', rtmps, https, '--for', '3s', '--insecure', '--json']),
    ]);
    expectPlayed(watched, 4);
    for (const protocol of ['rtmp', 'http-flv'])
      expect(valuesOf(summaryOf(watched), 'sessions_playing', { protocol })).toMatchObject({ count: 2 });
    for (const { facts } of JSON.parse(probed.stdout))
      expect(facts).toMatchObject({ videoCodec: 'h264', audioCodec: 'aac' });
  });

  it.concurrent('a scenario with insecureSkipTLSVerify publishes and plays over TLS', async ({
    onTestFinished,
  }) => {
    const ports = await reachable(onTestFinished, { certificate });
    const file = path.join(folder, 'tls.yaml');
    await writeFile(
      file,
      `name: tls
target: { rtmp: "rtmps://127.0.0.1:${ports.rtmp}", http: "https://127.0.0.1:${ports.http}" }
publishers: [ { stream: live/scenario, source: recording, gop: 1s } ]
viewers:
  - { name: a, protocol: rtmp, stream: live/scenario, executor: constant-viewers, viewers: 2, duration: 5s }
  - { name: b, protocol: http-flv, stream: live/scenario, executor: constant-viewers, viewers: 2, duration: 5s }
options: { insecureSkipTLSVerify: true }
`,
    );
    expectPlayed(await runCli(['run', file, '--json', '--out', newFolder()]), 4);
  });

  it.concurrent('a certificate that is trusted needs no flag, by name and by address', async ({
    onTestFinished,
  }) => {
    const ports = await reachable(onTestFinished, { certificate });
    await publish(onTestFinished, `${server.rtmpUrl}/live/trusted`);
    const urls = [
      `https://localhost:${ports.http}/live/trusted.flv`,
      `https://127.0.0.1:${ports.http}/live/trusted.flv`,
      `rtmps://localhost:${ports.rtmp}/live/trusted`,
    ];
    expectPlayed(await watch([...urls, '--duration', '4s'], trusting), 3);
  });

  it.concurrent('a certificate that is not trusted is refused at once, with the reason and one sentence', async ({
    onTestFinished,
  }) => {
    const ports = await reachable(onTestFinished, { certificate });
    const rtmps = `rtmps://127.0.0.1:${ports.rtmp}/live/a`;
    const https = `https://127.0.0.1:${ports.http}/live/a.flv`;
    const [viaRtmps, viaHttps, published, probed] = await Promise.all([
      watch([rtmps, '--duration', '20s']),
      watch([https, '--duration', '20s']),
      runCli(['publish', rtmps, '--source', 'recording'], { timeoutMs: 20_000 }),
      runCli(['probe', https, '--json']),
    ]);
    for (const [result, port] of [
      [viaRtmps, ports.rtmp],
      [viaHttps, ports.http],
    ] as const) {
      const { errors } = summaryOf(result);
      expect(errors).toEqual([{ code: 'tls', count: 1, example: expect.any(String) }]);
      expectOneSentence(
        errors[0]!.example,
        new RegExp(`^TLS with 127\\.0\\.0\\.1:${port} failed: its certificate is self-signed.*$`),
      );
    }
    expect([published.code, published.stdout]).toEqual([1, '']);
    expectOneSentence(published.stderr, /^.*TLS with .* failed: its certificate is self-signed.*$/);
    expect(JSON.parse(probed.stdout)[0].outcome).toMatchObject({ result: 'failed', reason: 'tls' });
  });

  const refusedFor = async (result: Promise<CliResult>, why: RegExp): Promise<void> => {
    const { errors } = summaryOf(await result);
    expect(errors).toEqual([{ code: 'tls', count: 1, example: expect.stringMatching(why) }]);
    expectOneSentence(errors[0]!.example, /^.*$/);
  };

  // The whole of 127/8 is this machine, where the kernel is Linux.
  it.skipIf(process.platform !== 'linux').concurrent(
    'a certificate for another name is refused although it is trusted',
    async ({ onTestFinished }) => {
      const ports = await reachable(onTestFinished, { certificate, host: '127.0.0.2' });
      const result = watch([`https://127.0.0.2:${ports.http}/live/a.flv`, '--duration', '20s'], trusting);
      await refusedFor(result, /^TLS with 127\.0\.0\.2:.*certificate is for another name/);
    },
  );

  it.concurrent('a port that speaks no TLS', async () => {
    const result = watch([
      ...[`rtmps://127.0.0.1:${server.httpPort}/live/a`, '--duration', '20s', '--insecure'],
    ]);
    await refusedFor(result, /^TLS with .* failed: .*check .* that this port speaks TLS$/);
  });
});

it.skipIf(!hasIpv6)('IPv6: publisher, viewers and probe at [::1]', async ({ onTestFinished }) => {
  const ports = await reachable(onTestFinished, { host: '::1' });
  const rtmp = `rtmp://[::1]:${ports.rtmp}/live/six`;
  const flv = `http://[::1]:${ports.http}/live/six.flv`;
  await publish(onTestFinished, rtmp);
  const [watched, probed, closed] = await Promise.all([
    watch([rtmp, flv, '--viewers', '4', '--duration', '5s']),
    runCli(['probe', rtmp, flv, '--for', '3s', '--json']),
    watch([`http://[::1]:1/live/six.flv`, '--duration', '5s']),
  ]);
  expectPlayed(watched, 4);
  expect(summaryOf(watched).run.target).toBe(`${rtmp} ${flv}`);
  for (const { facts } of JSON.parse(probed.stdout)) expect(facts).toMatchObject({ videoCodec: 'h264' });
  expect(summaryOf(closed).errors).toEqual([
    { code: 'refused', count: 1, example: expect.stringMatching(/^\[::1\]:1 refused the connection/) },
  ]);
});

describe('user and password in an address', () => {
  // As in an address, and as they are meant.
  const credentials = 'anna:hush-%40%2Fhush';
  const authorization = `Basic ${Buffer.from('anna:hush-@/hush').toString('base64')}`;
  const secrets = ['hush', authorization.slice('Basic '.length)];

  /** A live stream for those who know the password. */
  async function startGuarded(onTestFinished: OnFinished) {
    const truth = await startTruthServer({ fps: 25, gopFrames: 25, frameBytes: 1_000 });
    onTestFinished(() => truth.stop());
    const seen: (string | undefined)[] = [];
    const web = http.createServer((request, response) => {
      seen.push(request.headers.authorization);
      if (request.headers.authorization !== authorization) {
        response.writeHead(401, { 'www-authenticate': 'Basic', 'content-length': '0' }).end();
        return;
      }
      const upstream = http.get({ port: truth.httpPort, path: request.url }, (answer) => {
        response.writeHead(200, { 'content-type': 'video/x-flv' });
        answer.pipe(response);
      });
      upstream.on('error', () => response.destroy());
      response.on('close', () => upstream.destroy());
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      web.close();
      web.closeAllConnections();
    });
    return { port: (web.address() as AddressInfo).port, seen };
  }

  /** Neither what was printed nor any file of the run has a secret in it. */
  async function expectDiscreet({ stdout, stderr }: CliResult, runFolder?: string): Promise<void> {
    const texts = [Buffer.from(stdout), Buffer.from(stderr)];
    const files = runFolder === undefined ? [] : await readdir(runFolder);
    for (const name of files) texts.push(await readFile(path.join(runFolder as string, name)));
    for (const text of texts) for (const secret of secrets) expect(text.includes(secret)).toBe(false);
    if (runFolder !== undefined) expect(files.length).toBeGreaterThan(4);
  }

  it.concurrent('are sent as Basic authentication, and stand in no output and no report', async ({
    onTestFinished,
  }) => {
    const { port, seen } = await startGuarded(onTestFinished);
    const url = `http://${credentials}@127.0.0.1:${port}/live/known.flv`;
    const [asJson, asText] = [newFolder(), newFolder()];
    const [json, text, probed, probedText] = await Promise.all([
      runCli(['watch', url, '--duration', '4s', '--json', '--out', asJson]),
      runCli(['watch', `${url}?sign=hush`, '--duration', '4s', '--out', asText]),
      runCli(['probe', url, '--for', '2s', '--json']),
      runCli(['probe', url, '--for', '2s']),
    ]);
    expectPlayed(json, 1);
    expect(text.stdout).toMatch(/PASS|INCONCLUSIVE/i);
    expect(new Set(seen)).toEqual(new Set([authorization]));
    expect(JSON.parse(probed.stdout)[0]).toMatchObject({
      url: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${port}/live/known\\.flv$`)),
      outcome: { phase: 'after-first-frame' },
    });
    await expectDiscreet(json, asJson);
    await expectDiscreet(text, asText);
    for (const result of [probed, probedText]) await expectDiscreet(result);
  });

  it.concurrent('that are wrong end in the reason auth, and stand in no output either', async ({
    onTestFinished,
  }) => {
    const { port, seen } = await startGuarded(onTestFinished);
    const out = newFolder();
    const url = `http://anna:hush-hush@127.0.0.1:${port}/live/known.flv`;
    const refused = await runCli(['watch', url, '--duration', '20s', '--json', '--out', out]);
    expect(seen).toEqual([`Basic ${Buffer.from('anna:hush-hush').toString('base64')}`]);
    expect(summaryOf(refused).errors).toEqual([
      { code: 'auth', count: 1, example: expect.stringContaining('check user and password') },
    ]);
    await expectDiscreet(refused, out);
  });

  it.concurrent('stay unsaid when the address cannot be used', async () => {
    const port = await freePort();
    const results = await Promise.all([
      runCli(['publish', `http://${credentials}@host/live/a`]),
      runCli(['publish', `rtmp://${credentials}@127.0.0.1/live/a`, '--streams', '2']),
      runCli(['watch', `http://${credentials}@host/live/a.mp4`]),
      runCli(['probe', `gopher://${credentials}@host/live/a`]),
      runCli(['watch', `rtmp://${credentials}@127.0.0.1:${port}/live/a?sign=hush`, '--duration', '2s'], {
        cwd: folder,
      }),
    ]);
    expect(results.map(({ code }) => code)).toEqual([2, 2, 2, 2, 95]);
    for (const result of results) await expectDiscreet(result);
  });

  it.concurrent('of a publisher stand in no output', async ({ onTestFinished }) => {
    const publisher = startCli([
      ...['publish', `rtmp://${credentials}@127.0.0.1:${server.rtmpPort}/live/guarded`],
      ...['--source', 'recording', '--duration', '2s'],
    ]);
    onTestFinished(() => publisher.stop());
    const result = await publisher.done;
    expect(result.stderr).toContain(`127.0.0.1:${server.rtmpPort}/live/guarded`);
    expect(result.code).toBe(0);
    await expectDiscreet(result);
  });
});
