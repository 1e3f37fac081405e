/**
 * RTMPS, HTTPS and WSS, by listeners of our own that hand node-media-server what the plain ones do: so the same gates,
 * bounds and limits are in front of them. Its own would speak HTTP/2, past which nothing can be batched, counted or
 * cut; they read key and certificate once for all, and wait for ever for a handshake.
 */
import https from 'node:https';
import tls from 'node:tls';
import type NodeMediaServer from 'node-media-server';
import type { TlsMaterial } from '../../gate/tls.ts';
import type { Transport } from './peer.ts';
import { noteRefusal, type RefusalNotebook } from './refusal-note.ts';

export interface TlsListeners {
  readonly rtmps: tls.Server;
  readonly https: https.Server;
  /** For connections from now on; those there are keep theirs. */
  renew(material: TlsMaterial): void;
}

export interface TlsListenersOptions extends RefusalNotebook {
  readonly requestTimeoutMs: number;
}

/** Nobody listens for requests and upgrades on the HTTPS server yet: that is for the gates. */
export function makeTlsListeners(
  nms: NodeMediaServer,
  material: TlsMaterial,
  options: TlsListenersOptions,
): TlsListeners {
  // Node's default for a handshake is two minutes.
  const settings = { ...material, handshakeTimeout: options.requestTimeoutMs };
  const rtmps = tls.createServer(settings, (socket) => nms.rtmpServer.handleRequest(socket));
  const secureHttp = https.createServer(settings);
  for (const [server, transport] of [
    [rtmps, 'rtmp'],
    [secureHttp, 'http'],
  ] as const)
    server.prependListener('tlsClientError', (error: NodeJS.ErrnoException, socket: tls.TLSSocket) => {
      noteFailure(error, socket, transport, options);
    });
  return {
    rtmps,
    https: secureHttp,
    renew: (renewed) => {
      for (const server of [rtmps, secureHttp]) server.setSecureContext({ ...renewed });
    },
  };
}

function noteFailure(
  { code }: NodeJS.ErrnoException,
  socket: tls.TLSSocket,
  transport: Transport | 'http',
  notebook: RefusalNotebook,
): void {
  // Who hangs up is not refused: load balancers ask so whether somebody is there.
  if (code !== 'ECONNRESET')
    noteRefusal(notebook, {
      reason: 'bad-tls',
      role: null,
      stream: null,
      transport,
      answer: code ?? 'closed',
      peer: socket.remoteAddress,
    });
  socket.destroy();
}
