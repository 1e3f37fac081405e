import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import tls from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TAG_VIDEO } from '../core/media.ts';
import { RtmpServerSession } from '../core/rtmp/server-session.ts';
import type { PublisherObserver, PublisherOptions } from './publisher.ts';
import type { Failure } from './reason.ts';
import { RtmpPublisher } from './rtmp-publisher.ts';
import type { Source, SourceSink } from './sources/source.ts';
import { systemClock } from './system-clock.ts';

// What lies below and around RTMP: TLS, IPv6, signed URLs, passwords, the goodbye.

const certificate = {
  cert: readFileSync('clients/fixtures/localhost.cert.pem', 'utf8'),
  key: readFileSync('clients/fixtures/localhost.key.pem', 'utf8'),
};

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of cleanUp.splice(0).reverse()) await stop();
});

interface Publication {
  /** `app` of each connect, `stream` of each publish, and `ended`, in order. */
  readonly heard: string[];
  readonly port: number;
  readonly sockets: Set<Socket>;
}

/** A server that answers each `connect` as told, and permits everything else. `refusals[n]`: description for connection n. */
async function serve(
  options: { secure?: boolean; host?: string; refusals?: string[]; mute?: boolean } = {},
): Promise<Publication> {
  const { secure = false, host = '127.0.0.1', refusals = [], mute = false } = options;
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const accept = (socket: Socket): void => {
    const refusal = refusals[connections++];
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    if (mute) return;
    const session: RtmpServerSession = new RtmpServerSession({
      random: (bytes) => new Uint8Array(bytes),
      write: (pieces) => {
        for (const piece of pieces) socket.write(Buffer.from(piece));
      },
      event: (event) => {
        if (event.kind === 'connect') heard.push(`connect ${event.app} at ${event.tcUrl}`);
        else if (event.kind === 'ended') heard.push('ended');
        else heard.push(`${event.kind} ${event.stream}`);
        if (event.kind === 'ended') return;
        if (event.kind === 'connect' && refusal !== undefined) {
          session.refuse('NetConnection.Connect.Rejected', refusal);
          socket.end();
        } else session.accept();
      },
    });
    socket.on('data', (bytes) => {
      try {
        session.receive(bytes);
      } catch {
        socket.destroy();
      }
    });
  };
  const server = secure ? tls.createServer(certificate, accept) : net.createServer(accept);
  server.on('tlsClientError', () => {});
  server.listen(0, host);
  await once(server, 'listening');
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { heard, port: (server.address() as AddressInfo).port, sockets };
}

function publish(url: string, options: Partial<PublisherOptions> = {}) {
  let out: SourceSink | null = null;
  const source: Source = {
    description: 'by hand',
    figures: { encodedFrames: null, skippedFrames: 0 },
    start: (sink) => {
      out = sink;
    },
    stop: async () => {},
  };
  const said: string[] = [];
  const failures: Failure[] = [];
  const observer: PublisherObserver = {
    connected: () => said.push('connected'),
    retrying: (failure) => failures.push(failure),
    reconnected: () => said.push('reconnected'),
    second: () => {},
    ended: (failure) => {
      said.push('ended');
      if (failure) failures.push(failure);
    },
  };
  const publisher = new RtmpPublisher({
    url,
    source,
    clock: systemClock,
    observer,
    reconnect: null,
    ...options,
  });
  cleanUp.push(() => publisher.stop());
  publisher.start();
  const until = (word: string) =>
    vi.waitFor(() => expect(said).toContain(word), { timeout: 5_000, interval: 5 });
  const sendKey = () =>
    out?.tags([
      { type: TAG_VIDEO, kind: 'key', timestampMs: 0, pieces: [Uint8Array.of(0x17, 1, 0, 0, 0, 9)] },
    ]);
  return { publisher, said, failures, until, sendKey };
}

describe('the RTMP publisher', () => {
  it('publishes inside TLS, to a server whose certificate it trusts', async () => {
    const { port, heard } = await serve({ secure: true });
    const { until } = publish(`rtmps://localhost:${port}/live/a`, { tls: { ca: certificate.cert } });
    await until('connected');
    expect(heard).toEqual([`connect live at rtmps://localhost:${port}/live`, 'publish a']);
  });

  it.each([
    ['a certificate that nobody vouches for', true, {}, /certificate is self-signed/],
    ['a port without TLS', false, {}, /check the certificate and that this port speaks TLS/],
  ])('refuses %s, and says so', async (_what, secure, tlsOptions, sentence) => {
    const { port } = await serve({ secure });
    const { until, failures } = publish(`rtmps://localhost:${port}/live/a`, { tls: tlsOptions });
    await until('ended');
    expect(failures).toEqual([{ reason: 'tls', detail: expect.stringMatching(sentence) }]);
  });

  it('takes any certificate where it is told to', async () => {
    const { port } = await serve({ secure: true });
    const { until } = publish(`rtmps://127.0.0.1:${port}/live/a`, { tls: { rejectUnauthorized: false } });
    await until('connected');
  });

  it('gives up a TLS handshake that does not come to its end', async () => {
    const { port, sockets } = await serve({ mute: true });
    const { publisher, until, failures } = publish(`rtmps://127.0.0.1:${port}/live/a`);
    await vi.waitFor(() => expect(sockets.size).toBe(1));
    await vi.waitFor(() => {
      publisher.sweep(systemClock.nowMs() + 60_000);
      expect(publisher.state).toBe('ended');
    });
    await until('ended');
    expect(failures).toMatchObject([
      { reason: 'tls', detail: expect.stringContaining('did not finish the TLS handshake within 5000 ms') },
    ]);
  });

  const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );
  it.skipIf(!hasIpv6)('publishes to an IPv6 address', async () => {
    const { port, heard } = await serve({ host: '::1' });
    const { until } = publish(`rtmp://[::1]:${port}/live/a`);
    await until('connected');
    expect(heard).toEqual([`connect live at rtmp://[::1]:${port}/live`, 'publish a']);
  });

  it('keeps the query of a signed URL, as it is', async () => {
    const { port, heard } = await serve();
    const { until } = publish(`rtmp://127.0.0.1:${port}/live/inst/a?sign=1794-ab%2Fc&x=/y`);
    await until('connected');
    expect(heard).toEqual([
      `connect live/inst at rtmp://127.0.0.1:${port}/live/inst`,
      'publish a?sign=1794-ab%2Fc&x=/y',
    ]);
  });

  it('says goodbye when it is stopped', async () => {
    const { port, heard, sockets } = await serve();
    const { until, publisher, sendKey } = publish(`rtmp://127.0.0.1:${port}/live/a`);
    await until('connected');
    sendKey();
    await publisher.stop();
    await vi.waitFor(() => expect(sockets.size).toBe(0));
    expect(heard.at(-1)).toBe('ended');
  });

  it('ends with one sentence where nobody listens, and where no host is', async () => {
    const { port } = await serve();
    await cleanUp.pop()?.();
    for (const [url, failure] of [
      [
        `rtmp://127.0.0.1:${port}/live/a`,
        { reason: 'refused', detail: expect.stringContaining(`127.0.0.1:${port} refused the connection`) },
      ],
      [
        'rtmp://no-such-host.invalid/live/a',
        { reason: 'dns', detail: expect.stringContaining('cannot be resolved') },
      ],
    ] as const) {
      const { until, failures } = publish(url);
      await until('ended');
      expect(failures).toEqual([failure]);
    }
  });
});

describe('the RTMP publisher, to a server that asks for user and password', () => {
  const who = '[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ';
  const proof =
    '[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=bob&salt=SalT+/=&challenge=ChAl==';
  const wrong = '[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed&opaque=O';

  it('answers both questions and publishes; that is no failure', async () => {
    const { port, heard } = await serve({ refusals: [who, proof] });
    const { until, failures, said } = publish(`rtmp://bob:s3cret@127.0.0.1:${port}/live/a`);
    await until('connected');
    expect(failures).toEqual([]);
    expect(said).toEqual(['connected']);
    expect(heard.map((word) => word.replace(/ at .*/, ''))).toEqual([
      'connect live',
      'connect live?authmod=adobe&user=bob',
      expect.stringMatching(
        /^connect live\?authmod=adobe&user=bob&challenge=[0-9a-f]{8}&response=[\w+/]{22}==$/,
      ),
      'publish a',
    ]);
    expect(heard.join()).not.toContain('s3cret');
  });

  it('ends when they are wrong, without telling the password', async () => {
    const { port } = await serve({ refusals: [who, proof, wrong] });
    const { until, failures } = publish(`rtmp://bob:s3cret@127.0.0.1:${port}/live/a`);
    await until('ended');
    expect(failures).toEqual([
      { reason: 'auth', detail: expect.stringContaining('check user, password or signature') },
    ]);
    expect(JSON.stringify(failures)).not.toContain('s3cret');
  });

  it('does not answer for ever', async () => {
    const { port, heard } = await serve({ refusals: Array<string>(20).fill(proof) });
    const { until, failures } = publish(`rtmp://bob:s3cret@127.0.0.1:${port}/live/a`);
    await until('ended');
    expect(failures).toMatchObject([{ reason: 'auth' }]);
    expect(heard).toHaveLength(3);
  });
});
