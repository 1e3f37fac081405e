import zlib from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loopbackCertificate } from '../../tests/kit/certificate.ts';
import {
  type AskedHttp,
  type HttpAnswersServer,
  httpAnswer,
  startHttpAnswers,
} from '../../tests/kit/http-answers.ts';
import { HttpRecorder, until } from '../../tests/kit/http-recorder.ts';
import { HandClock } from '../../tests/kit/viewer-contract.ts';
import type { Reason } from '../reason.ts';
import { HttpConnections } from './http-connections.ts';
import type { HttpAsked, HttpConnectionsOptions } from './http-options.ts';

let clock: HandClock;
let open: { stop(): Promise<void> }[];
let sets: HttpConnections[];

beforeEach(() => {
  clock = new HandClock();
  open = [];
  sets = [];
});
afterEach(async () => {
  for (const set of sets) set.close();
  await Promise.all(open.map((server) => server.stop()));
});

type Answer = Parameters<typeof startHttpAnswers>[0];
type Socket = Parameters<Answer>[1];

async function serve(
  answer: Answer,
  options?: Parameters<typeof startHttpAnswers>[1],
): Promise<HttpAnswersServer> {
  const server = await startHttpAnswers(answer, options);
  open.push(server);
  return server;
}

function connectionsTo(url: string, options: Partial<HttpConnectionsOptions> = {}): HttpConnections {
  const set = new HttpConnections({ clock, url, ...options });
  sets.push(set);
  return set;
}

async function ask(set: HttpConnections, url: string, more: Partial<HttpAsked> = {}): Promise<HttpRecorder> {
  const recorder = new HttpRecorder();
  set.request({ url, ...more }, recorder);
  await until(() => recorder.over);
  return recorder;
}

/** What becomes of one question that is answered with these bytes. */
async function answeredBy(
  bytes: string | Uint8Array,
  more: Partial<HttpAsked> = {},
  options: Partial<HttpConnectionsOptions> = {},
): Promise<HttpRecorder> {
  const server = await serve((_asked, socket) => void socket.end(bytes as Uint8Array));
  return ask(connectionsTo(server.url, options), `${server.url}/live/a.ts?sign=secret`, more);
}

function expectFailure(recorder: HttpRecorder, reason: Reason, says: string): void {
  expect(recorder.failure?.reason).toBe(reason);
  expect(recorder.failure?.detail).toContain(says);
  expect(recorder.failure?.detail).not.toContain('secret');
  expect(recorder.failure!.detail.length).toBeLessThanOrEqual(400);
}

const ok = 'HTTP/1.1 200 OK\r\n';

describe('statuses', () => {
  it.each<[string, Reason, number]>([
    ['401 Unauthorized', 'auth', 401],
    ['403 Forbidden', 'auth', 403],
    ['404 Not Found', 'not-found', 404],
    ['410 Gone', 'not-found', 410],
    ['429 Too Many Requests', 'http-4xx', 429],
    ['503 Service Unavailable', 'http-5xx', 503],
    ['304 Not Modified', 'bad-response', 304],
    ['101 Switching Protocols', 'bad-response', 101],
    ['302 Found', 'http-redirect', 302],
  ])('%s is %s', async (status, reason, number) => {
    const recorder = await answeredBy(httpAnswer('', { status }), { what: 'segment' });
    expectFailure(recorder, reason, String(number));
    expect(recorder.status).toBe(number);
  });

  it('keeps the connection after an error whose content is short, and not after one that never ends', async () => {
    const server = await serve(({ path }, socket) => {
      socket.write(httpAnswer('Not here', { status: '404 Not Found' }));
      if (path === '/endless') socket.write(`${'HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n'}`);
    });
    const set = connectionsTo(server.url);
    for (let i = 0; i < 2; i++) expectFailure(await ask(set, `${server.url}/a`), 'not-found', '404');
    expect(server.accepted).toBe(1);

    const endless = await serve((_asked, socket) => {
      socket.write('HTTP/1.1 500 Broken\r\nTransfer-Encoding: chunked\r\n\r\n');
      socket.write(`20000\r\n${'x'.repeat(0x20000)}\r\n`);
    });
    expectFailure(await ask(set, `${endless.url}/a`), 'http-5xx', '500');
    expect(set.connectionCount).toBe(1);
  });

  it('tells of an error also when its content hangs', async () => {
    const server = await serve((_asked, socket) => {
      socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nabc');
    });
    const set = connectionsTo(server.url, { timeouts: { silenceMs: 2_000 } });
    const recorder = new HttpRecorder();
    set.request({ url: `${server.url}/a` }, recorder);
    await until(() => set.bytesReceived > 40);
    clock.now += 2_000;
    set.sweep(clock.now);
    expectFailure(recorder, 'http-5xx', '503');
  });
});

describe('bytes that are no proper answer', () => {
  it.each<[string, string, Reason, string]>([
    ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n', 'bad-response', 'HTTP_STATUS_LINE'],
    ['a header without a colon', `${ok}nonsense\r\n\r\n`, 'bad-response', 'HTTP_HEADER'],
    ['a negative length', `${ok}Content-Length: -1\r\n\r\n`, 'bad-response', 'HTTP_CONTENT_LENGTH'],
    ['two lengths', `${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 'bad-response', 'LENGTH'],
    ['a coding', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`, 'bad-response', 'HTTP_TRANSFER_CODING'],
    ['a broken chunk', `${ok}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 'bad-response', 'HTTP_CHUNK'],
    ['a header without end', `${ok}${'x: y\r\n'.repeat(20_000)}`, 'bad-response', 'HTTP_HEAD_TOO_LARGE'],
    ['interim answers without end', 'HTTP/1.1 103 Early\r\n\r\n'.repeat(40), 'bad-response', 'interim'],
    ['a length that is too long', `${ok}Content-Length: 9\r\n\r\nabc`, 'closed', '3 of 9 bytes came'],
    ['chunks that break off', `${ok}Transfer-Encoding: chunked\r\n\r\n9\r\nabc`, 'closed', '3 bytes came'],
    ['a header that breaks off', `${ok}X: `, 'closed', 'in the middle of the header'],
    ['nothing', '', 'closed', 'without an answer'],
  ])('%s', async (_name, bytes, reason, says) => {
    expectFailure(await answeredBy(bytes), reason, says);
  });

  it('a header larger than the limit that is set, in one piece', async () => {
    const answer = `${ok}X: ${'y'.repeat(3_000)}\r\nContent-Length: 0\r\n\r\n`;
    const small = { limits: { headBytes: 2_048 } };
    expectFailure(await answeredBy(answer, {}, small), 'bad-response', 'at most 2048 bytes');
    expect((await answeredBy(answer)).ending).toBe('end');
  });

  it.each<[string, string]>([
    ['announced', `${ok}Content-Length: 1001\r\n\r\n`],
    ['in chunks', `${ok}Transfer-Encoding: chunked\r\n\r\n3e9\r\n${'x'.repeat(1001)}\r\n0\r\n\r\n`],
    ['until it closes', `${ok}\r\n${'x'.repeat(1001)}`],
  ])('more content than the request allows: %s', async (_name, bytes) => {
    expectFailure(await answeredBy(bytes, { maxBodyBytes: 1_000 }), 'bad-response', 'at most 1000 are read');
  });
});

describe('time', () => {
  const timeouts = { firstByteMs: 3_000, headMs: 4_000, silenceMs: 2_000, totalMs: 20_000 };

  /** A question to a server that answers when told to; `pass` moves the clock and sweeps. */
  async function slow(more: Partial<HttpAsked> = {}, options: Partial<HttpConnectionsOptions> = {}) {
    const sockets: Socket[] = [];
    const server = await serve((_asked, socket) => sockets.push(socket));
    const set = connectionsTo(server.url, { timeouts, ...options });
    const recorder = new HttpRecorder();
    set.request({ url: `${server.url}/a?sign=secret`, ...more }, recorder);
    await until(() => sockets.length === 1);
    return {
      recorder,
      set,
      server,
      async send(bytes: string) {
        const before = set.bytesReceived;
        sockets[0]!.write(bytes);
        await until(() => set.bytesReceived === before + bytes.length);
      },
      pass(ms: number) {
        clock.now += ms;
        set.sweep(clock.now);
      },
    };
  }

  it('no first byte', async () => {
    const { recorder, pass } = await slow();
    pass(2_999);
    expect(recorder.over).toBe(false);
    pass(1);
    expectFailure(recorder, 'first-byte-timeout', 'said nothing for 3000 ms');
  });

  it('a request may wait longer than others (blocking reload)', async () => {
    const { recorder, pass } = await slow({ timeouts: { firstByteMs: 6_000 } });
    pass(5_999);
    expect(recorder.over).toBe(false);
    pass(1);
    expectFailure(recorder, 'first-byte-timeout', '6000 ms');
  });

  it('a header that drips (slow loris)', async () => {
    const { recorder, send, pass } = await slow();
    for (const byte of 'HTTP') {
      await send(byte);
      pass(999);
      expect(recorder.over).toBe(false);
    }
    pass(10);
    expectFailure(recorder, 'too-slow', 'did not finish the header within 4000 ms');
  });

  it('content that stops', async () => {
    const { recorder, send, pass } = await slow();
    await send(`${ok}Content-Length: 9\r\n\r\nabc`);
    pass(1_999);
    expect(recorder.over).toBe(false);
    pass(1);
    expectFailure(recorder, 'too-slow', 'stopped sending for 2000 ms (3 of 9 bytes came)');
  });

  it('content that drips', async () => {
    const { recorder, send, pass } = await slow();
    await send(`${ok}\r\n`);
    for (let second = 0; second < 20; second++) {
      expect(recorder.over).toBe(false);
      await send('x');
      pass(1_000);
    }
    expectFailure(recorder, 'too-slow', 'within 20000 ms (20 bytes came)');
  });

  it('waiting for a connection counts', async () => {
    const { set, server, pass } = await slow(
      { timeouts: { firstByteMs: 90_000, totalMs: 90_000 } },
      {
        limits: { connectionsPerOrigin: 1 },
        timeouts,
      },
    );
    const waiting = new HttpRecorder();
    set.request({ url: `${server.url}/b` }, waiting);
    pass(20_000);
    expectFailure(waiting, 'too-slow', 'within 20000 ms');
  });
});

describe('redirects', () => {
  const to = (location: string, status = '302 Found') =>
    httpAnswer('moved', { status, headers: { location } });

  it.each(['301', '302', '303', '307', '308'])('%s, relative, on the same connection', async (status) => {
    const server = await serve(({ path }, socket) => {
      socket.write(
        path.startsWith('/old') ? to('../../new/a.ts?t=1#x', `${status} Moved`) : httpAnswer(path),
      );
    });
    const { content, url } = await ask(connectionsTo(server.url), `${server.url}/old/dir/a.ts`);
    expect(content).toBe('/new/a.ts?t=1');
    expect(url).toBe(`${server.url}/new/a.ts?t=1`);
    expect(server.accepted).toBe(1);
  });

  it('to another server, without the credentials, and the address that relative ones belong to is told', async () => {
    const edge = await serve((_asked, socket) => void socket.write(httpAnswer('x')));
    const origin = await serve((_asked, socket) => void socket.write(to(`${edge.url}/b/c.m3u8?t=1`)));
    const withLogin = origin.url.replace('http://', 'http://us:er@');
    const set = connectionsTo(withLogin, { headers: { Cookie: 'a=secret', 'X-Trace': '1' } });
    const { url } = await ask(set, `${withLogin}/a.m3u8`, { headers: { authorization: 'Bearer secret' } });
    expect(url).toBe(`${edge.url}/b/c.m3u8?t=1`);
    expect(origin.asked[0]!.headers.get('authorization')).toBe('Bearer secret');
    expect(origin.asked[0]!.headers.get('cookie')).toBe('a=secret');
    const there = edge.asked[0]!.headers;
    expect([there.has('authorization'), there.has('cookie'), there.get('x-trace')]).toEqual([
      false,
      false,
      '1',
    ]);
  });

  it('sends the login of the URL to its origin, and of the viewer to its own', async () => {
    const server = await serve(({ path, headers }, socket) => {
      socket.write(path === '/a' ? to('/b') : httpAnswer(headers.get('authorization') ?? 'none'));
    });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    const other = await serve(({ headers }, socket) => {
      socket.write(httpAnswer(headers.get('authorization') ?? 'none'));
    });
    const withLogin = (url: string, login: string) => url.replace('http://', `http://${login}@`);
    const home = connectionsTo(withLogin(server.url, 'me:x'));
    expect((await ask(home, `${server.url}/b`)).content).toBe(basic('me:x'));
    expect((await ask(home, `${other.url}/b`)).content).toBe('none');
    expect((await ask(home, withLogin(`${other.url}/b`, 'you:y'))).content).toBe(basic('you:y'));
    const away = connectionsTo('http://elsewhere/');
    expect((await ask(away, withLogin(`${server.url}/a`, 'us:z'))).content).toBe(basic('us:z'));
  });

  it.each([
    ['itself', '/a', 'in a circle'],
    ['something that is not HTTP', 'rtmp://127.0.0.1/live/a?sign=secret', 'is no HTTP URL'],
    ['a file', 'file:///etc/passwd', 'is no HTTP URL'],
    ['a script', 'data:text/plain,hello', 'is no HTTP URL'],
    ['nonsense', 'http://[::zz', 'is no URL'],
    ['an endless URL', `/${'x'.repeat(30_000)}`, 'endless'],
  ])('to %s', async (_name, location, says) => {
    const server = await serve((_asked, socket) => void socket.write(to(location)));
    expectFailure(await ask(connectionsTo(server.url), `${server.url}/a`), 'http-redirect', says);
  });

  it('gives up on two that send to each other, and on an endless row', async () => {
    const server = await serve(({ path }, socket) => {
      if (path === '/ping') socket.write(to('/pong'));
      else if (path === '/pong') socket.write(to('/ping'));
      else socket.write(to(`${path}x`));
    });
    const set = connectionsTo(server.url);
    expectFailure(await ask(set, `${server.url}/ping`), 'http-redirect', 'in a circle');
    expect(server.asked.length).toBe(2);
    expectFailure(await ask(set, `${server.url}/x`), 'http-redirect', 'again after 5 redirects');
    expect(server.asked.length).toBe(8);
  });

  it('not from https to http, unless that is allowed', async () => {
    const plain = await serve((_asked, socket) => void socket.write(httpAnswer('x')));
    const secure = await serve((_asked, socket) => void socket.write(to(`${plain.url}/b`)), {
      tls: loopbackCertificate(),
    });
    const tls = { rejectUnauthorized: false };
    const refused = await ask(connectionsTo(secure.url, { tls }), `${secure.url}/a`);
    expectFailure(refused, 'http-redirect', 'players refuse');
    const allowed = connectionsTo(secure.url, { tls, allowDowngrade: true });
    expect((await ask(allowed, `${secure.url}/a`)).content).toBe('x');
  });

  it('whose content never ends is followed all the same', async () => {
    const server = await serve(({ path }, socket) => {
      if (path === '/b') socket.write(httpAnswer('x'));
      else socket.write(`HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n${'x'.repeat(100_000)}`);
    });
    expect((await ask(connectionsTo(server.url), `${server.url}/a`)).content).toBe('x');
    expect(server.accepted).toBe(2);
  });
});

describe('content codings', () => {
  const text = '#EXTM3U\n'.repeat(500);
  const large = Buffer.from(Array.from({ length: 100_000 }, (_, i) => `${i * 7919}\n`).join(''));
  const coded = (bytes: Uint8Array, coding: string) =>
    httpAnswer(bytes, { headers: { 'content-encoding': coding } });
  const codings: [string, (bytes: Uint8Array) => Buffer][] = [
    ['gzip', zlib.gzipSync],
    ['x-gzip', zlib.gzipSync],
    ['deflate', zlib.deflateSync],
    ['deflate', zlib.deflateRawSync],
    [
      'br',
      (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
    ],
  ];

  it.each(codings)('%s, short: at once, on a connection that is kept', async (name, encode) => {
    const bytes = encode(Buffer.from(text));
    const server = await serve((_asked, socket) => void socket.write(coded(bytes, name)));
    const set = connectionsTo(server.url);
    for (let i = 0; i < 2; i++) {
      const recorder = await ask(set, `${server.url}/a`);
      expect(recorder.content).toBe(text);
      expect(recorder.pieces.length).toBe(1);
    }
    expect(server.accepted).toBe(1);
    expect(set.bytesReceived).toBeLessThan(2 * text.length);
  });

  it.each(codings)('%s, long: as it comes, and on a connection that is kept', async (name, encode) => {
    const bytes = encode(large);
    expect(bytes.length).toBeGreaterThan(64 * 1024);
    const server = await serve((_asked, socket) => void socket.write(coded(bytes, name)));
    const set = connectionsTo(server.url);
    for (let i = 0; i < 2; i++) {
      const recorder = await ask(set, `${server.url}/a`);
      expect(recorder.failure).toBe(null);
      expect(recorder.content === large.toString('latin1')).toBe(true);
      expect(recorder.pieces.length).toBeGreaterThan(1);
    }
    expect(server.accepted).toBe(1);
  });

  it.each(codings)('a bomb of %s', async (name, encode) => {
    const bomb = encode(Buffer.alloc(8 * 1024 * 1024));
    const recorder = await answeredBy(coded(bomb, name), {}, { limits: { expansion: 20 } });
    expectFailure(recorder, 'bad-response', 'as a compression bomb does');
    expect(recorder.pieces).toEqual([]);
  });

  it('a bomb that is long itself: ends where it goes too far', async () => {
    const bomb = zlib.gzipSync(Buffer.alloc(128 * 1024 * 1024), { level: 9 });
    expect(bomb.length).toBeGreaterThan(64 * 1024);
    const recorder = await answeredBy(coded(bomb, 'gzip'));
    expectFailure(recorder, 'bad-response', 'as a compression bomb does');
    expect(recorder.content.length).toBeLessThan(101 * bomb.length);
  });

  it('more content than the request allows, however it is coded', async () => {
    const gzip = coded(zlib.gzipSync(Buffer.from(text)), 'gzip');
    expectFailure(await answeredBy(gzip, { maxBodyBytes: 3_000 }), 'bad-response', 'more than 3000');
    expect((await answeredBy(gzip, { maxBodyBytes: text.length })).content).toBe(text);
  });

  it.each<[string, string, Uint8Array]>([
    ['gzip that is none', 'gzip', Buffer.from('hello')],
    ['gzip that breaks off', 'gzip', zlib.gzipSync(text).subarray(0, 30)],
    ['long gzip that breaks off', 'gzip', zlib.gzipSync(large).subarray(0, 200_000)],
    ['br that is none', 'br', Buffer.from([0xff, 0xff, 0xff])],
    ['a coding that was not offered', 'zstd', Buffer.from('hello')],
    ['one on top of the other', 'gzip, gzip', zlib.gzipSync(zlib.gzipSync(text))],
  ])('%s', async (_name, coding, bytes) => {
    expectFailure(await answeredBy(coded(bytes, coding)), 'bad-response', coding);
  });

  it('says that it is coded and has no content', async () => {
    expect(await answeredBy(coded(new Uint8Array(0), 'gzip'))).toMatchObject({ ending: 'end', content: '' });
  });

  it('leaves in the middle of long content: nothing more is told', async () => {
    const server = await serve((_asked, socket) => void socket.write(coded(zlib.gzipSync(large), 'gzip')));
    const set = connectionsTo(server.url);
    const recorder = new HttpRecorder();
    const request = set.request({ url: `${server.url}/a` }, recorder);
    let pieces = 0;
    recorder.onBody = () => {
      pieces++;
      request.abort();
    };
    await until(() => pieces > 0);
    expect((await ask(set, `${server.url}/b`)).content.length).toBe(large.length);
    expect([pieces, recorder.ending]).toEqual([1, null]);
  });
});

describe('byte ranges', () => {
  const part = (range: string, body = 'cde', headers: Record<string, string> = {}) =>
    httpAnswer(body, { status: '206 Partial Content', headers: { 'content-range': range, ...headers } });
  const range = { offset: 2, length: 3 };

  it.each<[string, Uint8Array, { offset: number; length: number | null }]>([
    ['the part', part('bytes 2-4/9'), range],
    ['of a file whose length is not known', part('bytes 2-4/*'), range],
    ['to the end', part('bytes 2-4/5'), { offset: 2, length: null }],
    ['all of it is the part', httpAnswer('cde'), { offset: 0, length: 3 }],
    ['all of it, from the start', httpAnswer('cde'), { offset: 0, length: null }],
  ])('%s', async (_name, answer, asked) => {
    expect(await answeredBy(answer, { range: asked })).toMatchObject({ ending: 'end', content: 'cde' });
  });

  it.each<[string, Uint8Array, string]>([
    ['another part', part('bytes 3-5/9'), 'the bytes 3-5 although 2-4 were asked for'],
    ['less', part('bytes 2-3/9', 'cd'), 'the bytes 2-3 although'],
    ['backwards', part('bytes 2-1/9', ''), 'the bytes 2-1 although'],
    ['a length that is not the part', part('bytes 2-4/9', 'cd'), 'announced 2 bytes for a part of 3'],
    ['no Content-Range', httpAnswer('cde', { status: '206 P' }), 'Content-Range is ""'],
    ['several parts', part('multipart/byteranges'), 'Content-Range is "multipart'],
    ['the whole file', httpAnswer('abcdefghi'), 'ignored the byte range bytes=2-4'],
    ['compressed', part('bytes 2-4/9', 'cde', { 'content-encoding': 'gzip' }), 'compressed a byte range'],
  ])('refuses %s', async (_name, answer, says) => {
    expectFailure(await answeredBy(answer, { range }), 'bad-response', says);
  });

  it('a part that nobody asked for', async () => {
    expectFailure(await answeredBy(part('bytes 2-4/9')), 'bad-response', 'although the whole');
  });

  it('416', async () => {
    const answer = httpAnswer('', { status: '416 Range Not Satisfiable' });
    expectFailure(await answeredBy(answer, { range }), 'http-4xx', 'no part of 3 bytes at 2');
  });
});

describe('other requests', () => {
  it('are not harmed by one that goes wrong', async () => {
    const server = await serve(({ path }: AskedHttp, socket) => {
      if (path === '/bad') socket.write(`${ok}Content-Length: x\r\n\r\n`);
      else socket.write(httpAnswer(path));
    });
    const set = connectionsTo(server.url);
    const bad = ask(set, `${server.url}/bad`);
    const good = ask(set, `${server.url}/good`);
    expectFailure(await bad, 'bad-response', 'HTTP_CONTENT_LENGTH');
    expect((await good).content).toBe('/good');
  });
});
