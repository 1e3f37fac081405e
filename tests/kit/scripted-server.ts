import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import { flvHeader, flvTag } from '../../core/flv/writer.ts';
import type { MediaTag } from '../../core/media.ts';
import { RtmpServerSession } from '../../core/rtmp/server-session.ts';

/** A server whose every byte the test decides. It listens on loopback, on a free port. */
export interface ScriptedServer {
  readonly port: number;
  /** Of a stream that the server serves, without a path of its own meaning. */
  readonly url: string;
  /** Connections so far. */
  readonly accepted: number;
  /** Bytes from all clients so far. */
  readonly received: number;
  stop(): Promise<void>;
}

/** One viewer of a scripted server, after it has asked for the stream. */
export interface ScriptedSession {
  /** What was asked for: HTTP path with query, or RTMP `app/stream`. */
  readonly asked: string;
  /** HTTP or WebSocket request headers, names in lower case. Empty for RTMP. */
  readonly headers: ReadonlyMap<string, string>;
  /** Says yes. Before it nothing is answered. */
  accept(): void;
  /** In one write: what fits a few KB also comes in one read. */
  send(...tags: MediaTag[]): void;
  /** Ends the stream in good order: last chunk, UnpublishNotify, or close code 1000. */
  endStream(): void;
  /** Closes the connection with no word. */
  close(): void;
  reset(): void;
}

export type OnViewer = (session: ScriptedSession) => void;

export interface ScriptedServerOptions {
  readonly host?: string;
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A TCP (or TLS) server on loopback that hands its sockets out and closes them at the end. */
export async function startSocketServer(
  onSocket: (socket: net.Socket) => void,
  { host = '127.0.0.1', tls: certificate }: ScriptedServerOptions = {},
): Promise<ScriptedServer> {
  const sockets = new Set<net.Socket>();
  let accepted = 0;
  let received = 0;
  const take = (socket: net.Socket): void => {
    accepted++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      received += bytes.length;
    });
    onSocket(socket);
  };
  const server = certificate
    ? tls.createServer(certificate, take)
    : net.createServer({ noDelay: true }, take);
  server.on('tlsClientError', () => {});
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  return {
    port,
    url: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    get accepted() {
      return accepted;
    },
    get received() {
      return received;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** HTTP-FLV with chunked coding, one chunk per `send`. */
export async function startHttpFlvServer(
  onViewer: OnViewer,
  options: ScriptedServerOptions = {},
): Promise<ScriptedServer> {
  const server = await startSocketServer((socket) => {
    let request = '';
    socket.on('data', (bytes) => {
      if (request.endsWith('\r\n\r\n')) return;
      request += bytes.toString('latin1');
      if (request.endsWith('\r\n\r\n')) onViewer(httpSession(socket, request));
    });
  }, options);
  return at(server, `http${options.tls ? 's' : ''}://${server.url}/live/a.flv`);
}

function httpSession(socket: net.Socket, request: string): ScriptedSession {
  const [requestLine = '', ...lines] = request.trimEnd().split('\r\n');
  const chunk = (bytes: Uint8Array): void => {
    socket.write(
      Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]),
    );
  };
  return {
    asked: requestLine.split(' ')[1] ?? '',
    headers: new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    ),
    accept() {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nTransfer-Encoding: chunked\r\n\r\n');
      chunk(flvHeader(true, true));
    },
    send: (...tags) => chunk(Buffer.concat(tags.map(flvTag))),
    endStream: () => socket.end('0\r\n\r\n'),
    close: () => socket.end(),
    reset: () => socket.resetAndDestroy(),
  };
}

/** A viewer over a WebSocket. What is not of all protocols, the test does by itself. */
export interface ScriptedWebSocketSession extends ScriptedSession {
  /** After `accept`. */
  readonly webSocket: WebSocket;
}

/** WS-FLV, one tag in each message, by `ws`. The end of the stream is close code 1000. */
export async function startWsFlvServer(
  onViewer: (session: ScriptedWebSocketSession) => void,
  options: ScriptedServerOptions = {},
): Promise<ScriptedServer> {
  const parser = http.createServer();
  const upgrader = new WebSocketServer({ noServer: true });
  parser.on('upgrade', (request, socket: net.Socket, head) => {
    let webSocket: WebSocket | undefined;
    const open = (): WebSocket => {
      if (webSocket === undefined) throw new Error('not accepted yet');
      return webSocket;
    };
    onViewer({
      asked: request.url ?? '',
      headers: new Map(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
      get webSocket() {
        return open();
      },
      accept() {
        socket.cork();
        upgrader.handleUpgrade(request, socket, head, (upgraded) => {
          webSocket = upgraded;
          upgraded.on('error', () => {});
          upgraded.send(flvHeader(true, true));
        });
        socket.uncork();
      },
      send(...tags) {
        socket.cork();
        for (const tag of tags) open().send(flvTag(tag));
        socket.uncork();
      },
      endStream: () => open().close(1000),
      close: () => socket.end(),
      reset: () => socket.resetAndDestroy(),
    });
  });
  const server = await startSocketServer((socket) => parser.emit('connection', socket), options);
  return at(server, `ws${options.tls ? 's' : ''}://${server.url}/live/a.flv`);
}

export async function startRtmpServer(
  onViewer: OnViewer,
  options: ScriptedServerOptions = {},
): Promise<ScriptedServer> {
  const server = await startSocketServer((socket) => {
    const session = new RtmpServerSession({
      random: (count) => new Uint8Array(count).fill(7),
      write: (pieces) => socket.write(Buffer.concat(pieces)),
      event: (event) => {
        if (event.kind === 'connect') session.accept();
        else if (event.kind === 'play') {
          onViewer({
            asked: `${event.app}/${event.stream}`,
            headers: new Map(),
            accept: () => session.accept(),
            send: (...tags) => {
              socket.cork();
              for (const tag of tags) session.sendTag(tag.type, tag.timestampMs, tag.body);
              socket.uncork();
            },
            endStream: () => session.unpublished(),
            close: () => socket.end(),
            reset: () => socket.resetAndDestroy(),
          });
        }
      },
    });
    socket.on('data', (bytes) => session.receive(bytes));
  }, options);
  return at(server, `rtmp${options.tls ? 's' : ''}://${server.url}/live/a`);
}

/** The same server under a full URL. Not a copy: its counters go on. */
function at(server: ScriptedServer, url: string): ScriptedServer {
  return Object.defineProperty(server, 'url', { value: url });
}
