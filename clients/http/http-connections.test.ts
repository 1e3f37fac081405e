import zlib from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loopbackCertificate } from '../../tests/kit/certificate.ts';
import { freePort } from '../../tests/kit/free-port.ts';
import {
  type AskedHttp,
  type HttpAnswersServer,
  httpAnswer,
  startHttpAnswers,
} from '../../tests/kit/http-answers.ts';
import { HttpRecorder, until } from '../../tests/kit/http-recorder.ts';
import { everyWayToCut } from '../../tests/kit/pieces.ts';
import { HandClock } from '../../tests/kit/viewer-contract.ts';
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
  const set = new HttpConnections({ clock, url: `${url}/`, ...options });
  sets.push(set);
  return set;
}

async function ask(set: HttpConnections, url: string, more: Partial<HttpAsked> = {}): Promise<HttpRecorder> {
  const recorder = new HttpRecorder();
  set.request({ url, ...more }, recorder);
  expect(recorder.over).toBe(false);
  await until(() => recorder.over);
  return recorder;
}

/** Answers every request with the same. */
const always =
  (bytes: string | Uint8Array, after: 'keep' | 'close' = 'keep') =>
  (_asked: AskedHttp, socket: Socket): void => {
    socket.write(bytes as Uint8Array);
    if (after === 'close') socket.end();
  };

describe('keep-alive', () => {
  it('asks one after the other on one connection', async () => {
    const server = await serve(({ path }, socket) => void socket.write(httpAnswer(`<${path}>`)));
    const set = connectionsTo(server.url);
    for (const path of ['/a.m3u8', '/b.ts?sign=1', '/c%20d/e.ts']) {
      const { ending, content, url } = await ask(set, server.url + path);
      expect({ ending, content, url }).toEqual({
        ending: 'end',
        content: `<${path}>`,
        url: server.url + path,
      });
    }
    expect(server.accepted).toBe(1);
    expect(server.asked.map(({ turn }) => turn)).toEqual([0, 1, 2]);
  });

  it('asks as a browser does, for codings but in byte ranges', async () => {
    const server = await serve(({ headers }, socket) => {
      const part = { 'content-range': 'bytes 2-4/9' };
      socket.write(
        headers.has('range')
          ? httpAnswer('abc', { status: '206 Partial Content', headers: part })
          : httpAnswer('x'),
      );
    });
    const set = connectionsTo(server.url, { headers: { Referer: 'http://site/' } });
    await ask(set, `${server.url}/a`);
    await ask(set, `${server.url}/b`, {
      range: { offset: 2, length: 3 },
      headers: { 'CMCD-Request': 'br=1' },
    });
    const [plain, part] = server.asked;
    const host = server.url.replace('http://', '');
    expect(plain!.text).toBe(
      `GET /a HTTP/1.1\r\nhost: ${host}\r\nuser-agent: streamgauge\r\naccept: */*\r\naccept-encoding: gzip, deflate, br\r\nreferer: http://site/\r\n\r\n`,
    );
    expect(Object.fromEntries(part!.headers)).toMatchObject({
      range: 'bytes=2-4',
      'accept-encoding': 'identity',
      'cmcd-request': 'br=1',
      referer: 'http://site/',
    });
  });

  it('opens as many connections as there are requests at the same time, up to the limit, and serves the rest in order', async () => {
    const waiting: [AskedHttp, Socket][] = [];
    const server = await serve((asked, socket) => waiting.push([asked, socket]));
    const set = connectionsTo(server.url, { limits: { connectionsPerOrigin: 2 } });
    const recorders = ['/0', '/1', '/2', '/3'].map((path) => {
      const recorder = new HttpRecorder();
      set.request({ url: server.url + path }, recorder);
      return recorder;
    });
    await until(() => waiting.length === 2);
    expect(set.connectionCount).toBe(2);
    for (let answered = 0; answered < 4; answered++) {
      await until(() => waiting.length > answered);
      const [asked, socket] = waiting[answered]!;
      socket.write(httpAnswer(asked.path));
    }
    await until(() => recorders.every((recorder) => recorder.over));
    expect(recorders.map((recorder) => recorder.content)).toEqual(['/0', '/1', '/2', '/3']);
    expect(server.accepted).toBe(2);
    expect(server.asked.map(({ path }) => path)).toEqual(expect.arrayContaining(['/0', '/1', '/2', '/3']));
  });

  it('lets no more wait than its limit, and says so', async () => {
    const server = await serve(() => {});
    const set = connectionsTo(server.url, { limits: { connectionsPerOrigin: 1, waiting: 2 } });
    const recorders = [0, 1, 2, 3].map(() => {
      const recorder = new HttpRecorder();
      set.request({ url: `${server.url}/a` }, recorder);
      return recorder;
    });
    await until(() => recorders[3]!.over);
    expect(recorders[3]!.failure).toMatchObject({ reason: 'generator-limit' });
    expect(recorders.slice(0, 3).every((recorder) => !recorder.over)).toBe(true);
  });

  it('closes an idle connection elsewhere where there are too many in all', async () => {
    const servers = await Promise.all([0, 1, 2].map(() => serve(always(httpAnswer('x')))));
    const set = connectionsTo(servers[0]!.url, { limits: { connections: 2 } });
    for (const { url } of servers) await ask(set, `${url}/a`);
    expect(set.connectionCount).toBe(2);
    expect((await ask(set, `${servers[2]!.url}/b`)).content).toBe('x');
    expect(servers[2]!.accepted).toBe(1);
  });

  it('uses a connection again from within the end of the last answer', async () => {
    const server = await serve(always(httpAnswer('x')));
    const set = connectionsTo(server.url);
    const second = new HttpRecorder();
    const first = new HttpRecorder();
    first.onEnd = () => set.request({ url: `${server.url}/b` }, second);
    set.request({ url: `${server.url}/a` }, first);
    await until(() => second.over);
    expect(server.accepted).toBe(1);
  });

  it.each([
    ['says close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx'],
    ['speaks HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx'],
    [
      'frames twice',
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    ],
    ['sends more than it announced', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxyz'],
    [
      'answers a question that nobody asked',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    ],
  ])('does not use a connection again whose server %s', async (_name, answer) => {
    const server = await serve(always(answer));
    const set = connectionsTo(server.url);
    for (let i = 0; i < 2; i++) expect((await ask(set, `${server.url}/a`)).content).toBe('x');
    expect(server.accepted).toBe(2);
  });

  it('HTTP/1.0 with keep-alive is kept', async () => {
    const server = await serve(
      always('HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx'),
    );
    const set = connectionsTo(server.url);
    for (let i = 0; i < 2; i++) expect((await ask(set, `${server.url}/a`)).content).toBe('x');
    expect(server.accepted).toBe(1);
  });

  it('drops a connection on which something comes that nobody asked for', async () => {
    let socket: Socket | undefined;
    const server = await serve((asked, its) => {
      socket = its;
      its.write(httpAnswer(asked.path));
    });
    const set = connectionsTo(server.url);
    await ask(set, `${server.url}/a`);
    socket!.write(httpAnswer('evil'));
    await until(() => set.connectionCount === 0);
    expect((await ask(set, `${server.url}/b`)).content).toBe('/b');
  });

  it('closes what has been idle too long', async () => {
    const server = await serve(always(httpAnswer('x')));
    const set = connectionsTo(server.url, { limits: { idleMs: 5_000 } });
    await ask(set, `${server.url}/a`);
    clock.now += 4_999;
    set.sweep(clock.now);
    expect(set.connectionCount).toBe(1);
    clock.now += 1;
    set.sweep(clock.now);
    expect(set.connectionCount).toBe(0);
  });

  it('counts bytes off the wire, and takes times from the clock', async () => {
    const answer = httpAnswer('hello', { headers: { 'x-pad': 'y'.repeat(50) } });
    const sockets: Socket[] = [];
    const server = await serve((_asked, socket) => sockets.push(socket));
    let connected = 0;
    const set = connectionsTo(server.url, { connected: () => connected++ });
    const recorder = new HttpRecorder();
    const request = set.request({ url: `${server.url}/a` }, recorder);
    await until(() => sockets.length === 1);
    clock.now += 70;
    sockets[0]!.write(answer);
    await until(() => recorder.over);
    expect({ ...pick(request), nowMs: set.nowMs, all: set.bytesReceived, connected }).toEqual({
      sentMs: 1_000,
      firstByteMs: 1_070,
      wireBytes: answer.length,
      nowMs: 1_070,
      all: answer.length,
      connected: 1,
    });
  });

  it('TLS, by the options of all viewers', async () => {
    const certificate = loopbackCertificate();
    const server = await serve(({ path }, socket) => void socket.write(httpAnswer(path)), {
      tls: certificate,
    });
    const set = connectionsTo(server.url, { tls: { ca: certificate.cert } });
    for (const path of ['/a', '/b']) expect((await ask(set, server.url + path)).content).toBe(path);
    expect(server.accepted).toBe(1);
    const strict = await ask(connectionsTo(server.url), `${server.url}/a`);
    expect(strict.failure).toMatchObject({ reason: 'tls' });
  });
});

function pick({
  sentMs,
  firstByteMs,
  wireBytes,
}: {
  sentMs: number;
  firstByteMs: number;
  wireBytes: number;
}) {
  return { sentMs, firstByteMs, wireBytes };
}

describe('answers in pieces', () => {
  const chunked =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3;x=y\r\ndef\r\n0\r\nt: v\r\n\r\n';
  const coded = zlib.gzipSync('abcdef');
  const answers: [string, Buffer][] = [
    ['a length', httpAnswer('abcdef')],
    ['chunks', Buffer.from(chunked)],
    ['100 before', Buffer.concat([Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'), httpAnswer('abcdef')])],
    ['gzip', httpAnswer(coded, { headers: { 'content-encoding': 'gzip' } })],
  ];
  it.each(answers)(
    '%s: byte by byte and cut at every offset, all on one connection',
    async (_name, answer) => {
      const sockets: Socket[] = [];
      const server = await serve((_asked, socket) => sockets.push(socket));
      const set = connectionsTo(server.url);
      for (const ends of everyWayToCut(answer.length)) {
        const recorder = new HttpRecorder();
        const before = set.bytesReceived;
        const turns = server.asked.length;
        set.request({ url: `${server.url}/a` }, recorder);
        await until(() => server.asked.length > turns);
        let at = 0;
        for (const end of ends) {
          expect(recorder.over).toBe(false);
          sockets.at(-1)!.write(answer.subarray(at, end));
          at = end;
          await until(() => set.bytesReceived - before === at);
        }
        expect(recorder).toMatchObject({ ending: 'end', content: 'abcdef' });
      }
      expect(server.accepted).toBe(1);
    },
  );

  it('content until the connection closes', async () => {
    const server = await serve(always('HTTP/1.1 200 OK\r\n\r\nabcdef', 'close'));
    expect(await ask(connectionsTo(server.url), `${server.url}/a`)).toMatchObject({
      ending: 'end',
      content: 'abcdef',
    });
  });

  it('no content at all: 204, and a length of 0', async () => {
    const server = await serve(({ turn }, socket) => {
      socket.write(turn === 0 ? 'HTTP/1.1 204 No Content\r\n\r\n' : httpAnswer(''));
    });
    const set = connectionsTo(server.url);
    for (let i = 0; i < 2; i++) {
      expect(await ask(set, `${server.url}/a`)).toMatchObject({ ending: 'end', content: '' });
    }
    expect(server.accepted).toBe(1);
  });
});

describe('a connection that the server has closed meanwhile', () => {
  /** Closes the first connection when the second question comes on it. */
  const stale =
    (how: (socket: Socket) => void): Answer =>
    ({ connection, turn, path }, socket) => {
      if (connection === 0 && turn === 1) how(socket);
      else socket.write(httpAnswer(path));
    };

  it.each([
    ['closed', (socket: Socket) => void socket.end()],
    ['reset', (socket: Socket) => void socket.resetAndDestroy()],
  ])('%s: is asked once more on a new one', async (_name, how) => {
    const server = await serve(stale(how));
    const set = connectionsTo(server.url);
    await ask(set, `${server.url}/a`);
    expect((await ask(set, `${server.url}/b`)).content).toBe('/b');
    expect(server.accepted).toBe(2);
  });

  it('not if a byte of the answer had come', async () => {
    const server = await serve(stale((socket) => void socket.end('HTTP/1.1 2')));
    const set = connectionsTo(server.url);
    await ask(set, `${server.url}/a`);
    const { failure } = await ask(set, `${server.url}/b`);
    expect(failure).toMatchObject({ reason: 'closed' });
    expect(failure!.detail).toContain('in the middle of the header');
  });

  it('and not twice', async () => {
    const server = await serve(({ path }, socket) => {
      if (path === '/a') socket.write(httpAnswer('x'));
      else socket.end();
    });
    const set = connectionsTo(server.url);
    await ask(set, `${server.url}/a`);
    const { failure } = await ask(set, `${server.url}/b?sign=secret`);
    expect(failure).toMatchObject({ reason: 'closed' });
    expect(failure!.detail).toContain('without an answer [file /b]');
    expect(server.accepted).toBe(2);
  });

  it('a first connection that closes without an answer is not asked again', async () => {
    const server = await serve((_asked, socket) => void socket.end());
    expect((await ask(connectionsTo(server.url), `${server.url}/a`)).failure?.reason).toBe('closed');
    expect(server.accepted).toBe(1);
  });
});

describe('leaving', () => {
  it('hears nothing after abort, wherever it was', async () => {
    const sockets: Socket[] = [];
    const server = await serve((_asked, socket) => sockets.push(socket));
    const set = connectionsTo(server.url, { limits: { connectionsPerOrigin: 1 } });
    const [first, waiting, other] = [new HttpRecorder(), new HttpRecorder(), new HttpRecorder()];
    const firstRequest = set.request({ url: `${server.url}/1` }, first);
    const waitingRequest = set.request({ url: `${server.url}/2` }, waiting);
    set.request({ url: `${server.url}/3` }, other);
    await until(() => sockets.length === 1);
    waitingRequest.abort();
    firstRequest.abort();
    await until(() => sockets.length === 2);
    sockets[1]!.write(httpAnswer('x'));
    await until(() => other.over);
    expect(server.asked.map(({ path }) => path)).toEqual(['/1', '/3']);
    expect([first.ending, waiting.ending]).toEqual([null, null]);
  });

  it('may abort from within its own calls', async () => {
    const server = await serve(always(httpAnswer('x'.repeat(100_000))));
    const set = connectionsTo(server.url);
    for (const call of ['onHead', 'onBody'] as const) {
      const recorder = new HttpRecorder();
      let aborted = false;
      const request = set.request({ url: `${server.url}/a` }, recorder);
      recorder[call] = () => {
        request.abort();
        aborted = true;
      };
      await until(() => aborted);
    }
    expect((await ask(set, `${server.url}/b`)).content.length).toBe(100_000);
  });

  it('hands back what a handler throws', async () => {
    const server = await serve(always(httpAnswer('xy')));
    const set = connectionsTo(server.url);
    for (const call of ['onHead', 'onBody'] as const) {
      const recorder = new HttpRecorder();
      recorder[call] = () => {
        throw new Error(call);
      };
      set.request({ url: `${server.url}/a` }, recorder);
      await until(() => recorder.over);
      expect(recorder).toMatchObject({ ending: 'threw', error: { message: call } });
    }
    expect((await ask(set, `${server.url}/b`)).content).toBe('xy');
  });

  it('closes everything, and takes no more', async () => {
    const server = await serve(always(httpAnswer('x')));
    const set = connectionsTo(server.url);
    await ask(set, `${server.url}/a`);
    const [under, after, refused] = [new HttpRecorder(), new HttpRecorder(), new HttpRecorder()];
    set.request({ url: `${server.url}/b` }, under);
    set.request({ url: 'ftp://host/' }, refused);
    set.close();
    set.request({ url: `${server.url}/c` }, after);
    await new Promise((resolve) => setImmediate(resolve));
    expect([under.ending, after.ending, refused.ending]).toEqual([null, null, null]);
    expect(set.connectionCount).toBe(0);
  });
});

describe('what is wrong before anything is sent', () => {
  it.each([
    ['ftp://host/a', 'not an HTTP URL'],
    ['nonsense', 'not a URL'],
    [`http://host/${'x'.repeat(20_000)}`, 'characters'],
    ['http://us%er:topsecret@host/a', 'percent-encoded'],
  ])('%#', async (url, says) => {
    const { failure } = await ask(connectionsTo('http://host'), url);
    expect(failure?.reason).toBe('bad-response');
    expect(failure?.detail).toContain(says);
    expect(failure?.detail).not.toContain('topsecret');
  });

  it('nobody listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    expect((await ask(connectionsTo(url), `${url}/a`)).failure?.reason).toBe('refused');
  });

  it('refuses a URL and headers of its own at once', () => {
    expect(() => connectionsTo('ftp://host')).toThrow(/not an HTTP URL/);
    expect(() => connectionsTo('http://host', { headers: { 'a b': 'c' } })).toThrow(/cannot be sent/);
  });
});
