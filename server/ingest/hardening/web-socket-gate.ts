/**
 * What stands in front of node-media-server's WebSocket server (defects 1 and 4). A refused upgrade gets a plain
 * HTTP answer: a browser shows only that it failed, but every other client learns why.
 */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type NodeMediaServer from 'node-media-server';
import { admit, type Refusal } from './admission.ts';
import { countRefusal } from './counters.ts';
import type { HttpGateOptions } from './http-gate.ts';
import { endSocket } from './peer.ts';
import { readTarget } from './stream-path.ts';

type Upgrade = (req: IncomingMessage, socket: Socket, head: Buffer) => void;

export function guardWebSocket(
  server: Server,
  wsServer: NodeMediaServer.WebSocketServer,
  options: Pick<HttpGateOptions, 'rules' | 'counters' | 'log' | 'publishing'>,
  maxMessageBytes: number,
): void {
  const { rules, counters, log, publishing } = options;
  const upgrade = server.listeners('upgrade')[0] as Upgrade;
  server.removeAllListeners('upgrade');
  // ws would allow 100 MiB in one message.
  wsServer.options.maxPayload = maxMessageBytes;
  server.on('upgrade', (req: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const target = readTarget(req.url ?? '');
    if (target.kind === 'other') {
      refuse(socket, 404, 'Nothing is here; streams are at /application/name.flv.');
      return;
    }
    const role = publishes(req) ? 'publish' : 'play';
    const { path, sign } = target.kind === 'stream' ? target : { path: null, sign: null };
    const { remoteAddress } = socket;
    const refusal = admit(role, path, sign, rules);
    if (refusal !== null) {
      const { reason } = refusal;
      countRefusal(counters, reason);
      log.info({ stream: path, transport: 'ws-flv', reason, peer: remoteAddress }, 'refused');
      refuse(socket, refusal.httpStatus, refusal.sentence);
      return;
    }
    if (role === 'publish' && path !== null) publishing(path, remoteAddress);
    upgrade.call(server, req, socket, head);
  });
}

/** node-media-server's rule: the first subprotocol offered says that the client publishes. */
function publishes(req: IncomingMessage): boolean {
  const first = req.headers['sec-websocket-protocol']?.split(',')[0]?.trim().toLowerCase();
  return first === 'post' || first === 'publisher';
}

function refuse(socket: Socket, status: Refusal['httpStatus'], sentence: string): void {
  const body = `${sentence}\n`;
  socket.write(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      'Connection: close\r\n' +
      'Content-Type: text/plain; charset=utf-8\r\n' +
      `Content-Length: ${body.length}\r\n` +
      (status === 401 ? 'WWW-Authenticate: Sign realm="streamgauge"\r\n' : '') +
      `\r\n${body}`,
  );
  endSocket(socket);
}
