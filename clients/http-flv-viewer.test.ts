import { describe, expect, it } from 'vitest';
import { flvHeader, flvTag } from '../core/flv/writer.ts';
import { startCannedServer, startDrippingServer, startStatusServer } from '../tests/kit/bad-servers.ts';
import { avcConfig, avcPictures } from '../tests/kit/scripted-media.ts';
import { startHttpFlvServer } from '../tests/kit/scripted-server.ts';
import { describeViewer } from '../tests/kit/viewer-contract.ts';
import type { Reason } from './reason.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n\r\n';
const flv = Buffer.concat([
  flvHeader(true, true),
  ...[avcConfig(), ...avcPictures({ count: 10 })].map((tag) => flvTag(tag)),
]);
const answer = (head: string, ...content: (string | Uint8Array)[]) =>
  Buffer.concat([head, ...content].map((part) => Buffer.from(part as string)));

describeViewer(
  {
    name: 'HTTP-FLV',
    serve: startHttpFlvServer,
    urlAt: (hostAndPort) => `http://${hostAndPort}/live/a.flv`,
    garbageReason: 'bad-response',
  },
  ({ server, start, failure, until, clock, recorder, sessions, pass }) => {
    const statuses: [number, string, Reason][] = [
      [401, 'Unauthorized', 'auth'],
      [403, 'Forbidden', 'auth'],
      [404, 'Not Found', 'not-found'],
      [410, 'Gone', 'not-found'],
      [400, 'Bad Request', 'http-4xx'],
      [429, 'Too Many Requests', 'http-4xx'],
      [500, 'Internal Server Error', 'http-5xx'],
      [503, 'Service Unavailable', 'http-5xx'],
      [302, 'Found', 'http-redirect'],
      [204, 'No Content', 'no-media'],
      [304, 'Not Modified', 'bad-response'],
      [600, 'What', 'bad-response'],
    ];
    for (const [status, text, reason] of statuses) {
      it(`${status} is ${reason}`, async () => {
        const { url } = await server(startStatusServer(status, text));
        const outcome = await failure(start(`http://${url}/live/a.flv?sign=secret`));
        expect(outcome.reason).toBe(reason);
        expect(outcome.detail).not.toContain('secret');
        if (reason !== 'no-media') expect(outcome.detail).toContain(String(status));
      });
    }

    const answers: [string, string | Uint8Array, Reason][] = [
      [
        'a web page',
        'HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html>',
        'bad-response',
      ],
      ['JSON', 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}', 'bad-response'],
      [
        'a playlist',
        'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\n\r\n#EXTM3U',
        'bad-response',
      ],
      ['gzip', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nxx', 'bad-response'],
      ['a page that says it is a stream', answer(ok, '<html><body>Not here'), 'bad-media'],
      ['nothing (a wrong signature, to node-media-server)', ok, 'no-media'],
      [
        'an empty chunked answer',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'no-media',
      ],
      ['a header and no tags', answer(ok, flvHeader(true, true)), 'no-media'],
      ['a stream that is cut in a tag', answer(ok, flv.subarray(0, flv.length - 50)), 'closed'],
      ['a stream that is cut in its header', answer(ok, flv.subarray(0, 5)), 'no-media'],
      ['a broken tag', answer(ok, flv.subarray(0, 200), new Uint8Array(5_000).fill(0xee)), 'bad-media'],
      [
        'a tag of 16 MB',
        answer(ok, flvHeader(true, true), Uint8Array.of(0, 0, 0, 0, 9, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0)),
        'bad-media',
      ],
      [
        'a broken chunk',
        answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'zz\r\n'),
        'bad-media',
      ],
      ['a header that never ends', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`, 'bad-response'],
    ];
    for (const [name, bytes, reason] of answers) {
      it(`${name} is ${reason}`, async () => {
        const { url } = await server(startCannedServer(bytes));
        expect(await failure(start(`http://${url}/live/a.flv`))).toMatchObject({ reason });
      });
    }

    it('says that a stream was cut in the middle', async () => {
      const { url } = await server(startCannedServer(answer(ok, flv.subarray(0, flv.length - 50))));
      const outcome = await failure(start(`http://${url}/live/a.flv`));
      expect(outcome.detail).toContain('in the middle of the stream');
      expect(outcome).toMatchObject({ phase: 'after-first-frame', figures: { frames: 9 } });
    });

    it('an answer that drips is too slow', async () => {
      const dripping = await server(startDrippingServer(Buffer.from(ok)));
      const viewer = start(`http://${dripping.url}/live/a.flv`, { timeouts: { firstByteMs: 3_000 } });
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

    describe('redirects', () => {
      for (const status of [301, 302, 307, 308]) {
        it(`follows ${status} to another server, and times run on`, async () => {
          const edge = await server(startHttpFlvServer((session) => sessions.push(session)));
          const origin = await server(
            startStatusServer(status, 'Elsewhere', { location: `${edge.url}?t=1` }),
          );
          start(`http://us:er@${origin.url}/live/a.flv`);
          await until(() => sessions.length === 1);
          expect(sessions[0]!.asked).toBe('/live/a.flv?t=1');
          expect(sessions[0]!.headers.has('authorization')).toBe(false);
          clock.now += 300;
          sessions[0]!.accept();
          await until(() => recorder().has('firstByte'));
          expect(recorder().all('firstByte')).toEqual([400]);
          expect(recorder().all('connected')).toEqual([100]);
        });
      }

      it('gives up on a loop', async () => {
        const loop = await server(startStatusServer(302, 'Found', { location: '/live/a.flv' }));
        const outcome = await failure(start(`http://${loop.url}/live/a.flv`));
        expect(outcome).toMatchObject({ reason: 'http-redirect' });
        expect(loop.accepted).toBe(6);
      });

      it('does not follow to something that is not HTTP', async () => {
        const other = await server(
          startStatusServer(302, 'Found', { location: 'rtmp://127.0.0.1/live/a?sign=secret' }),
        );
        const outcome = await failure(start(`http://${other.url}/live/a.flv`));
        expect(outcome.reason).toBe('http-redirect');
        expect(outcome.detail).not.toContain('secret');
      });
    });

    it('asks with user, password, query and headers of its own', async () => {
      const { url } = await server(startHttpFlvServer((session) => sessions.push(session)));
      start(`${url.replace('http://', 'http://us%40er:pass@')}?sign=1-abc`, {
        headers: { Referer: 'http://site/' },
      });
      await until(() => sessions.length === 1);
      const { asked, headers } = sessions[0]!;
      expect(asked).toBe('/live/a.flv?sign=1-abc');
      expect(Buffer.from(headers.get('authorization')!.slice(6), 'base64').toString()).toBe('us@er:pass');
      expect(headers.get('referer')).toBe('http://site/');
      expect(headers.get('host')).toBe(new URL(url).host);
    });
  },
);
