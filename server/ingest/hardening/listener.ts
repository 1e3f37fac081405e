/**
 * Listening and stopping (defect 7): node-media-server cannot listen on a port that the system chooses, ends the
 * process when a port is taken, and leaves responses open when it stops.
 */
import type { AddressInfo, Server } from 'node:net';

/** A listener that could not be started; the message is one sentence. */
export class ListenError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'ListenError';
    this.code = code;
  }
}

/**
 * @param port 0: one that is free; bound and known in one step, so that nobody can take it in between
 * @returns the port
 * @throws ListenError
 */
export function listen(server: Server, protocol: string, port: number, host: string): Promise<number> {
  server.removeAllListeners('error');
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, protocol, port, host)));
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function listenError(
  { code = 'UNKNOWN', message }: NodeJS.ErrnoException,
  protocol: string,
  port: number,
  host: string,
): ListenError {
  if (code === 'EADDRINUSE')
    return new ListenError('PORT_IN_USE', `The ${protocol} port ${port} on ${host} is already in use.`);
  if (code === 'EACCES')
    return new ListenError(
      'PORT_FORBIDDEN',
      `The ${protocol} port ${port} on ${host} may not be used: permission denied.`,
    );
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new ListenError(
      'HOST_UNKNOWN',
      `The ${protocol} port cannot be opened: ${host} is not an address of this machine.`,
    );
  return new ListenError(
    'LISTEN_FAILED',
    `The ${protocol} port ${port} on ${host} cannot be opened: ${message}.`,
  );
}
