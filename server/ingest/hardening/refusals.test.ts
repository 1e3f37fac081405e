import { afterEach, describe, expect, it } from 'vitest';
import { builtEntry } from '../../../tests/kit/built-entry.ts';
import { signUrl } from '../../gate/sign.ts';
import {
  connectRtmp,
  publish,
  request,
  rtmpMessage,
  statusOf,
  until,
  upgrade,
} from '../fixtures/test-peers.ts';
import { fixture, kinds, startServer, type TestServer } from '../fixtures/test-servers.ts';

const entry = builtEntry('server/ingest/process');
const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const secret = 'a secret of the tests';
const soonS = () => Date.now() / 1_000 + 60;

async function serve(kind: (typeof kinds)[number], options: { secret?: string } = {}): Promise<TestServer> {
  const server = await startServer(kind, entry, options);
  cleanUp.push(server.dispose);
  return server;
}

/** The target with its query, signed for publishing and playing alike. */
function signed(target: string, key: string, expiresAtS: number): string {
  return signUrl(`http://x${target}`, key, expiresAtS).slice('http://x'.length);
}

describe.each(kinds)('%s server: defect 4, a stream that is not there', (kind) => {
  it('is said to be not there', async () => {
    const { rtmpPort, httpPort } = await serve(kind);
    const rtmp = (await connectRtmp(rtmpPort)).play('nobody');
    const http = request(httpPort, '/live/nobody.flv');
    const ws = upgrade(httpPort, '/live/nobody.flv');
    if (kind === 'plain') {
      expect(await statusOf(http)).toBe(200);
      expect(await statusOf(ws)).toBe(101);
      await until('playing was said to have begun', () => rtmp.text.includes('NetStream.Play.Start'));
      return;
    }
    expect(await statusOf(http)).toBe(404);
    expect(await statusOf(ws)).toBe(404);
    await until('the connection was closed', () => rtmp.closed);
    expect(rtmp.text).toContain('NetStream.Play.StreamNotFound');
    expect(rtmp.text).not.toContain('NetStream.Play.Start');
  });
});

describe.each(kinds)('%s server: defect 4, signatures', (kind) => {
  it('a request without a good one is refused with a reason', async () => {
    const server = await serve(kind, { secret });
    const { rtmpPort, httpPort } = server;
    const publisher = publish(
      fixture('live.flv'),
      `rtmp://127.0.0.1:${rtmpPort}${signed('/live/x', secret, soonS())}`,
    );
    cleanUp.push(() => publisher.end());
    await until('the signed stream was published', () => server.events.includes('published live/x'));

    const good = signed('/live/x.flv', secret, soonS());
    expect(await statusOf(request(httpPort, good))).toBe(200);
    expect(await statusOf(upgrade(httpPort, good))).toBe(101);
    const bad: Record<string, number> = {
      '/live/x.flv': 401,
      '/live/x.flv?sign=': 401,
      '/live/x.flv?sign=nonsense': 403,
      [signed('/live/x.flv', 'another secret', soonS())]: 403,
      [signed('/live/x.flv', secret, 1_000)]: 403,
      // Signed for another stream, and the same stream told to be another.
      [signed('/live/y.flv', secret, soonS()).replace('y.flv', 'x.flv')]: 403,
      // What is not there is not told apart from what is, without a signature.
      '/live/nobody.flv': 401,
      [signed('/live/nobody.flv', secret, soonS())]: 404,
    };
    for (const [target, status] of Object.entries(bad)) {
      expect(await statusOf(request(httpPort, target)), target).toBe(kind === 'plain' ? 200 : status);
      expect(await statusOf(upgrade(httpPort, target)), target).toBe(kind === 'plain' ? 101 : status);
    }
  });

  it('is refused in RTMP before success is announced', async () => {
    const server = await serve(kind, { secret });
    const publisher = (await connectRtmp(server.rtmpPort)).publish('y');
    const viewer = (await connectRtmp(server.rtmpPort)).play('y?sign=1-00000000000000000000000000000000');
    await until('the connections were closed', () => publisher.closed && viewer.closed);
    if (kind === 'plain') {
      expect(publisher.text).toContain('NetStream.Publish.Start');
      expect(viewer.text).toContain('NetStream.Play.Start');
    } else {
      expect(publisher.text).toContain('NetStream.Publish.Unauthorized');
      expect(publisher.text).not.toContain('Start');
      expect(viewer.text).toContain('NetStream.Play.Unauthorized');
      expect(viewer.text).not.toContain('Start');
      expect(publisher.text + viewer.text).not.toContain(secret);
    }
    expect(server.events).toEqual([]);
  });
});

describe.each(kinds)('%s server: defect 5, a second publisher of a stream', (kind) => {
  it('is refused, and nobody is told that it published', async () => {
    const server = await serve(kind);
    const url = `rtmp://127.0.0.1:${server.rtmpPort}/live/x`;
    const first = publish(fixture('live.flv'), url);
    cleanUp.push(() => first.end());
    await until('the first was published', () => server.events.length > 0);
    const second = publish(fixture('live.flv'), url);
    cleanUp.push(() => second.end());
    const raw = (await connectRtmp(server.rtmpPort)).publish('x');
    await until('the second was turned away', () => raw.closed);
    expect(await second.ended).not.toBe(0);
    if (kind === 'plain') {
      expect(server.events).toEqual(['published live/x', 'published live/x', 'published live/x']);
      expect(raw.text).not.toContain('BadName');
      return;
    }
    expect(server.events).toEqual(['published live/x']);
    expect(raw.text).toContain('NetStream.Publish.BadName');
    expect(second.stderr()).toContain('The stream /live/x already has a publisher.');
    expect(await statusOf(request(server.httpPort, '/live/x.flv', 'POST', ['Content-Length: 9']))).toBe(409);
    expect(await statusOf(upgrade(server.httpPort, '/live/x.flv', 'publisher'))).toBe(409);
    expect(first.process.exitCode).toBe(null);
  });
});

describe.each(kinds)('%s server: who only views cannot feed the stream', (kind) => {
  it('pictures from a viewer go nowhere', async () => {
    const server = await serve(kind);
    const publisher = (await connectRtmp(server.rtmpPort)).publish('x');
    publisher.send(rtmpMessage(9, 1, Buffer.from('\x17\x01\0\0\0 of the publisher', 'latin1')));
    await until('the stream was published', () => server.events.length > 0);
    const viewer = (await connectRtmp(server.rtmpPort)).play('x');
    await until('the picture came', () => viewer.text.includes('of the publisher'));
    const intruder = (await connectRtmp(server.rtmpPort)).play('x');
    await until('the picture came', () => intruder.text.includes('of the publisher'));
    intruder.send(rtmpMessage(9, 1, Buffer.from('\x17\x01\0\0\0 of the intruder', 'latin1')));
    publisher.send(rtmpMessage(9, 1, Buffer.from('\x27\x01\0\0\0 once more', 'latin1')));
    await until('the next picture came', () => viewer.text.includes('once more'));
    if (kind === 'plain')
      await until('the false picture came', () => viewer.text.includes('of the intruder'));
    else expect(viewer.text).not.toContain('of the intruder');
    for (const peer of [publisher, viewer, intruder]) peer.end();
  });
});
