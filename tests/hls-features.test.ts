import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createViewer } from '../clients/create-viewer.ts';
import { systemClock } from '../clients/system-clock.ts';
import type { Viewer, ViewerOptions } from '../clients/viewer.ts';
import { parseMediaPlaylist } from '../core/hls/parse-media.ts';
import { playerProfiles } from '../core/player/profile.ts';
import { startHlsOrigin } from './kit/hls-origin.ts';
import { knownMedia } from './kit/live-media.ts';
import { runFfmpeg } from './kit/run-tool.ts';
import { Recorder } from './kit/viewer-contract.ts';

type Answer = string | Uint8Array | ((request: http.IncomingMessage, response: http.ServerResponse) => void);

const running: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.stop();
});

/** Half a second each, of 12 pictures and sound, from the test origin. */
const segments: Uint8Array[] = [];
beforeAll(async () => {
  const origin = await startHlsOrigin({
    media: knownMedia({ fps: 24, gopFrames: 12, sound: true }),
    segmentMs: 500,
    type: 'vod',
    historyMs: 3_000,
  });
  const load = async (url: string) => new Uint8Array(await (await fetch(url)).arrayBuffer());
  const text = Buffer.from(await load(origin.url)).toString();
  for (const { url } of parseMediaPlaylist(text, { url: origin.url }).segments)
    segments.push(await load(url));
  // The last picture of all is a segment of its own.
  segments.length = 6;
  await origin.stop();
});

interface Site {
  readonly url: string;
  readonly asked: string[];
  readonly files: Record<string, Answer>;
}

/** A server of these files; `/a.m3u8` is where a viewer begins. */
async function serve(files: Record<string, Answer>): Promise<Site> {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    const target = request.url ?? '/';
    asked.push(target + (request.headers.range ? ` ${request.headers.range}` : ''));
    const answer = files[target.split('?')[0]!];
    if (answer === undefined) response.writeHead(404).end();
    else if (typeof answer === 'function') answer(request, response);
    else sendRange(request, response, Buffer.from(answer as string));
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  running.push({
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.m3u8`, asked, files };
}

function sendRange(request: http.IncomingMessage, response: http.ServerResponse, bytes: Buffer): void {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (from === undefined) {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    return;
  }
  const part = bytes.subarray(Number(from), to ? Number(to) + 1 : undefined);
  const range = `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`;
  response.writeHead(206, { 'content-length': part.length, 'content-range': range }).end(part);
}

function watch(url: string, options: Partial<ViewerOptions> = {}): { viewer: Viewer; heard: Recorder } {
  const heard = new Recorder();
  const viewer = createViewer({
    url,
    player: playerProfiles['hls.js'],
    clock: systemClock,
    observer: heard,
    intendedStartMs: systemClock.nowMs(),
    ...options,
  });
  const timer = setInterval(() => viewer.sweep(systemClock.nowMs()), 100);
  running.push({
    stop: () => {
      clearInterval(timer);
      viewer.stop();
    },
  });
  viewer.start();
  return { viewer, heard };
}

async function ended(heard: Recorder, withinMs = 12_000) {
  for (const giveUpMs = Date.now() + withinMs; Date.now() < giveUpMs; await sleep(5)) {
    if (heard.outcome) return heard.outcome;
  }
  throw new Error(`it did not end; heard ${JSON.stringify(heard.heard.slice(-5))}`);
}

/** A recording of all segments; `before` each: lines. */
function recording(lines: (index: number) => string, head = ''): string {
  const list = segments.map((_, i) => `${lines(i)}#EXTINF:0.5,\n${i}.ts\n`).join('');
  return `#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:1\n${head}${list}#EXT-X-ENDLIST\n`;
}
function files(
  change: (bytes: Uint8Array, index: number) => Uint8Array = (bytes) => bytes,
): Record<string, Answer> {
  return Object.fromEntries(segments.map((bytes, i) => [`/${i}.ts`, change(bytes, i)]));
}
const whole = { result: 'ended', figures: { frames: 72, framesMissing: 0, stallCount: 0 } };
const plain = () => '';

describe('an HLS viewer plays', () => {
  it('a recording', async () => {
    const { url } = await serve({ '/a.m3u8': recording(plain), ...files() });
    expect(await ended(watch(url).heard)).toMatchObject(whole);
  });

  it('after redirects: what a playlist names is relative to where it was found', async () => {
    const { url, asked } = await serve({
      '/a.m3u8': (_, response) => response.writeHead(302, { location: '/b/c/d.m3u8' }).end(),
      '/b/c/d.m3u8': recording(plain),
      ...Object.fromEntries(segments.map((bytes, i) => [`/b/c/${i}.ts`, bytes])),
    });
    expect(await ended(watch(url).heard)).toMatchObject(whole);
    expect(asked.filter((path) => path === '/a.m3u8')).toHaveLength(1);
  });

  it('byte ranges of one file', async () => {
    const list = segments.map((bytes) => `#EXTINF:0.5,\n#EXT-X-BYTERANGE:${bytes.length}\nall.ts\n`);
    list[0] = list[0]!.replace(/(BYTERANGE:\d+)/, '$1@0');
    const { url, asked } = await serve({
      '/a.m3u8': `#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:1\n${list.join('')}#EXT-X-ENDLIST\n`,
      '/all.ts': Buffer.concat(segments),
    });
    expect(await ended(watch(url).heard)).toMatchObject(whole);
    expect(asked[1]).toBe(`/all.ts bytes=0-${segments[0]!.length - 1}`);
  });

  it.each([
    ['with an IV', ',IV=0x000102030405060708090a0b0c0d0e0f'],
    ['with the media sequence number for an IV', ''],
  ])('AES-128 %s, and asks for the key once', async (_name, iv) => {
    const key = Uint8Array.from({ length: 16 }, (_, i) => 100 + i);
    const encrypt = (bytes: Uint8Array, index: number) => {
      const vector = Buffer.alloc(16);
      if (iv === '') vector.writeUInt32BE(3 + index, 12);
      else for (let i = 0; i < 16; i++) vector[i] = i;
      const cipher = createCipheriv('aes-128-cbc', key, vector);
      return Buffer.concat([cipher.update(bytes), cipher.final()]);
    };
    const head = `#EXT-X-MEDIA-SEQUENCE:3\n#EXT-X-KEY:METHOD=AES-128,URI="k"${iv}\n`;
    const { url, asked } = await serve({ '/a.m3u8': recording(plain, head), '/k': key, ...files(encrypt) });
    expect(await ended(watch(url).heard)).toMatchObject(whole);
    expect(asked.filter((path) => path === '/k')).toHaveLength(1);
  });

  it('over a gap, which it does not ask for', async () => {
    const text = recording((i) => (i === 2 ? '#EXT-X-GAP\n' : ''));
    const { url, asked } = await serve({ '/a.m3u8': text, ...files() });
    const outcome = await ended(watch(url).heard);
    expect(outcome).toMatchObject({ result: 'ended', figures: { frames: 60, framesMissing: 12 } });
    expect(asked).not.toContain('/2.ts');
  });

  it('packed AAC', async () => {
    const aac = await runFfmpeg(
      '-f lavfi -i sine=440:r=44100:d=1 -c:a aac -b:a 64k -f adts -'.split(' '),
      new Uint8Array(),
    );
    const owner = Buffer.from('com.apple.streaming.transportStreamTimestamp\0');
    const tagged = (ticks: number) => {
      const time = Buffer.alloc(8);
      time.writeUInt32BE(ticks, 4);
      const body = Buffer.concat([owner, time]);
      const frame = Buffer.concat([Buffer.from('PRIV'), Buffer.from([0, 0, 0, body.length, 0, 0]), body]);
      return Buffer.concat([Buffer.from('ID3'), Buffer.from([4, 0, 0, 0, 0, 0, frame.length]), frame, aac]);
    };
    const { url } = await serve({
      '/a.m3u8': '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n0.aac\n#EXTINF:1,\n1.aac\n#EXT-X-ENDLIST\n',
      '/0.aac': tagged(900_000),
      '/1.aac': tagged(990_000),
    });
    const { heard } = watch(url);
    const outcome = await ended(heard);
    expect(outcome).toMatchObject({ result: 'ended', figures: { stallCount: 0 } });
    expect(outcome.figures.mediaMs).toBeGreaterThan(1_950);
    expect(outcome.figures.frames).toBeGreaterThan(80);
  });

  it('sound of its own beside the pictures, counted in bytes', async () => {
    const { url, asked } = await serve({
      '/a.m3u8':
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",DEFAULT=YES,URI="sound.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=100000,AUDIO="a",RESOLUTION=320x180\nv.m3u8\n',
      '/v.m3u8': recording(plain),
      '/sound.m3u8': recording(plain).replaceAll('.ts', '.sound.ts'),
      ...files(),
      ...Object.fromEntries(segments.map((bytes, i) => [`/${i}.sound.ts`, bytes])),
    });
    const alone = await serve({ '/a.m3u8': recording(plain), ...files() });
    const [both, one] = await Promise.all([ended(watch(url).heard), ended(watch(alone.url).heard)]);
    expect(both).toMatchObject(whole);
    expect(asked).toContain('/0.sound.ts');
    expect(both.figures.mediaBytes / one.figures.mediaBytes).toBeCloseTo(2, 1);
  });

  it('on when a segment is not there at first, and passes over one that never is', async () => {
    let times = 0;
    const { url, asked } = await serve({
      '/a.m3u8': recording(plain),
      ...files(),
      '/1.ts': (request, response) => {
        if (++times === 1) response.writeHead(503).end();
        else sendRange(request, response, Buffer.from(segments[1]!));
      },
      '/3.ts': (_, response) => response.writeHead(410).end(),
    });
    const outcome = await ended(watch(url).heard);
    expect(outcome).toMatchObject({
      result: 'ended',
      figures: { frames: 60, framesMissing: 12, reconnects: 0 },
    });
    expect(asked.filter((path) => path === '/1.ts')).toHaveLength(2);
  });

  it('on after a connection that broke in a segment, and tells how long that took', async () => {
    let times = 0;
    const { url } = await serve({
      '/a.m3u8': recording(plain),
      ...files(),
      '/1.ts': (request, response) => {
        const bytes = Buffer.from(segments[1]!);
        if (++times > 1) sendRange(request, response, bytes);
        else {
          response.writeHead(200, { 'content-length': bytes.length });
          response.write(bytes.subarray(0, 4_000));
          setTimeout(() => response.destroy(), 100);
        }
      },
    });
    const { heard } = watch(url);
    const outcome = await ended(heard);
    expect(outcome).toMatchObject({
      result: 'ended',
      figures: { frames: 72, framesMissing: 0, reconnects: 1 },
    });
    expect(heard.all('reconnected')).toHaveLength(1);
    // What came of it twice is not media twice.
    expect(Math.abs(outcome.figures.mediaMs - 3_000)).toBeLessThan(50);
  });

  it('with CMCD in the query, or in headers', async () => {
    const headers: string[] = [];
    const first = files()['/0.ts']!;
    const { url, asked } = await serve({
      '/a.m3u8': recording(plain),
      ...files(),
      '/0.ts': (request, response) => {
        headers.push(String(request.headers['cmcd-request']));
        sendRange(request, response, Buffer.from(first as Uint8Array));
      },
    });
    await ended(watch(url, { hls: { cmcd: 'query' } }).heard);
    expect(decodeURIComponent(asked[0]!)).toMatch(
      /^\/a\.m3u8\?CMCD=cid="a\.m3u8",ot=m,sf=h,sid="[\da-f-]{36}",sta=s,su,v=2$/,
    );
    expect(decodeURIComponent(asked[1]!)).toMatch(/^\/0\.ts\?CMCD=bl=0,cid="a\.m3u8",d=500,ot=av,/);
    await ended(watch(url, { hls: { cmcd: 'headers' } }).heard);
    expect(headers[1]).toBe('bl=0,sta=s,su');
  });
});

describe('an HLS viewer refuses, with its reason', () => {
  const live = (lines: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n${lines}`;
  const loop: Answer = (request, response) => response.writeHead(302, { location: `${request.url}x` }).end();
  const endless =
    (begin: string, again: string): Answer =>
    (_, response) => {
      response.writeHead(200);
      response.write(begin);
      const more = () => {
        while (!response.destroyed && response.write(again));
      };
      response.on('drain', more);
      more();
    };
  const reasonOf = async (files: Record<string, Answer>, options: Partial<ViewerOptions> = {}) => {
    const { url } = await serve(files);
    const { heard } = watch(url, { reconnect: null, ...options });
    const outcome = await ended(heard);
    expect(outcome.detail).toMatch(/^[^\n]{20,400}$/);
    return [outcome.reason, outcome.detail] as const;
  };

  it.each<[string, Record<string, Answer>, string, RegExp]>([
    ['nothing there', {}, 'not-found', /404/],
    ['a web page', { '/a.m3u8': '<html>' }, 'bad-response', /HLS_NOT_A_PLAYLIST/],
    [
      'an endless playlist',
      { '/a.m3u8': endless('#EXTM3U\n', '#EXTINF:1,\nx.ts\n'.repeat(4_000)) },
      'bad-response',
      /./,
    ],
    [
      'a line of megabytes',
      { '/a.m3u8': `#EXTM3U\n${'x'.repeat(3_000_000)}` },
      'bad-response',
      /HLS_LINE_TOO_LONG/,
    ],
    [
      '10⁹ segments by delta',
      { '/a.m3u8': live('#EXT-X-SKIP:SKIPPED-SEGMENTS=1000000000\n') },
      'bad-response',
      /HLS_TOO_MANY_SEGMENTS/,
    ],
    [
      'too many segments',
      { '/a.m3u8': live('#EXTINF:1,\na.ts\n'.repeat(60_000)) },
      'bad-response',
      /HLS_TOO_MANY_SEGMENTS/,
    ],
    [
      'itself as a segment',
      { '/a.m3u8': live('#EXTINF:1,\na.m3u8\n') },
      'bad-response',
      /HLS_SELF_REFERENCE/,
    ],
    [
      'variants of variants',
      {
        '/a.m3u8': '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nb.m3u8\n',
        '/b.m3u8': '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n',
      },
      'bad-response',
      /playlist of variants again/,
    ],
    [
      'redirects without end',
      {
        '/a.m3u8': loop,
        '/a.m3u8x': loop,
        '/a.m3u8xx': loop,
        '/a.m3u8xxx': loop,
        '/a.m3u8xxxx': loop,
        '/a.m3u8xxxxx': loop,
      },
      'http-redirect',
      /redirect/,
    ],
    [
      'garbage for a segment',
      { '/a.m3u8': live('#EXTINF:1,\n0.ts\n'), '/0.ts': Buffer.alloc(200_000, 7) },
      'bad-media',
      /TS_NO_SYNC/,
    ],
    [
      'nothing for a segment',
      { '/a.m3u8': live('#EXTINF:1,\n0.ts\n'), '/0.ts': '' },
      'bad-media',
      /HLS_EMPTY/,
    ],
    [
      'a key of another length',
      {
        '/a.m3u8': live('#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:1,\n0.ts\n'),
        '/k': 'short',
        '/0.ts': 'x',
      },
      'bad-media',
      /HLS_KEY_LENGTH.*/,
    ],
    [
      'an endless key',
      {
        '/a.m3u8': live('#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:1,\n0.ts\n'),
        '/k': endless('', 'k'.repeat(1_000)),
      },
      'bad-response',
      /./,
    ],
    [
      'SAMPLE-AES',
      { '/a.m3u8': live('#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n#EXTINF:1,\n0.ts\n') },
      'bad-media',
      /SAMPLE-AES.*cannot undo/,
    ],
  ])('%s', async (_name, answers, reason, detail) => {
    expect(await reasonOf(answers)).toEqual([reason, expect.stringMatching(detail)]);
  });

  it('a playlist that stays empty', async () => {
    const answer = await reasonOf({ '/a.m3u8': live('') }, { timeouts: { firstMediaMs: 1_500 } });
    expect(answer[0]).toBe('no-media');
  });

  it.each<[string, Record<string, Answer>]>([
    [
      'of a recording whose segments are all missing',
      { '/a.m3u8': `${live('#EXTINF:1,\n9.ts\n'.repeat(1_000))}#EXT-X-ENDLIST\n` },
    ],
    [
      'of a recording whose first segment drips',
      {
        '/a.m3u8': `${live('#EXTINF:1,\n9.ts\n')}#EXT-X-ENDLIST\n`,
        '/9.ts': (_, response) => {
          response.writeHead(200, { 'content-length': 100_000 });
          const timer = setInterval(() => response.write('G'), 100);
          response.on('close', () => clearInterval(timer));
        },
      },
    ],
    [
      'with a target duration of ages',
      {
        '/a.m3u8': '#EXTM3U\n#EXT-X-TARGETDURATION:999999999999\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\n9.ts\n',
      },
    ],
    [
      'with parts of ages',
      {
        '/a.m3u8':
          '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-PART-INF:PART-TARGET=999999999999\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=NO,PART-HOLD-BACK=999999999999\n#EXTINF:1,\n9.ts\n',
      },
    ],
  ])('a playlist %s: no media, in time', async (_name, answers) => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', onWarning);
    running.push({ stop: () => process.off('warning', onWarning) });
    const { url } = await serve(answers);
    const { heard } = watch(url, { reconnect: null, timeouts: { firstMediaMs: 1_500 } });
    const outcome = await ended(heard);
    expect(outcome).toMatchObject({ result: 'failed', reason: 'no-media', phase: 'before-first-frame' });
    expect(outcome.figures.watchedMs).toBeGreaterThan(1_400);
    expect(outcome.figures.watchedMs).toBeLessThan(2_500);
    // A timer that does not fit would go off at once.
    expect(warnings).toEqual([]);
  });

  it('a playlist that no longer changes', async () => {
    const { url } = await serve({ '/a.m3u8': live('#EXTINF:0.5,\n0.ts\n#EXTINF:0.5,\n1.ts\n'), ...files() });
    const { heard } = watch(url, { reconnect: null, timeouts: { silenceMs: 1_000 } });
    const outcome = await ended(heard);
    expect(outcome).toMatchObject({ reason: 'publisher-gone', phase: 'after-first-frame' });
    // Three target durations, seen by a sweep each 100 ms.
    expect(outcome.figures.watchedMs).toBeGreaterThan(3_000);
    expect(outcome.figures.watchedMs).toBeLessThan(3_400);
  });

  it('a URL that is none of HTTP, and a probe', () => {
    const options = {
      player: playerProfiles.plain,
      clock: systemClock,
      observer: new Recorder(),
      intendedStartMs: 0,
    };
    expect(() => createViewer({ ...options, url: 'ftp://h/a.m3u8' })).toThrow('cannot be played');
    const tap = { headBytes: 1, head: () => {}, end: () => {} };
    expect(() => createViewer({ ...options, url: 'http://h/a.m3u8', tap })).toThrow(
      'a probe cannot look into HLS',
    );
  });
});
