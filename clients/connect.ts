import net from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../core/clock.ts';
import type { Link } from '../core/link/link.ts';
import { LinkShaper } from './link-shaper.ts';
import type { Failure } from './reason.ts';
import { lookup } from './resolve.ts';
import { type ConnectPhase, connectTimeout, describeSocketError } from './socket-failure.ts';
import type { TlsOptions } from './viewer.ts';

/** Where to connect, as a URL says it. IPv6 addresses without brackets. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly tls?: TlsOptions;
  /** Address of this machine to connect from. Left out: the system's choice. */
  readonly localAddress?: string;
}

/** Whoever uses a connection. The calls come from the socket's events; a throw in any of them is handed back by `failed`. */
export interface ConnectionOwner {
  /** TCP, and TLS if secure, are ready: write. */
  opened(): void;
  /** `bytes[0, end)` belongs to the thread's one receive buffer and is overwritten by the next read of any connection. */
  received(bytes: Uint8Array, end: number): void;
  /** What was written has left for the kernel, after `write` had returned false. */
  drained?(): void;
  /** The peer has closed its side in good order. The connection is gone when this is called; nothing follows. */
  finished(): void;
  /** Connecting failed or took too long, the connection broke, or the owner threw (`thrown`). It is gone; nothing follows. */
  failed(failure: Failure): void;
  /** The owner itself threw in `opened`, `received` or `drained`: broken media, as a rule. The connection is gone; nothing follows. */
  threw(error: unknown): void;
}

export interface ConnectTimeouts {
  readonly connectMs: number;
  readonly tlsMs: number;
}

export interface ConnectionOptions {
  /** The viewer's link, which all of its connections share. Times of handshakes, bytes and ends are then those behind it. */
  readonly link?: Link;
}

/**
 * One receive buffer for all connections of a thread. A read fills it and its owner has used it up before the next
 * read begins, so that thousands of viewers share it: no allocation per read and no 64 KiB per socket.
 * Its size bounds how much one read may bring; fewer, larger reads are what makes a viewer cheap.
 */
const RECEIVE_BUFFER_BYTES = 256 * 1024;
let receiveBuffer: Uint8Array | undefined;
function sharedBuffer(): Uint8Array {
  receiveBuffer ??= new Uint8Array(RECEIVE_BUFFER_BYTES);
  return receiveBuffer;
}

/**
 * One TCP or TLS connection, made once. The name is resolved anew for each connection (a CDN's or a cluster's answer
 * changes), IPv6 and IPv4 addresses are tried as RFC 8305 wants it (Node's `autoSelectFamily`).
 *
 * There is no timer in here: the owner's `sweep`, once a second, enforces the time limits of connecting.
 */
export class Connection {
  readonly #endpoint: Endpoint;
  readonly #owner: ConnectionOwner;
  readonly #timeouts: ConnectTimeouts;
  readonly #clock: Clock;
  #socket: net.Socket | undefined;
  #phase: ConnectPhase | 'closed' = 'dns';
  #phaseStartMs = 0;
  #error: unknown;
  /** Between this connection and its socket, where the viewer has a link. */
  readonly #shaper: LinkShaper | null;
  /** The socket is ready; what has come of it is perhaps still on its way through the link. */
  #made = false;

  constructor(
    endpoint: Endpoint,
    owner: ConnectionOwner,
    timeouts: ConnectTimeouts,
    clock: Clock,
    { link }: ConnectionOptions = {},
  ) {
    this.#endpoint = endpoint;
    this.#owner = owner;
    this.#timeouts = timeouts;
    this.#clock = clock;
    this.#shaper = link === undefined ? null : this.#shapedBy(link);
  }

  get phase(): ConnectPhase | 'closed' {
    return this.#phase;
  }

  /** Bytes written but not yet taken by the kernel. */
  get queuedBytes(): number {
    return (this.#socket?.writableLength ?? 0) + (this.#shaper?.queuedBytes ?? 0);
  }

  open(): void {
    this.#phaseStartMs = this.#clock.nowMs();
    this.#phase = net.isIP(this.#endpoint.host) ? 'connect' : 'dns';
    if (this.#shaper === null) this.#connect();
    // The first packet takes its time to the server.
    else this.#shaper.afterUp(() => this.#connect());
  }

  #connect(): void {
    const { secure } = this.#endpoint;
    const phase = this.#phase;
    if (phase === 'closed') return;
    let socket: net.Socket;
    try {
      socket = this.#dial();
    } catch (error) {
      // Node throws at once what it finds wrong itself, such as a port beyond 65,535.
      this.#fail(describeSocketError(error, endpointName(this.#endpoint), phase));
      return;
    }
    this.#socket = socket;
    if (this.#phase === 'dns') {
      socket.once('lookup', (error: Error | null) => {
        if (!error) this.#enter('connect');
      });
    }
    socket.once('connect', () => (secure ? this.#enter('tls') : this.#ready(0)));
    // RFC 8446: one round trip; RFC 5246, section 7.3: two. One behind the other, after the one of TCP.
    if (secure)
      socket.once('secureConnect', () =>
        this.#ready((socket as tls.TLSSocket).getProtocol() === 'TLSv1.3' ? 1 : 2),
      );
    socket.on('drain', this.#onDrain);
    socket.on('error', this.#onError);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onClose);
  }

  #dial(): net.Socket {
    const { host, port, secure, localAddress } = this.#endpoint;
    const shaper = this.#shaper;
    const options = {
      host,
      port,
      noDelay: true,
      autoSelectFamily: true,
      lookup,
      // The other family cannot be reached from there: it is not even looked up.
      ...(localAddress !== undefined && { localAddress, family: net.isIP(localAddress) }),
      onread:
        shaper === null
          ? { buffer: sharedBuffer(), callback: this.#onRead }
          : { buffer: shaper.nextBuffer, callback: shaper.read },
    };
    if (!secure) return net.connect(options);
    // RFC 6066, section 3: an address is no server name.
    const name = net.isIP(host) ? {} : { servername: host };
    return tls.connect({ ...options, ...this.#endpoint.tls, ...name });
  }

  /** Queues pieces as one `writev`; they may not be changed until they are gone. False: wait for `drained` before sending more. */
  write(pieces: readonly Uint8Array[]): boolean {
    if (this.#phase !== 'open') return true;
    return this.#shaper === null ? this.#send(pieces) : this.#shaper.write(pieces);
  }

  #send(pieces: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (socket === undefined || !socket.writable) return true;
    if (pieces.length === 1) return socket.write(pieces[0]!);
    socket.cork();
    let below = true;
    for (const piece of pieces) below = socket.write(piece);
    socket.uncork();
    return below;
  }

  /** The peer is no longer read, so that it sees a full window, as behind a player that is paused. Its end is not seen either. */
  pauseReading(): void {
    if (this.#shaper === null) this.#socket?.pause();
    else this.#shaper.hold();
  }

  resumeReading(): void {
    if (this.#shaper === null) this.#socket?.resume();
    else this.#shaper.release();
  }

  /** The same for the moment, by who has more than it can take (HTTP: decoding, a body that is held up). */
  pause(): void {
    this.pauseReading();
  }

  resume(): void {
    this.resumeReading();
  }

  /** Enforces the time limits of connecting. */
  sweep(nowMs: number): void {
    const spentMs = nowMs - this.#phaseStartMs;
    const where = endpointName(this.#endpoint);
    if (this.#phase === 'tls') {
      if (spentMs < this.#timeouts.tlsMs) return;
      this.#fail({
        reason: 'tls',
        detail: `${where} did not finish the TLS handshake within ${this.#timeouts.tlsMs} ms; check that this port speaks TLS`,
      });
    } else if (this.#phase === 'dns' || this.#phase === 'connect') {
      if (spentMs < this.#timeouts.connectMs) return;
      this.#fail(
        this.#phase === 'connect'
          ? connectTimeout(where)
          : {
              reason: 'dns',
              detail: `${this.#endpoint.host} was not resolved within ${this.#timeouts.connectMs} ms; check the network and DNS`,
            },
      );
    }
  }

  /** Closes for good: what is queued is still sent if the peer takes it at once. The owner hears nothing more. */
  close(): void {
    const socket = this.#socket;
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    const held = this.#shaper?.close();
    if (socket === undefined) return;
    // The last words (a protocol's goodbye) do not wait for the link: there is nobody left to wait with them.
    if (held !== undefined && held.length > 0) this.#send(held);
    if (socket.writableLength === 0 || !socket.writable) {
      socket.end();
      socket.destroy();
      return;
    }
    // Ends by itself when the peer has taken all and closed, too; one that does not must not hold the socket for ever.
    const deadline = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS);
    socket.once('close', () => clearTimeout(deadline));
    socket.end();
  }

  /** Breaks it off as a crash or a pulled cable does: with a reset where TCP is spoken to directly, and nothing said. */
  cut(): void {
    const socket = this.#socket;
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#shaper?.close();
    if (this.#endpoint.secure) socket?.destroy();
    else socket?.resetAndDestroy();
  }

  #enter(phase: ConnectPhase): void {
    if (this.#phase === 'closed') return;
    this.#phase = phase;
    // Resolving and connecting share one limit.
    if (phase !== 'connect') this.#phaseStartMs = this.#clock.nowMs();
  }

  /** The socket is ready; behind a link it takes so many round trips more until that is known here. */
  #ready(roundTrips: number): void {
    this.#made = true;
    if (this.#shaper === null) this.#opened();
    else this.#shaper.afterDown(roundTrips, () => this.#opened());
  }

  #opened(): void {
    if (this.#phase === 'closed') return;
    this.#enter('open');
    try {
      this.#owner.opened();
    } catch (error) {
      this.#threw(error);
    }
  }

  readonly #onRead = (bytes: number, buffer: Uint8Array): boolean => {
    if (this.#phase !== 'open') return true;
    try {
      this.#owner.received(buffer, bytes);
    } catch (error) {
      this.#threw(error);
    }
    return true;
  };

  readonly #onDrain = (): void => {
    if (this.#phase !== 'open') return;
    try {
      this.#owner.drained?.();
    } catch (error) {
      this.#threw(error);
    }
  };

  readonly #onError = (error: unknown): void => {
    this.#error ??= error;
  };

  readonly #onEnd = (): void => {
    if (this.#shaper !== null && this.#made) this.#shaper.afterBytes(() => this.#finish());
    // During the TLS handshake Node makes an error of it, which comes next.
    else if (this.#phase === 'open') this.#finish();
  };

  #finish(): void {
    this.close();
    this.#owner.finished();
  }

  readonly #onClose = (): void => {
    if (this.#phase === 'closed') return;
    if (this.#shaper !== null && this.#made) this.#shaper.afterBytes(() => this.#failBySocket());
    else this.#failBySocket();
  };

  #failBySocket(): void {
    if (this.#phase === 'closed') return;
    this.#fail(
      describeSocketError(
        this.#error ?? new Error('closed without a reason'),
        endpointName(this.#endpoint),
        this.#phase,
      ),
    );
  }

  #shapedBy(link: Link): LinkShaper {
    return new LinkShaper(
      link,
      {
        deliver: (bytes, end) => void this.#onRead(end, bytes),
        send: (pieces) => this.#send(pieces),
        drained: this.#onDrain,
        resume: () => this.#socket?.resume(),
        broken: () => this.#breakOff(),
      },
      sharedBuffer(),
    );
  }

  #breakOff(): void {
    this.cut();
    this.#owner.failed({
      reason: 'reset',
      detail: `the link to ${endpointName(this.#endpoint)} broke the connection, as the link's cuts want it`,
    });
  }

  #fail(failure: Failure): void {
    this.close();
    this.#owner.failed(failure);
  }

  #threw(error: unknown): void {
    this.close();
    this.#owner.threw(error);
  }
}

/** After `close`, how long queued bytes may take to go. */
const CLOSE_GRACE_MS = 1_000;

/** `host:port` as a person reads it. */
export function endpointName(endpoint: Pick<Endpoint, 'host' | 'port'>): string {
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `${host}:${endpoint.port}`;
}
