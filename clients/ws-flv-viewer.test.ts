import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type net from 'node:net';
import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { flvHeader, flvTag } from '../core/flv/writer.ts';
import { playerProfiles } from '../core/player/profile.ts';
import { acceptOf } from '../core/websocket/handshake.ts';
import {
  onRequest,
  startCannedServer,
  startDrippingServer,
  startStatusServer,
} from '../tests/kit/bad-servers.ts';
import { avcConfig, avcPictures } from '../tests/kit/scripted-media.ts';
import {
  type ScriptedWebSocketSession,
  startSocketServer,
  startWsFlvServer,
} from '../tests/kit/scripted-server.ts';
import { describeViewer } from '../tests/kit/viewer-contract.ts';
import type { Reason } from './reason.ts';
import { WsFlvViewer } from './ws-flv-viewer.ts';

const flv = Buffer.concat([
  flvHeader(true, true),
  ...[avcConfig(), ...avcPictures({ count: 10 })].map((tag) => flvTag(tag)),
]);
const sha1 = (bytes: Uint8Array): Uint8Array => createHash('sha1').update(bytes).digest();

/** Upgrades, with other headers than it should where `headers` says so, and sends `frames` in the same write. */
function startUpgradingServer(frames: Uint8Array, headers: Record<string, string> = {}) {
  return startSocketServer((socket) =>
    onRequest(socket, (request) => {
      const key = /sec-websocket-key: (.*)\r\n/.exec(request)?.[1] ?? '';
      const fields = {
        upgrade: 'websocket',
        connection: 'Upgrade',
        'sec-websocket-accept': acceptOf(key, sha1),
        ...headers,
      };
      const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(
        Buffer.concat([Buffer.from(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`), frames]),
      );
    }),
  );
}

/** Under the WebSocket, for what `ws` would not write by itself. */
const rawSocketOf = (webSocket: WebSocket): net.Socket =>
  (webSocket as unknown as { readonly _socket: net.Socket })._socket;

/** A frame of less than 64 KiB, as a server sends it. */
const frame = (first: number, payload: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(first, 126, payload.length >> 8, payload.length & 255), payload]);

describeViewer(
  {
    name: 'WS-FLV',
    serve: startWsFlvServer,
    urlAt: (hostAndPort) => `ws://${hostAndPort}/live/a.flv`,
    garbageReason: 'bad-response',
    connectsByAnswer: true,
  },
  ({ server, start, failure, until, clock, recorder, pass }) => {
    const sessions: ScriptedWebSocketSession[] = [];
    async function good(): Promise<string> {
      sessions.length = 0;
      return (await server(startWsFlvServer((session) => sessions.push(session)))).url;
    }
    async function accepted(): Promise<ScriptedWebSocketSession> {
      await until(() => sessions.length === 1);
      const session = sessions[0]!;
      session.accept();
      return session;
    }

    const statuses: [number, string, Reason][] = [
      [200, 'OK', 'bad-response'],
      [204, 'No Content', 'bad-response'],
      [302, 'Found', 'http-redirect'],
      [400, 'Bad Request', 'http-4xx'],
      [401, 'Unauthorized', 'auth'],
      [403, 'Forbidden', 'auth'],
      [404, 'Not Found', 'not-found'],
      [410, 'Gone', 'not-found'],
      [426, 'Upgrade Required', 'http-4xx'],
      [500, 'Internal Server Error', 'http-5xx'],
      [503, 'Service Unavailable', 'http-5xx'],
    ];
    for (const [status, text, reason] of statuses) {
      it(`${status} is ${reason}`, async () => {
        const { url } = await server(startStatusServer(status, text));
        const outcome = await failure(start(`ws://${url}/live/a.flv?sign=secret`));
        expect(outcome.reason).toBe(reason);
        expect(outcome.detail).toContain(String(status));
        expect(outcome.detail).not.toContain('secret');
        expect(recorder().heard).toEqual([]);
      });
    }

    const upgrades: [string, Record<string, string>, string][] = [
      [
        'another accept than that of the key',
        { 'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' },
        'WS_ACCEPT',
      ],
      ['an upgrade to something else', { upgrade: 'h2c' }, 'WS_UPGRADE'],
      [
        'compression that was not offered',
        { 'sec-websocket-extensions': 'permessage-deflate' },
        'WS_EXTENSION',
      ],
      ['a subprotocol that was not asked for', { 'sec-websocket-protocol': 'flv' }, 'WS_SUBPROTOCOL'],
    ];
    for (const [name, headers, code] of upgrades) {
      it(`${name} is bad-response`, async () => {
        const { url } = await server(startUpgradingServer(frame(0x82, flv), headers));
        const outcome = await failure(start(`ws://${url}/live/a.flv`));
        expect(outcome).toMatchObject({ reason: 'bad-response', phase: 'before-first-frame' });
        expect(outcome.detail).toContain(code);
      });
    }

    const broken: [string, Uint8Array, Reason, string][] = [
      ['a masked frame', Buffer.from('828537fa213d7f9f4d5158', 'hex'), 'bad-response', 'WS_MASKED'],
      ['a compressed frame', frame(0xc2, flv), 'bad-response', 'WS_RESERVED_BITS'],
      [
        'a message of 2^63 bytes',
        Buffer.from('827f7fffffffffffffff', 'hex'),
        'bad-response',
        'WS_MESSAGE_TOO_LARGE',
      ],
      ['a text message', frame(0x81, Buffer.from('{"error":"no"}')), 'bad-response', 'text message'],
      ['a binary message that is no FLV', frame(0x82, Buffer.alloc(300, 0x47)), 'bad-media', 'FLV_SIGNATURE'],
      [
        'masked frames after media',
        Buffer.concat([frame(0x82, flv), Uint8Array.of(0x82, 0x80)]),
        'bad-response',
        'WS_MASKED',
      ],
      [
        'a broken tag after media',
        Buffer.concat([frame(0x82, flv), frame(0x82, Buffer.alloc(99, 7))]),
        'bad-media',
        'FLV_TAG_TYPE',
      ],
    ];
    for (const [name, frames, reason, words] of broken) {
      it(`${name} is ${reason}`, async () => {
        const { url } = await server(startUpgradingServer(frames));
        const outcome = await failure(start(`ws://${url}/live/a.flv`));
        expect(outcome.reason).toBe(reason);
        expect(outcome.detail).toContain(words);
      });
    }

    it('plays what came in one read with the upgrade', async () => {
      const { url } = await server(startUpgradingServer(frame(0x82, flv), { 'content-length': '0' }));
      const viewer = start(`ws://${url}/live/a.flv`);
      await until(() => viewer.state === 'playing');
      viewer.stop();
      expect(recorder().outcome?.figures.frames).toBe(10);
    });

    it('a header that never ends is bad-response', async () => {
      const { url } = await server(startCannedServer(`HTTP/1.1 101 Yes\r\n${'x: y\r\n'.repeat(20_000)}`));
      expect(await failure(start(`ws://${url}/live/a.flv`))).toMatchObject({ reason: 'bad-response' });
    });

    it('a handshake that drips is too slow', async () => {
      const dripping = await server(startDrippingServer(Buffer.from('HTTP/1.1 101 Switching Protocols\r\n')));
      const viewer = start(`ws://${dripping.url}/live/a.flv`, { timeouts: { handshakeMs: 3_000 } });
      await until(() => dripping.received > 0);
      for (let second = 1; second <= 3; second++) {
        dripping.drip(1);
        await until(() => viewer.bytesReceived === second);
        pass(viewer, 999);
        expect(viewer.state).toBe('connecting');
      }
      pass(viewer, 10);
      expect(await failure(viewer)).toMatchObject({ reason: 'too-slow' });
    });

    it('an upgrade and then silence (an unknown stream, to node-media-server) is no-media', async () => {
      const { url } = await server(startUpgradingServer(new Uint8Array(0)));
      const viewer = start(`ws://${url}/live/a.flv`, {
        timeouts: { firstByteMs: 1_000, firstMediaMs: 3_000 },
      });
      await until(() => recorder().has('connected'));
      expect(viewer.state).toBe('starting');
      pass(viewer, 2_999);
      expect(viewer.state).toBe('starting');
      pass(viewer, 1);
      expect(await failure(viewer)).toMatchObject({ reason: 'no-media', figures: { firstByteMs: null } });
    });

    it('tells a server that breaks the protocol so', async () => {
      const viewer = start(await good());
      const { webSocket } = await accepted();
      await until(() => recorder().has('firstByte'));
      const closed = once(webSocket, 'close') as Promise<[number]>;
      rawSocketOf(webSocket).write(Uint8Array.of(0x82, 0x80, 0, 0, 0, 0));
      expect(await failure(viewer)).toMatchObject({ reason: 'bad-response' });
      expect((await closed)[0]).toBe(1002);
    });

    describe('a close frame', () => {
      const closings: [number | undefined, Reason][] = [
        [undefined, 'publisher-gone'],
        [1000, 'publisher-gone'],
        [1001, 'closed'],
        [1008, 'auth'],
        [1011, 'closed'],
        [1013, 'closed'],
        [3000, 'auth'],
        [4000, 'closed'],
        [4403, 'auth'],
        [4404, 'not-found'],
      ];
      for (const [code, reason] of closings) {
        it(`${code === undefined ? 'without a code' : `of ${code}`} is ${reason}, and is answered with the same`, async () => {
          const viewer = start(await good());
          const session = await accepted();
          session.send(avcConfig(), ...avcPictures({ count: 5 }));
          await until(() => viewer.state === 'playing');
          const answered = once(session.webSocket, 'close') as Promise<[number]>;
          session.webSocket.close(code, code === undefined ? undefined : 'for ?sign=secret');
          const outcome = await failure(viewer);
          expect(outcome).toMatchObject({ reason, phase: 'after-first-frame' });
          expect(outcome.detail).toContain(code === undefined ? 'no code' : `code ${code}: "for ?sign=…"`);
          // 1005: what `ws` makes of a close frame without a code.
          expect((await answered)[0]).toBe(code ?? 1005);
        });
      }

      it('before any media is no-media (a wrong signature, to node-media-server)', async () => {
        const viewer = start(`${await good()}?sign=secret`);
        const session = await accepted();
        session.webSocket.close();
        const outcome = await failure(viewer);
        expect(outcome).toMatchObject({ reason: 'no-media', phase: 'before-first-frame' });
        expect(outcome.detail).not.toContain('secret');
      });

      it('with a code that must not be sent is bad-response', async () => {
        const { url } = await server(startUpgradingServer(Uint8Array.of(0x88, 2, 0x03, 0xee)));
        expect(await failure(start(`ws://${url}/live/a.flv`))).toMatchObject({ reason: 'bad-response' });
      });
    });

    it('reads fragments, and answers pings between them, of several the last', async () => {
      const viewer = start(await good());
      const { webSocket } = await accepted();
      await until(() => recorder().has('firstByte'));
      const pongs: string[] = [];
      webSocket.on('pong', (bytes) => pongs.push(String(bytes)));
      const media = Buffer.concat([avcConfig(), ...avcPictures({ count: 50 })].map(flvTag));
      // In one write, and so in one read.
      const socket = rawSocketOf(webSocket);
      socket.cork();
      webSocket.send(media.subarray(0, 1_000), { fin: false });
      webSocket.ping('first');
      webSocket.send(media.subarray(1_000, 3_000), { fin: false });
      webSocket.ping('second');
      webSocket.send(media.subarray(3_000), { fin: true });
      socket.uncork();
      await until(() => viewer.state === 'playing' && pongs.length > 0);
      webSocket.ping();
      await until(() => pongs.at(-1) === '');
      viewer.stop();
      expect(pongs).toEqual(['second', '']);
      expect(recorder().outcome?.figures.frames).toBe(50);
    });

    it('does not answer the pings of a server that takes no answers', async () => {
      class Clogged extends WsFlvViewer {
        protected override get queuedBytes(): number {
          return 1_000_000;
        }
      }
      const viewer = new Clogged({
        url: await good(),
        player: playerProfiles.plain,
        clock,
        observer: recorder(),
        intendedStartMs: clock.now,
        reconnect: null,
      });
      viewer.start();
      const session = await accepted();
      const pongs: string[] = [];
      session.webSocket.on('pong', (bytes) => pongs.push(String(bytes)));
      session.webSocket.ping('unheard');
      session.send(avcConfig(), ...avcPictures({ count: 50 }));
      await until(() => recorder().has('firstFrame'));
      const closed = once(session.webSocket, 'close');
      viewer.stop();
      await closed;
      expect(pongs).toEqual([]);
    });

    it('says goodbye when the watcher leaves', async () => {
      const viewer = start(await good());
      const { webSocket } = await accepted();
      await until(() => recorder().has('firstByte'));
      const closed = once(webSocket, 'close') as Promise<[number]>;
      viewer.stop();
      expect((await closed)[0]).toBe(1000);
    });

    describe('redirects', () => {
      for (const scheme of ['ws', 'http']) {
        it(`follows one to ${scheme}://, and times run on`, async () => {
          const edge = (await good()).replace('ws', scheme);
          const origin = await server(startStatusServer(302, 'Found', { location: `${edge}?t=1` }));
          start(`ws://us:er@${origin.url}/live/a.flv`);
          await until(() => sessions.length === 1);
          expect(sessions[0]!.asked).toBe('/live/a.flv?t=1');
          expect(sessions[0]!.headers.has('authorization')).toBe(false);
          clock.now += 300;
          sessions[0]!.accept();
          await until(() => recorder().has('firstByte'));
          expect(recorder().heard).toEqual([
            ['connected', 400],
            ['firstByte', 400],
          ]);
        });
      }

      it('gives up on a loop', async () => {
        const loop = await server(startStatusServer(307, 'Elsewhere', { location: '/live/a.flv' }));
        expect(await failure(start(`ws://${loop.url}/live/a.flv`))).toMatchObject({
          reason: 'http-redirect',
        });
        expect(loop.accepted).toBe(6);
      });

      it('does not follow to something that is not HTTP', async () => {
        const { url } = await server(
          startStatusServer(302, 'Found', { location: 'rtmp://127.0.0.1/live/a' }),
        );
        expect(await failure(start(`ws://${url}/live/a.flv`))).toMatchObject({ reason: 'http-redirect' });
      });
    });

    it('asks with user, password, query and headers of its own, and offers no compression', async () => {
      const url = await good();
      start(`${url.replace('ws://', 'ws://us%40er:pass@')}?sign=1-abc`, {
        headers: { Origin: 'http://site', Connection: 'close', 'Sec-WebSocket-Key': 'mine' },
      });
      await until(() => sessions.length === 1);
      const { asked, headers } = sessions[0]!;
      expect(asked).toBe('/live/a.flv?sign=1-abc');
      expect(Buffer.from(headers.get('authorization')!.slice(6), 'base64').toString()).toBe('us@er:pass');
      expect(headers.get('origin')).toBe('http://site');
      expect(headers.get('host')).toBe(new URL(url).host);
      expect(headers.get('connection')).toBe('Upgrade');
      expect(Buffer.from(headers.get('sec-websocket-key')!, 'base64')).toHaveLength(16);
      expect(headers.has('sec-websocket-extensions')).toBe(false);
    });

    it('takes the subprotocol that a header asks for', async () => {
      const upgrading = await server(
        startUpgradingServer(frame(0x82, flv), { 'sec-websocket-protocol': 'flv' }),
      );
      const viewer = start(`ws://${upgrading.url}/live/a.flv`, {
        headers: { 'Sec-WebSocket-Protocol': 'flv' },
      });
      await until(() => viewer.state === 'playing');
    });
  },
);
