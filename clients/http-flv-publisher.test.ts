import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FlvReader } from '../core/flv/reader.ts';
import {
  collectTags,
  describePublisher,
  HandSource,
  keyTag,
  listenToPublisher,
  type PublishBehaviour,
  type PublishServer,
  quickReconnect,
  type ReceivedTag,
  videoConfig,
} from '../tests/kit/publisher-contract.ts';
import { HttpFlvPublisher } from './http-flv-publisher.ts';
import type { PublisherOptions } from './publisher.ts';
import { systemClock } from './system-clock.ts';

/** Node's own HTTP server, whose parser vouches for the chunks. */
class PostServer implements PublishServer {
  readonly received: ReceivedTag[][] = [];
  readonly headers: [hasAudio: boolean, hasVideo: boolean][] = [];
  readonly #sockets: Socket[] = [];
  readonly #server: net.Server;
  /** How those who were not read are read after all. */
  readonly #take: (() => void)[] = [];
  goodbyes = 0;

  constructor(behaviours: readonly PublishBehaviour[]) {
    const take = (req: IncomingMessage, res: ServerResponse) => {
      const connection = this.#sockets.indexOf(req.socket);
      const behaviour = behaviours[Math.min(connection, behaviours.length - 1)];
      const refuse = (status: number) => res.writeHead(status, { Connection: 'close' }).end('no\n');
      if (behaviour === 'refuse-name') refuse(409);
      else if (behaviour === 'refuse-sign') refuse(403);
      else {
        res.writeContinue();
        const reader = new FlvReader(collectTags(this.received[connection]!), {
          header: (...flags) => this.headers.push(flags),
        });
        const read = () => req.on('data', (bytes) => reader.push(bytes));
        // Node does not read on from a socket whose request nobody reads.
        if (behaviour === 'never-read') this.#take[connection] = read;
        else read();
        req.on('error', () => {});
        req.on('end', () => {
          this.goodbyes += 1;
          res.end();
        });
      }
    };
    this.#server = http.createServer({ keepAlive: true }, take).on('checkContinue', take);
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.push(socket);
      this.received.push([]);
      socket.on('error', () => {});
      if (behaviours[Math.min(this.#sockets.length, behaviours.length) - 1] === 'garbage')
        socket.write('\x03RTMP it is\r\n');
    });
  }

  get connections(): number {
    return this.#sockets.length;
  }

  reset(connection: number): void {
    this.#sockets[connection]?.resetAndDestroy();
  }

  end(connection: number): void {
    this.#sockets[connection]?.end();
  }

  read(connection: number): void {
    this.#take[connection]?.();
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/live/a.flv?sign=secret`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describePublisher({
  name: 'HTTP-FLV POST',
  serve: async (behaviours) => {
    const server = new PostServer(behaviours);
    return { server, url: await server.listen() };
  },
  create: (options) => new HttpFlvPublisher(options),
  taken: {
    reason: 'http-4xx',
    detail: /answered 409 Conflict for publishing \/live\/a\.flv: the stream is being published already/,
  },
  unauthorized: /answered 403 Forbidden for \/live\/a\.flv: not allowed/,
  garbage: /does not speak HTTP as expected \(HTTP_STATUS_LINE: /,
  silence: null,
  wrongUrl: { url: 'rtmp://h/live/a', error: /not an HTTP URL/ },
});

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of cleanUp.splice(0).reverse()) await stop();
});

/** A server that answers by hand: each connection is given to `connection`, with what has been read so far. */
async function byHand(heard: (socket: Socket, text: string, connection: number) => void) {
  const sockets: Socket[] = [];
  const texts: string[] = [];
  const accept = (socket: Socket): void => {
    const connection = sockets.push(socket) - 1;
    texts.push('');
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      texts[connection] += bytes.toString('latin1');
      heard(socket, texts[connection]!, connection);
    });
  };
  const server = net.createServer(accept);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { texts, sockets, port: (server.address() as AddressInfo).port };
}

function publish(url: string, options: Partial<PublisherOptions> = {}) {
  const source = new HandSource();
  const heard = listenToPublisher();
  const publisher = new HttpFlvPublisher({
    url,
    source,
    clock: systemClock,
    observer: heard.observer,
    reconnect: null,
    ...options,
  });
  cleanUp.push(() => publisher.stop());
  publisher.start();
  return { source, publisher, ...heard };
}

const asked = (text: string) => text.endsWith('\r\n\r\n');

describe('the HTTP-FLV publisher', () => {
  it('asks as RFC 9112 and 9110 want it, and sends FLV in chunks and a last chunk', async () => {
    const { texts, port } = await byHand((socket, text) => {
      if (asked(text)) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    });
    const { source, until, publisher } = publish(
      `http://bob:s%3Acret@127.0.0.1:${port}/live/a.flv?sign=1-ab`,
    );
    await until('connected');
    source.send(videoConfig, keyTag(0x1020304));
    await publisher.stop();
    await expect.poll(() => texts[0]).toMatch(/0\r\n\r\n$/);
    const [head = '', ...rest] = texts[0]!.split('\r\n\r\n');
    expect(head.split('\r\n')).toEqual([
      'POST /live/a.flv?sign=1-ab HTTP/1.1',
      `host: 127.0.0.1:${port}`,
      'user-agent: streamgauge',
      'accept: */*',
      'content-type: video/x-flv',
      'transfer-encoding: chunked',
      'connection: close',
      `authorization: Basic ${Buffer.from('bob:s:cret').toString('base64')}`,
      'expect: 100-continue',
    ]);
    const body = Buffer.from(rest.join('\r\n\r\n'), 'latin1').toString('hex');
    // E.4.1: type, body size, timestamp with its upper byte last, stream id; the body; the size of all that.
    const tag = (bodyHex: string) => `0900000602030401000000${bodyHex}00000011`;
    const flv = `464c5601010000000900000000${tag('170000000001')}${tag('170100000009')}`;
    const line = Buffer.from(`${(flv.length / 2).toString(16).padStart(8, '0')}\r\n`).toString('hex');
    expect(body).toBe(`${line}${flv}0d0a${Buffer.from('0\r\n\r\n').toString('hex')}`);
  });

  it('sends all the same to a server that never says whether it wants the body', async () => {
    const { texts, port } = await byHand(() => {});
    const { source, publisher, until } = publish(`http://127.0.0.1:${port}/live/a.flv`);
    await expect.poll(() => texts[0] ?? '').toMatch(/\r\n\r\n$/);
    publisher.sweep(systemClock.nowMs() + 500);
    expect(publisher.state).toBe('connecting');
    publisher.sweep(systemClock.nowMs() + 1_500);
    await until('connected');
    source.send(videoConfig, keyTag(0));
    await expect.poll(() => texts[0]).toContain('FLV\x01');
  });

  it('asks without expectation where it was refused (417)', async () => {
    const { texts, port } = await byHand((socket, text, connection) => {
      if (asked(text) && connection === 0)
        socket.end('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n');
    });
    const { until, failures } = publish(`http://127.0.0.1:${port}/live/a.flv`);
    await until('connected');
    await expect.poll(() => texts[1] ?? '').toMatch(/^POST /);
    expect(texts[1]).not.toContain('expect');
    expect(failures).toEqual([]);
  });

  it.each([
    [401, 'auth', /not allowed/],
    [404, 'not-found', /nothing can be published there/],
    [405, 'http-4xx', /takes no publications by POST/],
    [413, 'http-4xx', /does not accept the request/],
    [503, 'http-5xx', /the server failed/],
    [302, 'bad-response', /no answer to a request for a stream/],
  ] as const)('says what the answer %i means', async (status, reason, sentence) => {
    const { port } = await byHand((socket, text) => {
      if (asked(text)) socket.end(`HTTP/1.1 ${status} Word\r\nContent-Length: 0\r\n\r\n`);
    });
    const { until, failures } = publish(`http://127.0.0.1:${port}/live/a.flv?sign=secret`);
    await until('ended');
    expect(failures).toEqual([{ reason, detail: expect.stringMatching(sentence) }]);
    expect(failures[0]?.detail).toContain(`answered ${status} Word`);
    expect(failures[0]?.detail).not.toContain('secret');
  });

  it('hears a refusal in the middle of the body', async () => {
    const { port } = await byHand((socket, text) => {
      if (asked(text)) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      if (text.includes('FLV')) socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    });
    const { source, until, failures } = publish(`http://127.0.0.1:${port}/live/a.flv`);
    await until('connected');
    source.send(videoConfig, keyTag(0));
    await until('ended');
    expect(failures).toEqual([{ reason: 'auth', detail: expect.stringContaining('answered 403 Forbidden') }]);
  });

  it('goes on where the server says yes before the end of the body', async () => {
    const { texts, port } = await byHand((socket, text) => {
      if (asked(text)) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    const { source, until, publisher } = publish(`http://127.0.0.1:${port}/live/a.flv`);
    await until('connected');
    source.send(videoConfig, keyTag(0));
    await expect.poll(() => texts[0]).toContain('FLV\x01');
    expect(publisher.state).toBe('publishing');
  });

  it('follows a redirect that keeps the method, with the password only where it belongs, and not for ever', async () => {
    const target = await byHand((socket, text) => {
      if (asked(text)) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    });
    const balancer = await byHand((socket, text) => {
      if (asked(text))
        socket.end(
          `HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:${target.port}/live/b.flv\r\nContent-Length: 0\r\n\r\n`,
        );
    });
    const { until, failures } = publish(`http://bob:secret@127.0.0.1:${balancer.port}/live/a.flv`);
    await until('connected');
    expect(failures).toEqual([]);
    expect(target.texts[0]).toMatch(/^POST \/live\/b\.flv /);
    expect(target.texts[0]).not.toContain('authorization');

    const loop = await byHand((socket, text) => {
      if (asked(text)) socket.end('HTTP/1.1 308 Again\r\nLocation: /live/a.flv\r\nContent-Length: 0\r\n\r\n');
    });
    const second = publish(`http://127.0.0.1:${loop.port}/live/a.flv`);
    await second.until('ended');
    expect(second.failures).toEqual([
      { reason: 'http-redirect', detail: expect.stringContaining('again after 5 redirects') },
    ]);
    expect(loop.texts).toHaveLength(6);
  });

  it('announces what there is: no video without video', async () => {
    const server = new PostServer(['accept']);
    cleanUp.push(() => server.close());
    const { source, until } = publish(await server.listen());
    await until('connected');
    source.send({ kind: 'audio', type: 8, timestampMs: 0, pieces: [Uint8Array.of(0x2f, 1)] });
    await expect.poll(() => server.received[0]?.length).toBe(1);
    expect(server.headers).toEqual([[true, false]]);
  });

  it('publishes inside TLS, to a server whose certificate it trusts, and refuses the others', async () => {
    const certificate = {
      cert: readFileSync('clients/fixtures/localhost.cert.pem', 'utf8'),
      key: readFileSync('clients/fixtures/localhost.key.pem', 'utf8'),
    };
    const tags: ReceivedTag[] = [];
    const reader = new FlvReader(collectTags(tags));
    const server = https.createServer(certificate, (req) => req.on('data', (bytes) => reader.push(bytes)));
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUp.push(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    const url = `https://localhost:${(server.address() as AddressInfo).port}/live/a.flv`;
    const trusting = publish(url, { tls: { ca: certificate.cert } });
    await trusting.until('connected');
    trusting.source.send(videoConfig, keyTag(0));
    await expect.poll(() => tags.length).toBe(2);
    const strict = publish(url, { reconnect: quickReconnect });
    await strict.until('ended');
    expect(strict.failures).toEqual([{ reason: 'tls', detail: expect.stringContaining('self-signed') }]);
  });
});
