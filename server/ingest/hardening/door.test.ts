/** Pages of others and limits, at the door of a running server: what plain node-media-server lets through, and ours does not. */
import { afterEach, describe, expect, it } from 'vitest';
import { builtEntry } from '../../../tests/kit/built-entry.ts';
import { signUrl } from '../../gate/sign.ts';
import { FlvViewer } from '../fixtures/flv-viewer.ts';
import {
  connectRtmp,
  publish,
  type RawSocket,
  request,
  statusOf,
  until,
  upgrade,
} from '../fixtures/test-peers.ts';
import {
  fixture,
  type Kind,
  kinds,
  startServer,
  type TestServer,
  type TestServerOptions,
} from '../fixtures/test-servers.ts';

const entry = builtEntry('server/ingest/process');
const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

async function serve(kind: Kind, options: TestServerOptions): Promise<TestServer> {
  const server = await startServer(kind, entry, options);
  cleanUp.push(server.dispose);
  return server;
}

async function serveLive(kind: Kind, options: TestServerOptions, query = ''): Promise<TestServer> {
  const server = await serve(kind, options);
  const publisher = publish(fixture('live.flv'), `rtmp://127.0.0.1:${server.rtmpPort}/live/x${query}`);
  cleanUp.push(() => publisher.end());
  await until('the stream was published', () => server.events.includes('published live/x'));
  return server;
}

function kept<Peer extends RawSocket>(peer: Peer): Peer {
  cleanUp.push(() => peer.end());
  return peer;
}

/** On the page of a stranger; `upgrade` has no place for headers. */
function upgradeFrom(port: number, page: string): RawSocket {
  return request(port, '/live/x.flv', 'GET', [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==',
    `Origin: ${page}`,
  ]);
}

describe.each(kinds)('%s server: pages of others', (kind) => {
  it('may not play, and ours may', async () => {
    const { httpPort, stats } = await serveLive(kind, { allowedOrigins: ['tv.test'] });
    const get = (...headers: string[]) => statusOf(kept(request(httpPort, '/live/x.flv', 'GET', headers)));
    const stranger = kind === 'plain' ? 200 : 403;
    expect(await get('Referer: https://evil.test/page')).toBe(stranger);
    expect(await get('Origin: null')).toBe(stranger);
    expect(await statusOf(kept(upgradeFrom(httpPort, 'https://evil.test')))).toBe(
      kind === 'plain' ? 101 : 403,
    );
    expect(await get()).toBe(200);
    expect(await get('Origin: https://tv.test')).toBe(200);
    // The player page is served from another port of the same host.
    expect(await get('Origin: http://127.0.0.1:8080')).toBe(200);
    expect(await statusOf(kept(upgradeFrom(httpPort, 'https://tv.test')))).toBe(101);
    if (kind === 'hardened') expect((await stats()).refused.hotlink).toBe(3);
  });
});

describe.each(kinds)('%s server: viewers beyond a limit', (kind) => {
  it('are told so on each protocol, and those there are do not notice', async () => {
    const server = await serveLive(kind, { limits: { viewersPerStream: 2 } });
    const { rtmpPort, httpPort } = server;
    const viewer = new FlvViewer(`http://127.0.0.1:${httpPort}/live/x.flv`);
    cleanUp.push(viewer.end);
    await until('media came', () => viewer.media.length > 0);
    const second = kept((await connectRtmp(rtmpPort)).play('x'));
    await until('the second plays', () => second.text.includes('NetStream.Play.Start'));

    const http = kept(request(httpPort, '/live/x.flv'));
    const ws = kept(upgrade(httpPort, '/live/x.flv'));
    const rtmp = kept((await connectRtmp(rtmpPort)).play('x'));
    if (kind === 'plain') {
      expect([await statusOf(http), await statusOf(ws)]).toEqual([200, 101]);
      await until('the fifth plays', () => rtmp.text.includes('NetStream.Play.Start'));
      return;
    }
    expect([await statusOf(http), await statusOf(ws)]).toEqual([503, 503]);
    for (const { text } of [http, ws]) {
      expect(text).toContain('Retry-After: 5\r\n');
      expect(text).toContain('The stream /live/x has as many viewers as it may have.');
    }
    await until('the RTMP viewer was turned away', () => rtmp.closed);
    expect(rtmp.text).toContain('NetStream.Play.Failed');
    expect(rtmp.text).not.toContain('Start');
    const seen = viewer.media.length;
    await until('the first goes on', () => viewer.media.length > seen + 10);
    expect([viewer.ended, second.closed]).toEqual([null, false]);
    expect((await server.stats()).refused['stream-full']).toBe(3);

    // HEAD asks, and takes no place.
    second.end();
    await until('there is room', async () => (await server.stats()).viewers === 1);
    for (let i = 0; i < 3; i++) expect(await statusOf(request(httpPort, '/live/x.flv', 'HEAD'))).toBe(200);
    const next = kept(upgrade(httpPort, '/live/x.flv'));
    expect(await statusOf(next)).toBe(101);
    expect(await statusOf(request(httpPort, '/live/x.flv'))).toBe(503);

    // Who goes makes room, on each protocol.
    next.end();
    await until('there is room', async () => (await server.stats()).viewers === 1);
    const last = kept(request(httpPort, '/live/x.flv'));
    expect(await statusOf(last)).toBe(200);
    expect(await statusOf(upgrade(httpPort, '/live/x.flv'))).toBe(503);
    last.end();
    await until('there is room', async () => (await server.stats()).viewers === 1);
    expect(await statusOf(kept(upgrade(httpPort, '/live/x.flv')))).toBe(101);
  });
});

describe('hardened server: limits', () => {
  it('of one address: 429, except for what the stack itself asks', async () => {
    const internalSecret = 'of the stack alone';
    const { httpPort } = await serveLive('hardened', { limits: { viewersPerAddress: 1 }, internalSecret });
    expect(await statusOf(kept(request(httpPort, '/live/x.flv')))).toBe(200);
    const more = kept(request(httpPort, '/live/x.flv'));
    expect(await statusOf(more)).toBe(429);
    expect(more.text).toContain('Retry-After: 5\r\n');
    const own = signUrl('http://x/live/x.flv', internalSecret, Date.now() / 1_000 + 10).slice(
      'http://x'.length,
    );
    for (let i = 0; i < 3; i++) expect(await statusOf(kept(request(httpPort, own)))).toBe(200);
  });

  it('of publishers, and one that goes makes room', async () => {
    const server = await serve('hardened', {
      limits: { publishers: 2, publishersPerAddress: 1 },
      publishGraceMs: 0,
    });
    const first = kept((await connectRtmp(server.rtmpPort)).publish('a'));
    await until('the first was published', () => server.events.includes('published live/a'));
    const second = kept((await connectRtmp(server.rtmpPort)).publish('b'));
    await until('the second was turned away', () => second.closed);
    expect(second.text).toContain('NetStream.Publish.Failed');
    expect(await statusOf(request(server.httpPort, '/live/b.flv', 'POST', ['Content-Length: 9']))).toBe(429);
    expect(await statusOf(upgrade(server.httpPort, '/live/b.flv', 'publisher'))).toBe(429);
    first.end();
    await until('the first has gone', () => server.events.includes('unpublished live/a'));
    kept((await connectRtmp(server.rtmpPort)).publish('b'));
    await until('another publishes', () => server.events.includes('published live/b'));
  });
});

describe('hardened server: keys', () => {
  it('rotate: both are good, and nothing lives too long', async () => {
    const secrets = ['the new secret', 'the old secret'] as const;
    const soon = Date.now() / 1_000 + 60;
    const good = signUrl('rtmp://x/live/x', secrets[1], soon).split('?')[1];
    const { httpPort } = await serveLive(
      'hardened',
      { publishSecrets: secrets, playSecrets: secrets, playSecret: 'a third secret', maxLifetimeS: 3_600 },
      `?${good}`,
    );
    const status = (secret: string, expiresAtS: number) =>
      statusOf(kept(request(httpPort, signUrl('http://x/live/x.flv', secret, expiresAtS).slice(8))));
    for (const secret of [...secrets, 'a third secret']) expect(await status(secret, soon)).toBe(200);
    expect(await status('an older secret', soon)).toBe(403);
    expect(await status(secrets[0], soon + 7_200)).toBe(403);
    expect(await status(secrets[0], soon - 120)).toBe(403);
  });
});
