import { expect, it } from 'vitest';
import { RtmpServerSession } from '../core/rtmp/server-session.ts';
import { startDrippingServer } from '../tests/kit/bad-servers.ts';
import { startRtmpServer, startSocketServer } from '../tests/kit/scripted-server.ts';
import { describeViewer } from '../tests/kit/viewer-contract.ts';
import type { Reason } from './reason.ts';

/** Says no to `connect` or to `play`. */
const startRefusingServer = (kind: 'connect' | 'play', code: string, description: string) =>
  startSocketServer((socket) => {
    const session = new RtmpServerSession({
      random: (count) => new Uint8Array(count),
      write: (pieces) => socket.write(Buffer.concat(pieces)),
      event: (event) => (event.kind === kind ? session.refuse(code, description) : session.accept()),
    });
    socket.on('data', (bytes) => session.receive(bytes));
  });

describeViewer(
  {
    name: 'RTMP',
    serve: startRtmpServer,
    urlAt: (hostAndPort) => `rtmp://${hostAndPort}/live/a`,
    garbageReason: 'bad-response',
  },
  ({ server, start, failure, until, sessions, pass }) => {
    const refusals: ['connect' | 'play', string, string, Reason][] = [
      ['play', 'NetStream.Play.StreamNotFound', 'live/a', 'not-found'],
      ['play', 'NetStream.Play.Failed', 'no such stream', 'not-found'],
      ['play', 'NetStream.Play.Failed', 'Authorization required.', 'auth'],
      ['connect', 'NetConnection.Connect.Rejected', 'wrong sign', 'auth'],
      ['connect', 'NetConnection.Connect.Rejected', 'server is full', 'rtmp-refused'],
      ['connect', 'NetConnection.Connect.InvalidApp', '', 'rtmp-refused'],
    ];
    for (const [kind, code, description, reason] of refusals) {
      it(`${code} (${description || 'no description'}) to ${kind} is ${reason}`, async () => {
        const { url } = await server(startRefusingServer(kind, code, description));
        const outcome = await failure(start(`rtmp://${url}/live/a?sign=secret`));
        expect(outcome.reason).toBe(reason);
        expect(outcome.detail).toContain(code);
        expect(outcome.detail).not.toContain('secret');
      });
    }

    it('says in one line what a server says in many', async () => {
      const rambling = `first line\r\n\tsecond line ${'on and on '.repeat(200)}`;
      const { url } = await server(startRefusingServer('connect', 'NetConnection.Connect.Failed', rambling));
      const { detail } = await failure(start(`rtmp://${url}/live/a`));
      expect(detail).toContain('first line second line on and on');
      expect(detail).toHaveLength(400);
    });

    it('a handshake that drips is too slow', async () => {
      const dripping = await server(startDrippingServer(new Uint8Array(3_073).fill(3)));
      const viewer = start(`rtmp://${dripping.url}/live/a`, { timeouts: { handshakeMs: 3_000 } });
      await until(() => dripping.received > 0);
      dripping.drip(1_000);
      await until(() => viewer.bytesReceived === 1_000);
      pass(viewer, 2_999);
      expect(viewer.state).toBe('connecting');
      pass(viewer, 1);
      expect(await failure(viewer)).toMatchObject({ reason: 'too-slow' });
    });

    it('asks for app and stream, the query with it', async () => {
      const { url } = await server(startRtmpServer((session) => sessions.push(session)));
      start(`${url}?sign=1-abc`);
      await until(() => sessions.length === 1);
      expect(sessions[0]!.asked).toBe('live/a?sign=1-abc');
    });
  },
);
