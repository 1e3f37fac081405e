import { execFile } from 'node:child_process';
import http from 'node:http';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { parsePlaylist } from '../core/hls/parse-playlist.ts';
import type { ServerConfigInput } from '../server/config.ts';
import { signUrl } from '../server/gate/sign.ts';
import { publish, until } from '../server/ingest/fixtures/test-peers.ts';
import { fixture } from '../server/ingest/fixtures/test-servers.ts';
import { type ReferenceStack, startReferenceStack } from '../server/reference-stack.ts';
import { builtEntry } from './kit/built-entry.ts';
import { runCli } from './kit/cli.ts';

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

interface Started {
  readonly stack: ReferenceStack;
  readonly hls: string;
  readonly lines: string[];
  /** `published live/a` … */
  readonly events: string[];
}

async function start(config: ServerConfigInput = {}): Promise<Started> {
  const lines: string[] = [];
  const events: string[] = [];
  const stack = await startReferenceStack({
    entries: { ingest: builtEntry('server/ingest/process'), deliver: builtEntry('server/deliver/process') },
    config: { transcode: { rungs: [] }, ...config, ingest: { rtmpPort: 0, httpPort: 0 } },
    streamEvent: ({ kind, stream }) => events.push(`${kind} ${stream}`),
    log: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
  });
  cleanUp.push(() => stack.stop());
  return { stack, hls: stack.hlsUrl!, lines, events };
}

async function published(started: Started, name = 'live/a') {
  const before = started.events.length;
  const publisher = publish(fixture('live.flv'), `${started.stack.rtmpUrl}/${name}`);
  cleanUp.push(() => publisher.end());
  await until('it is published', () => started.events.slice(before).includes(`published ${name}`));
  return publisher;
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

function get(url: string, headers: http.OutgoingHttpHeaders = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { headers, method, agent: false }, async (response) => {
      const pieces: Buffer[] = [];
      for await (const piece of response) pieces.push(piece);
      resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(pieces) });
    });
    request.on('error', reject);
    request.end();
  });
}

async function text(url: string): Promise<string> {
  const { status, body } = await get(url);
  if (status !== 200) throw new Error(`${url}: ${status} ${body.toString()}`);
  return body.toString();
}

async function mediaPlaylist(url: string) {
  const playlist = parsePlaylist(await text(url), { url });
  if (playlist.kind !== 'media') throw new Error('expected a media playlist');
  return playlist;
}

const run = promisify(execFile);

it('plays in ffmpeg, ffprobe and our own viewer, as TS, fMP4 and with low latency', async () => {
  const started = await start();
  await published(started);
  const { hls } = started;
  const multivariant = parsePlaylist(await text(`${hls}/live/a.m3u8`), { url: `${hls}/live/a.m3u8` });
  expect(multivariant).toMatchObject({
    kind: 'multivariant',
    violations: [],
    variants: [
      { url: `${hls}/live/a/index.m3u8`, codecs: ['avc1.42c00c', 'mp4a.40.2'], width: 320, height: 180 },
    ],
  });
  const variant = multivariant.kind === 'multivariant' ? multivariant.variants[0]! : null;
  // 300 kbit/s of picture and 48 of sound, and the containers'.
  expect(variant!.bandwidth).toBeGreaterThan(200_000);
  expect(variant!.bandwidth).toBeLessThan(600_000);
  for (const address of ['live/a.m3u8', 'live/a/ts.m3u8']) {
    const probed = await run('ffprobe', [
      ...['-v', 'error', '-show_entries', 'stream=codec_name,width,height', '-of', 'json'],
      `${hls}/${address}`,
    ]);
    expect(JSON.parse(probed.stdout).streams).toMatchObject([
      { codec_name: 'h264', width: 320, height: 180 },
      { codec_name: 'aac' },
    ]);
    const decoded = await run('ffmpeg', [
      ...['-v', 'error', '-xerror', '-i', `${hls}/${address}`, '-t', '3', '-f', 'null', '-'],
    ]);
    expect(decoded.stderr).toBe('');
  }
  const watched = await runCli(
    [
      ...['watch', `${hls}/live/a.m3u8`, `${hls}/live/a/ts.m3u8`, '--viewers', '4', '--duration', '8s'],
      ...['--player', 'hls.js', '--json'],
    ],
    { timeoutMs: 60_000 },
  );
  const { errors } = JSON.parse(watched.stdout);
  expect(errors).toEqual([]);
  expect(watched.code).not.toBe(99);
  const stats = await started.stack.deliverStats();
  expect(stats!.requests['playlist-blocking']).toBeGreaterThan(5);
  expect(stats!.requests.part).toBeGreaterThan(5);
  expect(stats!.requests.segment).toBeGreaterThan(5);
}, 90_000);

it('answers with the right headers, ranges, 304, gzip and refusals', async () => {
  const started = await start();
  await published(started);
  const { hls } = started;
  await text(`${hls}/live/a.m3u8`);
  await until(
    'three segments are there',
    async () => (await mediaPlaylist(`${hls}/live/a/ts.m3u8`)).segments.length >= 3,
    15_000,
  );
  const list = await get(`${hls}/live/a/ts.m3u8`);
  expect(list.headers).toMatchObject({
    'content-type': 'application/vnd.apple.mpegurl',
    'access-control-allow-origin': '*',
    'cache-control': 'public, max-age=1',
  });
  const etag = list.headers.etag!;
  // The playlist may have moved on just now: then it is another one, and says so.
  const again = await get(`${hls}/live/a/ts.m3u8`, { 'if-none-match': etag });
  expect(again.status === 304 ? again.body.length : again.headers.etag !== etag).toBe(
    again.status === 304 ? 0 : true,
  );
  const gzipped = await get(`${hls}/live/a/index.m3u8`, { 'accept-encoding': 'gzip' });
  expect(gzipped.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(gzipped.body).toString()).toMatch(/^#EXTM3U\n/);

  const { segments } = await mediaPlaylist(`${hls}/live/a/ts.m3u8`);
  const segment = segments.at(-1)!.url;
  const whole = await get(segment);
  expect(whole.headers).toMatchObject({
    'content-type': 'video/mp2t',
    'cache-control': 'public, max-age=31536000, immutable',
    'accept-ranges': 'bytes',
  });
  const piece = await get(segment, { range: 'bytes=188-375' });
  expect([piece.status, piece.headers['content-range']]).toEqual([206, `bytes 188-375/${whole.body.length}`]);
  expect(piece.body.equals(whole.body.subarray(188, 376))).toBe(true);
  expect((await get(segment, { range: `bytes=${whole.body.length}-` })).status).toBe(416);
  const head = await get(segment, {}, 'HEAD');
  expect([head.status, head.headers['content-length'], head.body.length]).toEqual([
    200,
    String(whole.body.length),
    0,
  ]);

  const statuses: Record<string, number> = {};
  for (const path of [
    '/live/none.m3u8',
    '/live/bad.name.m3u8',
    '/live/a/../../etc/passwd',
    '/live/a/%2e%2e/x.ts',
    '/live/a/%00.m3u8',
    '/live/a/zz-seg-1.ts',
    '/nothing',
    '/live/a/index.m3u8?_HLS_part=1',
    '/live/a/index.m3u8?_HLS_msn=x',
    '/live/a/index.m3u8?_HLS_msn=999999999999',
    '/healthz',
    '/readyz',
    '/metrics',
    '/api/streams',
  ]) {
    const port = new URL(hls).port;
    // As it is: URL would tidy it up.
    statuses[path] = await new Promise<number>((resolve, reject) => {
      const request = http.request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      request.on('error', reject).end();
    });
  }
  expect(statuses).toEqual({
    '/live/none.m3u8': 404,
    '/live/bad.name.m3u8': 400,
    '/live/a/../../etc/passwd': 400,
    '/live/a/%2e%2e/x.ts': 400,
    '/live/a/%00.m3u8': 400,
    '/live/a/zz-seg-1.ts': 404,
    '/nothing': 404,
    '/live/a/index.m3u8?_HLS_part=1': 400,
    '/live/a/index.m3u8?_HLS_msn=x': 400,
    '/live/a/index.m3u8?_HLS_msn=999999999999': 400,
    '/healthz': 200,
    '/readyz': 200,
    '/metrics': 200,
    '/api/streams': 404,
  });
  expect((await get(`${hls}/live/a.m3u8`, {}, 'POST')).status).toBe(405);
}, 60_000);

it('holds a request until its part or playlist is there, and tells only what is new', async () => {
  const started = await start();
  await published(started);
  const url = `${started.hls}/live/a/index.m3u8`;
  await text(`${started.hls}/live/a.m3u8`);
  const now = await mediaPlaylist(url);
  const next = now.mediaSequence + now.segments.length;
  const blocked = await mediaPlaylist(`${url}?_HLS_msn=${next}`);
  expect(blocked.mediaSequence + blocked.segments.length).toBeGreaterThan(next);
  const hint = blocked.preloadHints[0]!.url;
  const part = await get(hint);
  expect([part.status, part.headers['content-type']]).toEqual([200, 'video/iso.segment']);
  await until(
    'there is something to skip',
    async () => /EXT-X-SKIP/.test(await text(`${url}?_HLS_skip=YES`)),
    20_000,
  );
}, 60_000);

it('recovers by itself when the deliver process is killed under its viewers', async () => {
  const started = await start();
  await published(started);
  const { hls, stack, lines } = started;
  await text(`${hls}/live/a.m3u8`);
  const before = await mediaPlaylist(`${hls}/live/a/ts.m3u8`);
  const [, pid] = stack.pids;
  process.kill(pid!, 'SIGKILL');
  await until('it is back', () => lines.some((line) => line.includes('the deliver process is back')));
  const after = await mediaPlaylist(`${hls}/live/a/ts.m3u8`);
  // Players follow numbers: they go on, and never back.
  expect(after.mediaSequence).toBeGreaterThan(before.mediaSequence + before.segments.length - 1);
  expect(after.discontinuitySequence).toBeGreaterThan(before.discontinuitySequence);
  expect((await get(before.segments[0]!.url)).status).toBe(404);
  expect((await get(after.segments[0]!.url)).status).toBe(200);
}, 60_000);

it('a publisher that comes back is a discontinuity, one that stays away is the end', async () => {
  const started = await start({ deliver: { republishGraceMs: 6_000, keepEndedMs: 1_000 } });
  const first = await published(started);
  const { hls } = started;
  const url = `${hls}/live/a/ts.m3u8`;
  await text(`${hls}/live/a.m3u8`);
  await first.end();
  // One that is back within the ingest's own grace time is the same stream, and no discontinuity.
  await until('the ingest let it go', () => started.events.includes('unpublished live/a'));
  const second = await published(started);
  await until(
    'there is a discontinuity',
    async () => (await mediaPlaylist(url)).segments.some(({ startsDiscontinuity }) => startsDiscontinuity),
    15_000,
  );
  const { violations, ended } = await mediaPlaylist(url);
  expect([violations, ended]).toEqual([[], false]);
  await second.end();
  await until('it has ended', async () => (await mediaPlaylist(url)).ended, 15_000);
  await until('it is gone', async () => (await get(url)).status === 404);
}, 60_000);

it('a signature goes through playlists to segments and keys, and nothing is to be had without', async () => {
  const playSecret = 'only for this test';
  const started = await start({
    gate: { playSecret },
    deliver: { hls: { encrypt: true, segmentsPerKey: 1 } },
  });
  await published(started);
  const { hls, lines } = started;
  const signed = signUrl(`${hls}/live/a`, playSecret, Date.now() / 1_000 + 60).replace(
    '/live/a?',
    '/live/a.m3u8?',
  );
  const query = new URL(signed).search;
  expect((await get(`${hls}/live/a.m3u8`)).status).toBe(401);
  expect((await get(`${hls}/live/a.m3u8?sign=1-${'0'.repeat(32)}`)).status).toBe(403);
  const multivariant = parsePlaylist(await text(signed), { url: signed });
  const media = multivariant.kind === 'multivariant' ? multivariant.variants[0]!.url : '';
  expect(media).toBe(`${hls}/live/a/index.m3u8${query}`);
  const playlist = await mediaPlaylist(`${hls}/live/a/ts.m3u8${query}`);
  const [segment] = playlist.segments;
  expect([segment!.url.endsWith(query), segment!.key?.method, segment!.key?.url?.endsWith(query)]).toEqual([
    true,
    'AES-128',
    true,
  ]);
  for (const url of [segment!.url, segment!.key!.url!, media]) {
    expect((await get(url)).status).toBe(200);
    expect((await get(url.replace(query, ''))).status).toBe(401);
  }
  expect((await get(segment!.key!.url!)).body.length).toBe(16);
  // Not in the clear: a TS packet begins with 0x47.
  expect((await get(segment!.url)).body[188]).not.toBe(0x47);
  const decoded = await run('ffmpeg', ['-v', 'error', '-xerror', '-i', signed, '-t', '2', '-f', 'null', '-']);
  expect(decoded.stderr).toBe('');
  expect(lines.some((line) => line.includes('play refused') && line.includes('signature-missing'))).toBe(
    true,
  );
  expect(lines.join('')).not.toContain(query.slice(6));
}, 60_000);

it('the API is for who knows the token', async () => {
  const token = 'known to operators';
  const started = await start({ api: { token } });
  await published(started);
  const { hls } = started;
  await text(`${hls}/live/a.m3u8`);
  expect((await get(`${hls}/api/streams`)).status).toBe(401);
  expect((await get(`${hls}/api/streams`, { authorization: 'Bearer another' })).status).toBe(403);
  const { status, body } = await get(`${hls}/api/streams`, { authorization: `Bearer ${token}` });
  expect(status).toBe(200);
  expect(JSON.parse(body.toString())).toMatchObject({
    streams: [{ name: 'live/a', hls: { state: 'live', width: 320, height: 180, leftOut: [] } }],
  });
  const metrics = await text(`${hls}/metrics`);
  expect(metrics).toContain('streamgauge_hls_streams{state="live"} 1');
  expect(metrics).toMatch(/# TYPE streamgauge_hls_requests_total counter/);
}, 60_000);

it('takes no more viewers than the limits say, and those that are in stay', async () => {
  const started = await start({ limits: { viewersPerStream: 1 } });
  await published(started);
  const url = `${started.hls}/live/a/ts.m3u8`;
  await text(`${started.hls}/live/a.m3u8`);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  cleanUp.push(() => agent.destroy());
  const stay = () =>
    new Promise<number>((resolve, reject) => {
      const request = http.get(url, { agent }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode!));
      });
      request.on('error', reject);
    });
  expect(await stay()).toBe(200);
  const refused = await get(url);
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);
  expect(await stay()).toBe(200);
  expect(started.lines.some((line) => line.includes('stream-full'))).toBe(true);
}, 60_000);
