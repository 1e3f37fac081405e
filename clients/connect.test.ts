import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { loopbackCertificate } from '../tests/kit/certificate.ts';
import { freePort } from '../tests/kit/free-port.ts';
import { type ScriptedServer, startSocketServer } from '../tests/kit/scripted-server.ts';
import { HandClock } from '../tests/kit/viewer-contract.ts';
import { Connection, type ConnectionOwner, type Endpoint, endpointName } from './connect.ts';
import type { Failure } from './reason.ts';

const running: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.stop();
});

const certificate = loopbackCertificate();
const trusting = { ca: certificate.cert };

/** Writes down what happens to it. */
class Owner implements ConnectionOwner {
  readonly events: string[] = [];
  readonly buffers = new Set<Uint8Array>();
  text = '';
  failure: Failure | null = null;
  thrown: unknown;
  opened = (): void => void this.events.push('opened');
  received(bytes: Uint8Array, end: number): void {
    this.buffers.add(bytes);
    this.text += Buffer.from(bytes.subarray(0, end)).toString('latin1');
  }
  drained = (): void => void this.events.push('drained');
  finished = (): void => void this.events.push('finished');
  failed(failure: Failure): void {
    this.events.push('failed');
    this.failure = failure;
  }
  threw(error: unknown): void {
    this.events.push('threw');
    this.thrown = error;
  }
}

const clock = new HandClock();

function connect(endpoint: Partial<Endpoint>, owner = new Owner()): { connection: Connection; owner: Owner } {
  const connection = new Connection(
    { host: '127.0.0.1', port: 1, secure: false, ...endpoint },
    owner,
    { connectMs: 5_000, tlsMs: 4_000 },
    clock,
  );
  running.push({ stop: () => connection.close() });
  connection.open();
  return { connection, owner };
}

async function server(...args: Parameters<typeof startSocketServer>): Promise<ScriptedServer> {
  const started = await startSocketServer(...args);
  running.push(started);
  return started;
}

async function until(what: () => unknown): Promise<void> {
  for (const giveUpMs = Date.now() + 10_000; Date.now() < giveUpMs; await turn()) if (what()) return;
  throw new Error(`it did not happen: ${what}`);
}

describe.each([
  ['plain', {}],
  ['TLS', { tls: certificate }],
] as const)('a %s connection', (name, options) => {
  const secure = name === 'TLS';
  const reach = (port: number) => ({ port, secure, tls: trusting });

  it('brings bytes both ways, all connections through one buffer', async () => {
    const { port } = await server((socket) => socket.pipe(socket), options);
    const two = [connect(reach(port)), connect(reach(port))];
    await until(() => two.every(({ owner }) => owner.events.includes('opened')));
    for (let i = 0; i < 50; i++) {
      for (const [who, { connection }] of two.entries())
        connection.write([Buffer.from(`${who}`), Buffer.from('abc'.repeat(i)), Buffer.from('.')]);
    }
    const sent = (who: number) => Array.from({ length: 50 }, (_, i) => `${who}${'abc'.repeat(i)}.`).join('');
    await until(() => two.every(({ owner }, who) => owner.text.length === sent(who).length));
    expect(two.map(({ owner }) => owner.text)).toEqual([sent(0), sent(1)]);
    expect(new Set(two.flatMap(({ owner }) => [...owner.buffers])).size).toBe(1);
  });

  it('says when the peer has closed, after its last byte', async () => {
    const { port } = await server((socket) => socket.end('bye'), options);
    const { connection, owner } = connect(reach(port));
    await until(() => owner.events.includes('finished'));
    expect([owner.text, owner.events, connection.phase]).toEqual(['bye', ['opened', 'finished'], 'closed']);
  });

  it('hands back what its owner throws, and is closed', async () => {
    const { port } = await server((socket) => socket.write('x'), options);
    class Clumsy extends Owner {
      override received(): void {
        throw new TypeError('clumsy');
      }
    }
    const { connection, owner } = connect(reach(port), new Clumsy());
    await until(() => owner.events.includes('threw'));
    expect(owner.thrown).toEqual(new TypeError('clumsy'));
    expect(connection.phase).toBe('closed');
  });

  it('sends what is queued before it closes', async () => {
    let got = 0;
    const { port } = await server((socket) => socket.on('data', (bytes) => (got += bytes.length)), options);
    const { connection, owner } = connect(reach(port));
    await until(() => owner.events.includes('opened'));
    connection.write([Buffer.alloc(3_000_000)]);
    connection.close();
    await until(() => got === 3_000_000);
    expect(owner.events).toEqual(['opened']);
  });

  it('says when it has room again', async () => {
    const peers: Socket[] = [];
    const { port } = await server((socket) => peers.push(socket.pause()), options);
    const { connection, owner } = connect(reach(port));
    await until(() => owner.events.includes('opened'));
    // As much as the kernel takes goes at once; then it is full.
    for (let i = 0; connection.write([Buffer.alloc(1_000_000)]); i++) expect(i).toBeLessThan(100);
    expect(connection.queuedBytes).toBeGreaterThan(0);
    await until(() => peers.length === 1);
    peers[0]!.resume();
    await until(() => owner.events.includes('drained'));
    expect(connection.queuedBytes).toBe(0);
  });

  it('can be closed at any moment, and is silent after that', async () => {
    const { port } = await server((socket) => socket.write('x'), options);
    const early = connect(reach(port));
    early.connection.close();
    const open = connect(reach(port));
    await until(() => open.owner.events.includes('opened'));
    open.connection.close();
    open.connection.close();
    open.connection.write([Buffer.from('x')]);
    for (let i = 0; i < 50; i++) await turn();
    expect([early.owner.events, open.owner.events]).toEqual([[], ['opened']]);
  });
});

describe('connecting', () => {
  it.each([
    ['127.0.0.1', 'connect', 'connect-timeout'],
    ['localhost', 'dns', 'dns'],
  ] as const)('to %s is given up by the sweep', async (host, phase, reason) => {
    const { port } = await server(() => {});
    const { connection, owner } = connect({ host, port });
    expect(connection.phase).toBe(phase);
    connection.sweep(clock.now + 4_999);
    expect(owner.events).toEqual([]);
    connection.sweep(clock.now + 5_000);
    expect(owner.failure?.reason).toBe(reason);
    expect(owner.failure?.detail).toContain(host);
    for (let i = 0; i < 50; i++) await turn();
    expect(owner.events).toEqual(['failed']);
  });

  it('to a closed port is refused, by address and by name', async () => {
    const port = await freePort();
    for (const host of ['127.0.0.1', '::1', 'localhost']) {
      const { owner } = connect({ host, port });
      await until(() => owner.failure);
      expect(owner.failure).toMatchObject({ reason: 'refused' });
      expect(owner.failure!.detail).toContain(endpointName({ host, port }));
    }
  });

  it('to a port that does not exist fails like any other', () => {
    const { owner } = connect({ port: 99_999 });
    expect(owner.failure?.reason).toBe('refused');
  });

  it('finds the address that listens among several', async () => {
    const { port } = await server((socket) => socket.end('four'), { host: '127.0.0.1' });
    const { owner } = connect({ host: 'localhost', port });
    await until(() => owner.events.includes('finished'));
    expect(owner.text).toBe('four');
  });
});

describe('TLS', () => {
  const tlsServer = () => server((socket) => socket.end('secret'), { tls: certificate });

  it('is not made with a certificate that nobody vouches for, unless told to', async () => {
    const { port } = await tlsServer();
    const strict = connect({ port, secure: true });
    await until(() => strict.owner.failure);
    expect(strict.owner.failure).toMatchObject({ reason: 'tls' });
    expect(strict.owner.failure!.detail).toContain('self-signed');
    const lax = connect({ port, secure: true, tls: { rejectUnauthorized: false } });
    await until(() => lax.owner.events.includes('finished'));
    expect(lax.owner.text).toBe('secret');
  });

  it('is not made with a certificate for another name', async () => {
    const { port } = await tlsServer();
    const { owner } = connect({ host: '127.0.0.2', port, secure: true, tls: trusting });
    await until(() => owner.failure);
    // Where 127.0.0.2 is no loopback address, nothing listens there.
    expect(['tls', 'refused']).toContain(owner.failure!.reason);
    if (owner.failure!.reason === 'tls') expect(owner.failure!.detail).toContain('another name');
  });

  it('is made by name, with the name in the handshake', async () => {
    const { port } = await tlsServer();
    const { owner } = connect({ host: 'localhost', port, secure: true, tls: trusting });
    await until(() => owner.events.includes('finished'));
    expect(owner.text).toBe('secret');
  });

  it('with a server that speaks something else is a TLS failure, in words', async () => {
    const { port } = await server((socket) => socket.write('220 smtp.example ESMTP\r\n'));
    const { owner } = connect({ port, secure: true });
    await until(() => owner.failure);
    expect(owner.failure!.reason).toBe('tls');
    expect(owner.failure!.detail).not.toMatch(/error:|ssl3|deps/);
  });

  it('with a server that closes or resets is a TLS failure', async () => {
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      const { port } = await server((socket) => socket.once('data', () => socket[leave]()));
      const { owner } = connect({ port, secure: true });
      await until(() => owner.failure);
      expect(owner.failure!.reason).toBe('tls');
    }
  });

  it('with a server that says nothing is given up by the sweep', async () => {
    const silent = await server(() => {});
    const { connection, owner } = connect({ port: silent.port, secure: true });
    await until(() => connection.phase === 'tls');
    connection.sweep(clock.now + 3_999);
    connection.sweep(clock.now + 4_000);
    expect(owner.failure?.reason).toBe('tls');
    expect(owner.events).toEqual(['failed']);
  });
});
