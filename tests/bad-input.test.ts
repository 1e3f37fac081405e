/**
 * What goes wrong in a user's hands: each gives one clear sentence, the right reason and exit code, and neither a
 * hang nor a stack trace.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net, { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flvHeader, flvTag } from '../core/flv/writer.ts';
import { TAG_VIDEO } from '../core/media.ts';
import { type CliResult, runCli, summaryOf } from './kit/cli.ts';
import { freePort } from './kit/free-port.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-bad-input-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A server that does `serve` with each connection, and closes it all when the test is over. */
async function badServer(
  serve: (socket: Socket) => void,
  onTestFinished: (close: () => void) => void,
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const answering = (bytes: string | Uint8Array, then?: (socket: Socket) => void) => (socket: Socket) => {
  socket.once('data', () => {
    socket.write(bytes);
    then?.(socket);
  });
};
const httpAnswer = (status: string) =>
  answering(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`, (s) => s.end());

const flvAnswer = (...tags: Uint8Array[]) =>
  Buffer.concat([
    Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n'),
    flvHeader(false, true),
    ...tags,
  ]);
const inter = (timestampMs: number) =>
  flvTag({ type: TAG_VIDEO, timestampMs, body: Uint8Array.of(0x27, 1, 0, 0, 0, 0, 0, 0, 1, 0x41) });

function expectOneSentence(text: string): void {
  expect(text).not.toMatch(/\n\s+at .*:\d+/);
  expect(text).not.toMatch(/undefined|\[object Object\]|NaN/);
}

const watch = (url: string, ...args: string[]): Promise<CliResult> =>
  runCli([
    'watch',
    url,
    '--json',
    '--no-reconnect',
    '--out',
    path.join(folder, `run-${Math.random()}`),
    ...args,
  ]);

const flvUrl = (port: number) => `http://127.0.0.1:${port}/live/a.flv`;
const rtmpUrl = (port: number) => `rtmp://127.0.0.1:${port}/live/a`;

describe('a server that cannot be watched', () => {
  const silent = () => {};
  const garbage = (socket: Socket) => socket.write(Buffer.alloc(5_000, '\x07garbage'));
  const rows: [
    string,
    (port: number) => string,
    ((socket: Socket) => void) | null,
    string,
    number,
    string,
  ][] = [
    ['a closed port (HTTP-FLV)', flvUrl, null, 'refused', 95, '5s'],
    ['a closed port (RTMP)', rtmpUrl, null, 'refused', 95, '5s'],
    ['accepts and says nothing (HTTP-FLV)', flvUrl, silent, 'first-byte-timeout', 95, '20s'],
    ['accepts and says nothing (RTMP)', rtmpUrl, silent, 'first-byte-timeout', 95, '20s'],
    ['garbage instead of HTTP', flvUrl, garbage, 'bad-response', 99, '5s'],
    ['garbage instead of RTMP', rtmpUrl, garbage, 'bad-response', 99, '5s'],
    ['HTTP 404', flvUrl, httpAnswer('404 Not Found'), 'not-found', 99, '5s'],
    ['HTTP 403', flvUrl, httpAnswer('403 Forbidden'), 'auth', 99, '5s'],
    ['HTTP 500', flvUrl, httpAnswer('500 Oops'), 'http-5xx', 99, '5s'],
    [
      'a stream with no key frame',
      flvUrl,
      answering(flvAnswer(), (socket) => {
        let frame = 0;
        const timer = setInterval(() => {
          frame += 1;
          socket.write(inter(frame * 40));
        }, 40);
        socket.on('close', () => clearInterval(timer));
      }),
      'no-key-frame',
      99,
      '20s',
    ],
    [
      'an FLV that is cut off in its first tag',
      flvUrl,
      answering(flvAnswer(inter(0).subarray(0, 14)), (s) => s.end()),
      'no-media',
      99,
      '5s',
    ],
    [
      'an FLV that is garbage after its header',
      flvUrl,
      answering(flvAnswer(Buffer.alloc(4_000, 0xff))),
      'bad-media',
      99,
      '5s',
    ],
  ];

  it.concurrent.for(rows)(
    '%s',
    async ([_what, urlOf, serve, reason, exitCode, duration], { expect, onTestFinished }) => {
      const port = serve === null ? await freePort() : await badServer(serve, onTestFinished);
      const result = await watch(urlOf(port), '--duration', duration);
      const summary = summaryOf(result);
      // Several command lines at once may keep a small machine busy: then a run of seconds says so, and that is right.
      const judged = exitCode === 99 && !summary.generator.valid ? 96 : exitCode;
      expect({
        code: result.code,
        exitCode: summary.exitCode,
        errors: summary.errors.map(({ code, count }) => [code, count]),
      }).toEqual({
        code: judged,
        exitCode: judged,
        errors: [[reason, 1]],
      });
      // One sentence: what, where and the remedy.
      expect(summary.errors[0]?.example).toContain(`127.0.0.1:${port}`);
      expectOneSentence(result.stderr + summary.errors[0]?.example);
    },
  );
});

describe('a command that makes no sense', () => {
  it.each<[string, string[], number, RegExp]>([
    ['a URL of no protocol', ['watch', 'gopher://host/live/a'], 2, /gopher:\/\/host\/live\/a.*expected rtmp/],
    [
      'a probe of HLS',
      ['probe', 'http://127.0.0.1:1/live/a.m3u8'],
      2,
      /cannot look into HLS.*streamgauge watch/,
    ],
    ['no URL', ['watch'], 2, /url|streamgauge watch/i],
    ['an unknown flag', ['watch', 'rtmp://127.0.0.1/live/a', '--viewer', '5'], 2, /viewer/],
    ['an unknown command', ['wacth'], 2, /wacth/],
    ['a bad duration', ['watch', 'rtmp://127.0.0.1/live/a', '--duration', '5 parsecs'], 2, /parsecs/],
    [
      'a bad threshold',
      ['watch', 'rtmp://127.0.0.1/live/a', '--threshold', 'first_fram_ms:p(95)<1'],
      2,
      /first_frame_ms/,
    ],
    ['a player that does not exist', ['watch', 'rtmp://127.0.0.1/live/a', '--player', 'vlc'], 2, /vlc/],
    ['an RTMP URL without a stream', ['publish', 'rtmp://127.0.0.1/'], 2, /rtmp:\/\/127\.0\.0\.1\//],
    [
      'a source file that is not there',
      ['publish', 'rtmp://127.0.0.1:1/live/a', '--source', '/nowhere.mp4'],
      104,
      /\/nowhere\.mp4/,
    ],
    ['a scenario that is not there', ['run', '/nowhere.yaml'], 104, /\/nowhere\.yaml/],
    ['a run folder that is not there', ['report', '/nowhere'], 104, /\/nowhere/],
  ])('%s', async (_what, args, exitCode, sentence) => {
    const result = await runCli(args, { timeoutMs: 20_000 });
    expect({ code: result.code, stderr: result.stderr }).toEqual({
      code: exitCode,
      stderr: expect.stringMatching(sentence),
    });
    expectOneSentence(result.stderr);
    expect(result.stdout).toBe('');
  });

  const good =
    'name: a\ntarget: reference\npublishers:\n  - { stream: live/a, source: testcard }\nviewers:\n  - { name: v, protocol: rtmp, stream: live/a, executor: constant-viewers, viewers: 1, duration: 5s }\n';
  it.each<[string, string, RegExp]>([
    ['an unknown key', good.replace('protocol:', 'protocl:'), /:6:\d+.*protocl.*protocol/s],
    ['a bad unit', good.replace('5s', '5 fortnights'), /:6:\d+.*fortnights/s],
    ['an impossible number', good.replace('viewers: 1', 'viewers: -1'), /:6:\d+.*-1/s],
    [
      'an unknown metric',
      `${good}thresholds:\n  first_fram_ms: [ "p(95)<1" ]\n`,
      /:8:\d+.*first_fram_ms.*first_frame_ms/s,
    ],
    [
      'a threshold that cannot be read',
      `${good}thresholds:\n  first_frame_ms: [ "p95<1" ]\n`,
      /:8:\d+.*p95<1/s,
    ],
    ['no YAML at all', 'name: [', /:1:\d+|:2:\d+/],
    ['nothing', '', /scenario/i],
  ])('a scenario with %s', async (what, text, sentence) => {
    const file = path.join(folder, `${what.replaceAll(' ', '-')}.yaml`);
    await writeFile(file, text);
    const result = await runCli(['run', file], { timeoutMs: 20_000 });
    expect({ code: result.code, stderr: result.stderr }).toEqual({
      code: 104,
      stderr: expect.stringMatching(sentence),
    });
    expect(result.stderr).toContain(path.basename(file));
    expectOneSentence(result.stderr);
  });
});
