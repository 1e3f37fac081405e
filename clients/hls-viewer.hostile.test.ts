import { setImmediate as turn } from 'node:timers/promises';
import zlib from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { playerProfiles } from '../core/player/profile.ts';
import { type HttpAnswersServer, httpAnswer, startHttpAnswers } from '../tests/kit/http-answers.ts';
import { HandClock, Recorder } from '../tests/kit/viewer-contract.ts';
import { HlsViewer } from './hls-viewer.ts';
import type { Reason } from './reason.ts';
import type { SessionOutcome } from './viewer.ts';

let clock: HandClock;
let servers: HttpAnswersServer[];
let viewers: HlsViewer[];

beforeEach(() => {
  clock = new HandClock();
  servers = [];
  viewers = [];
});
afterEach(async () => {
  for (const viewer of viewers) viewer.stop();
  await Promise.all(servers.map((server) => server.stop()));
});

type Answer = Parameters<typeof startHttpAnswers>[0];
type Socket = Parameters<Answer>[1];

/** Watches what `answer` serves, a second at a time, until the session has ended. */
async function outcomeOf(answer: Answer): Promise<{ outcome: SessionOutcome; viewer: HlsViewer }> {
  const server = await startHttpAnswers(answer);
  servers.push(server);
  const recorder = new Recorder();
  const viewer = new HlsViewer({
    url: `${server.url}/live/a.m3u8?sign=secret`,
    player: playerProfiles['hls.js'],
    clock,
    observer: recorder,
    intendedStartMs: clock.now,
    reconnect: null,
    random: () => 0.5,
  });
  viewers.push(viewer);
  viewer.start();
  const startMs = clock.now;
  while (recorder.outcome === null) {
    // What is on its way over loopback comes first; then a second passes for the viewer.
    for (let i = 0; i < 100 && recorder.outcome === null; i++) await turn();
    if (recorder.outcome !== null) break;
    expect(clock.now - startMs).toBeLessThan(180_000);
    clock.now += 1_000;
    viewer.sweep(clock.now);
  }
  expect(recorder.late).toBe(0);
  expect(recorder.outcome.detail).not.toContain('secret');
  return { outcome: recorder.outcome, viewer };
}

const ok = 'HTTP/1.1 200 OK\r\n';
const keepWriting = (socket: Socket, piece: Uint8Array): void => {
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', more);
  more();
};
const gzipped = (bytes: Uint8Array): Buffer =>
  httpAnswer(zlib.gzipSync(bytes, { level: 9 }), { headers: { 'content-encoding': 'gzip' } });
const to = (location: string): Buffer => httpAnswer('', { status: '302 Found', headers: { location } });

/** What a hostile server answers, and the reasons that it may be given. */
const hostile: [string, Answer, Reason[]][] = [
  ['a compression bomb', (_a, socket) => void socket.write(gzipped(Buffer.alloc(64e6))), ['bad-response']],
  [
    'chunks without end',
    (_a, socket) => {
      socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n`);
      keepWriting(socket, Buffer.from(`10000\r\n${'\n'.repeat(0x10000)}\r\n`));
    },
    ['bad-response', 'bad-media'],
  ],
  [
    'a header without end',
    (_a, socket) => {
      socket.write(ok);
      keepWriting(socket, Buffer.from('x: y\r\n'.repeat(1_000)));
    },
    ['bad-response'],
  ],
  [
    'interim answers without end',
    (_a, socket) => keepWriting(socket, Buffer.from('HTTP/1.1 103 Early Hints\r\n\r\n')),
    ['bad-response'],
  ],
  [
    'a length of a terabyte',
    (_a, socket) => void socket.write(`${ok}Content-Length: 1000000000000\r\n\r\n`),
    ['bad-response'],
  ],
  ['a redirect to itself', ({ path }, socket) => void socket.write(to(path)), ['http-redirect']],
  ['redirects without end', ({ path }, socket) => void socket.write(to(`${path}x`)), ['http-redirect']],
  ['a redirect to a file', (_a, socket) => void socket.write(to('file:///etc/passwd')), ['http-redirect']],
  ['no answer', () => {}, ['first-byte-timeout']],
  ['half a header', (_a, socket) => void socket.write('HTTP/1.1 2'), ['too-slow']],
  ['half a content', (_a, socket) => void socket.write(`${ok}Content-Length: 99\r\n\r\n#EXT`), ['too-slow']],
  [
    'a content that breaks off',
    (_a, socket) => void socket.end(`${ok}Content-Length: 99\r\n\r\n#EXT`),
    ['closed'],
  ],
  [
    'a content that is reset',
    (_a, socket) => {
      socket.write(`${ok}Content-Length: 99\r\n\r\n#EXT`, () => setImmediate(() => socket.resetAndDestroy()));
    },
    // A kernel may hand on what had come and make an end in good order of the rest.
    ['reset', 'closed'],
  ],
  ['another protocol', (_a, socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n'), ['bad-response']],
  [
    'an unknown coding',
    (_a, socket) => void socket.write(httpAnswer('x', { headers: { 'content-encoding': 'zstd' } })),
    ['bad-response'],
  ],
];

describe('an HLS viewer whose playlist is answered with', () => {
  it.each(hostile)('%s', async (_name, answer, reasons) => {
    const { outcome, viewer } = await outcomeOf(answer);
    expect(outcome).toMatchObject({ result: 'failed' });
    expect(reasons, outcome.detail).toContain(outcome.reason);
    expect(viewer.bytesReceived).toBeLessThan(20e6);
  });

  it('a content that drips: given up after 20 s, as hls.js does', async () => {
    const { outcome } = await outcomeOf((_a, socket) => {
      socket.write(`${ok}Content-Length: 9999\r\n\r\n#EXTM3U\n`);
      const timer = setInterval(() => socket.write('#'), 1);
      socket.on('close', () => clearInterval(timer));
    });
    expect(outcome).toMatchObject({ reason: 'too-slow', detail: expect.stringContaining('20000 ms') });
  });

  it('answers to questions that were not asked: the playlist is the one that was', async () => {
    const { outcome } = await outcomeOf((_asked, socket) => {
      socket.write(Buffer.concat([httpAnswer('#EXTM3U\n'), httpAnswer('evil')]));
    });
    expect(outcome.reason).toBe('no-media');
  });
});

describe('an HLS viewer whose segments are answered with', () => {
  const playlist = (name: string) =>
    `#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n${[0, 1, 2, 3]
      .map((i) => `#EXTINF:2,\n${name}${i}.ts?sign=secret\n`)
      .join('')}#EXT-X-ENDLIST\n`;

  it.each(hostile)('%s', async (_name, answer) => {
    const { outcome, viewer } = await outcomeOf((asked, socket) => {
      if (asked.path.includes('.m3u8')) socket.write(httpAnswer(playlist('seg')));
      else answer(asked, socket);
    });
    expect(outcome).toMatchObject({ result: 'failed', phase: 'before-first-frame' });
    expect(outcome.detail).toMatch(/127\.0\.0\.1:\d+.{20}/);
    expect(viewer.bytesReceived).toBeLessThan(400e6);
  });
});
