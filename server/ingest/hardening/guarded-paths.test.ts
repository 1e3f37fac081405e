import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtEntry } from '../../../tests/kit/built-entry.ts';
import {
  amf0,
  connectRtmp,
  greetRtmp,
  RawSocket,
  request,
  rtmpMessage,
  statusOf,
  until,
  upgrade,
} from '../fixtures/test-peers.ts';
import { kinds, startServer, type TestServer } from '../fixtures/test-servers.ts';

const entry = builtEntry('server/ingest/process');
let hardened: TestServer;
beforeAll(async () => {
  hardened = await startServer('hardened', entry);
});
afterAll(() => hardened.dispose());

/** Each ends a plain server; the hardened one ends the connection. */
const killers: Record<string, (server: TestServer) => Promise<RawSocket>> = {
  'an HTTP path with a dot in its name': async ({ httpPort }) =>
    request(httpPort, '/live/bad.name.flv', 'GET', ['Connection: close']),
  'a WebSocket path with a blank in its name': async ({ httpPort }) =>
    upgrade(httpPort, '/live/bad%20name.flv'),
  'an RTMP connect without a URL': async ({ rtmpPort }) =>
    (await greetRtmp(rtmpPort)).command(0, 'connect', 1, { app: 'live', tcUrl: 'nowhere' }),
  'an RTMP play of nothing': async ({ rtmpPort }) =>
    (await connectRtmp(rtmpPort)).command(1, 'play', 3, null, null),
  'an RTMP command that is cut short': async ({ rtmpPort }) =>
    (await connectRtmp(rtmpPort)).send(
      rtmpMessage(20, 0, Buffer.concat([amf0('connect'), Buffer.from([0, 1])])),
    ),
  'RTMP metadata that is "undefined"': async ({ rtmpPort }) =>
    (await connectRtmp(rtmpPort))
      .publish('x')
      .send(rtmpMessage(18, 1, Buffer.concat([amf0('onMetaData'), Buffer.from([6])]))),
};

describe.each(kinds)('%s server: defect 1, what a peer sends can end the process', (kind) => {
  it.each(Object.keys(killers))('%s', async (name) => {
    const server = kind === 'plain' ? await startServer('plain', entry) : hardened;
    try {
      const peer = await killers[name]!(server);
      await until('the connection was closed', () => peer.closed);
      if (kind === 'plain') await until('the server died', () => !server.alive());
      else expect(await statusOf(request(server.httpPort, '/healthz'))).toBe(200);
      expect(server.alive()).toBe(kind === 'hardened');
    } finally {
      if (kind === 'plain') await server.dispose();
    }
  });
});

describe('hardened server: hostile paths', () => {
  it('are answered with 400 or 404, over HTTP and WebSocket', async () => {
    const cases: Record<string, number> = {
      '/live/bad.name.flv': 400,
      '/live/../../etc/passwd': 400,
      '/live/..%2f..%2fetc%2fpasswd.flv': 400,
      '/live/%2e%2e/x.flv': 400,
      '/live/x%00.flv': 400,
      '/live/x%ff.flv': 400,
      '/live/%.flv': 400,
      '/live/x.flv/..': 400,
      '//live/x.flv': 400,
      '/live\\x.flv': 400,
      [`/live/${'x'.repeat(129)}.flv`]: 400,
      [`/${'x'.repeat(65)}/x.flv`]: 400,
      [`/${'x'.repeat(5_000)}`]: 400,
      'http://127.0.0.1/live/x.flv': 400,
      '/live/.flv': 400,
      '/live/nobody.flv': 404,
      '/live/x': 404,
      '/admin/': 404,
      '/api/v1/streams': 404,
      '/__proto__/constructor.flv': 404,
      '/': 404,
    };
    for (const [target, status] of Object.entries(cases)) {
      expect(await statusOf(request(hardened.httpPort, target)), target).toBe(status);
      expect(await statusOf(upgrade(hardened.httpPort, target)), `WebSocket ${target}`).toBe(status);
    }
    // A raw NUL or blank does not even pass Node's parser.
    expect(await statusOf(request(hardened.httpPort, '/live/\0.flv'))).toBe(400);
    expect(hardened.alive()).toBe(true);
  });

  it('are refused in RTMP', async () => {
    for (const name of ['bad.name', '..', '../x', '%2e%2e', 'x\0', '', 'x'.repeat(129), 'a/b', '?sign=1']) {
      const viewer = (await connectRtmp(hardened.rtmpPort)).play(name);
      await until('the connection was closed', () => viewer.closed);
      expect(viewer.text, name).toContain('NetStream.Play.StreamNotFound');
      const publisher = (await connectRtmp(hardened.rtmpPort)).publish(name);
      await until('the connection was closed', () => publisher.closed);
      expect(publisher.text, name).toContain('NetStream.Publish.BadName');
    }
    const connection = await connectRtmp(hardened.rtmpPort, 'a/b');
    await until('the connection was closed', () => connection.closed);
    expect(connection.text).toContain('NetConnection.Connect.Rejected');
    expect(hardened.events.filter((event) => !event.endsWith('/x'))).toEqual([]);
  });

  it('other methods, oversized headers and other protocols end with a clear status', async () => {
    const { httpPort } = hardened;
    expect(await statusOf(request(httpPort, '/live/x.flv', 'DELETE'))).toBe(405);
    expect(await statusOf(request(httpPort, '/live/x.flv', 'OPTIONS'))).toBe(204);
    expect(await statusOf(request(httpPort, '/live/x.flv', 'GET', [`X-Large: ${'x'.repeat(20_000)}`]))).toBe(
      431,
    );
    expect(await statusOf(new RawSocket(httpPort).send('not HTTP at all\r\n\r\n'))).toBe(400);
  });
});

describe('hardened server: bounds of RTMP', () => {
  const cases: Record<string, Buffer> = {
    'a chunk size of 0': rtmpMessage(1, 0, Buffer.alloc(4)),
    'a chunk size of more than 2^31': rtmpMessage(1, 0, Buffer.alloc(4, 0xff)),
    'a command of 1 MiB': rtmpMessage(20, 0, Buffer.alloc(1024 * 1024)),
    'a message of 16 MiB from somebody who does not publish': Buffer.from(
      '03000000ffffff090100000000',
      'hex',
    ),
    'forty chunk streams': Buffer.concat(
      Array.from({ length: 40 }, (_, i) =>
        Buffer.from([3 + i, 0, 0, 0, 0, 0, 9, 9, 1, 0, 0, 0, ...Array(9).fill(0)]),
      ),
    ),
    'deeply nested objects': rtmpMessage(20, 0, Buffer.alloc(60_000, Buffer.from('0300016b', 'hex'))),
  };
  it.each(Object.entries(cases))('%s ends that connection only', async (_, bytes) => {
    const good = await connectRtmp(hardened.rtmpPort);
    const bad = (await connectRtmp(hardened.rtmpPort)).send(bytes);
    await until('the connection was cut', () => bad.closed);
    expect(good.closed).toBe(false);
    good.end();
    expect(hardened.alive()).toBe(true);
  });

  it('what does not begin as RTMP is cut at its first byte', async () => {
    const { rtmpPort } = hardened;
    const peer = new RawSocket(rtmpPort).send('GET / HTTP/1.1\r\n\r\n');
    await until('the connection was cut', () => peer.closed);
    expect(peer.bytesReceived).toBe(0);
  });
});
