/**
 * What stands in front of node-media-server's WebSocket server (defects 1 and 4). A refused upgrade gets a plain
 * HTTP answer: a browser shows only that it failed, but every other client learns why.
 */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type NodeMediaServer from 'node-media-server';
import { retryAfterS } from '../../gate/limits.ts';
import { admit, type Refusal } from './admission.ts';
import type { HttpGateOptions } from './http-gate.ts';
import { endSocket, onceClosed } from './peer.ts';
import { noteRefusal } from './refusal-note.ts';
import { readTarget } from './stream-path.ts';

export type Upgrade = (req: IncomingMessage, socket: Socket, head: Buffer) => void;

/** node-media-server's own handling of upgrades, taken away from its listener and bounded. */
export function takeUpgrades(
  server: Server,
  wsServer: NodeMediaServer.WebSocketServer,
  maxMessageBytes: number,
): Upgrade {
  const upgrade = server.listeners('upgrade')[0] as Upgrade;
  server.removeAllListeners('upgrade');
  // ws would allow 100 MiB in one message.
  wsServer.options.maxPayload = maxMessageBytes;
  return upgrade.bind(server);
}

/** @param server plain or TLS, with nobody listening for upgrades */
export function guardWebSocket(
  server: Server,
  upgrade: Upgrade,
  options: Pick<HttpGateOptions, 'rules' | 'counters' | 'log' | 'publishing'>,
): void {
  const { rules, publishing } = options;
  server.on('upgrade', (req: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const role = publishes(req) ? 'publish' : 'play';
    const { remoteAddress: address } = socket;
    const target = readTarget(req.url ?? '');
    const note = { role, transport: 'ws-flv', peer: address } as const;
    if (target.kind === 'other') {
      noteRefusal(options, { ...note, reason: 'no-such-path', stream: null, answer: 404 });
      refuse(socket, 404, 'Nothing is here; streams are at /application/name.flv.');
      return;
    }
    const { path, sign: signature } = target.kind === 'stream' ? target : { path: null, sign: null };
    const admission = admit({ role, path, signature, address, page: req.headers }, rules);
    if (admission.refusal !== null) {
      const { reason, httpStatus, sentence } = admission.refusal;
      noteRefusal(options, { ...note, reason, stream: path, answer: httpStatus });
      refuse(socket, httpStatus, sentence);
      return;
    }
    onceClosed(socket, admission.release);
    if (role === 'publish') publishing(admission.path, address);
    upgrade(req, socket, head);
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
      (status === 429 || status === 503 ? `Retry-After: ${retryAfterS}\r\n` : '') +
      `\r\n${body}`,
  );
  endSocket(socket);
}
