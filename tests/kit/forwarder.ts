import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';

export interface ForwarderOptions {
  /** Where the server listens, on 127.0.0.1. */
  readonly port: number;
  /** Where to listen. Default 127.0.0.1. */
  readonly host?: string;
  /** With it clients come over TLS, and the server sees none of that: a TLS terminator. PEM. */
  readonly certificate?: { readonly key: string; readonly cert: string };
}

export interface Forwarder {
  readonly port: number;
  stop(): Promise<void>;
}

/** Hands connections on to a server, so that it is reached at another address or over TLS. */
export async function startForwarder({
  port,
  host = '127.0.0.1',
  certificate,
}: ForwarderOptions): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  const hold = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  };
  const forward = (client: Socket): void => {
    const upstream = net.connect({ port, host: '127.0.0.1', noDelay: true });
    hold(upstream);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  };
  const server =
    certificate === undefined
      ? net.createServer({ noDelay: true }, forward)
      : tls.createServer({ ...certificate, noDelay: true }, forward);
  // Those, too, that never get through the TLS handshake.
  server.on('connection', hold);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
