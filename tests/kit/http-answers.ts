import type { Socket } from 'node:net';
import { type ScriptedServer, type ScriptedServerOptions, startSocketServer } from './scripted-server.ts';

/** One request to a server whose answers are written byte by byte. */
export interface AskedHttp {
  readonly path: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Which connection it came on, and the how manieth it was there; both from 0. */
  readonly connection: number;
  readonly turn: number;
  /** The whole header as it came, latin1. */
  readonly text: string;
}

export interface HttpAnswersServer extends ScriptedServer {
  readonly asked: readonly AskedHttp[];
}

/** HTTP/1.1 with connections that stay open: `answer` writes what it likes to each request. */
export async function startHttpAnswers(
  answer: (asked: AskedHttp, socket: Socket) => void,
  options: ScriptedServerOptions = {},
): Promise<HttpAnswersServer> {
  const asked: AskedHttp[] = [];
  let connections = 0;
  const server = await startSocketServer((socket) => {
    const connection = connections++;
    let turn = 0;
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const one = parseRequest(text.slice(0, end + 4), connection, turn++);
        text = text.slice(end + 4);
        asked.push(one);
        answer(one, socket);
      }
    });
  }, options);
  return Object.defineProperties(server as HttpAnswersServer, {
    asked: { value: asked },
    url: { value: `http${options.tls ? 's' : ''}://${server.url}` },
  });
}

/** An answer with a length. */
export function httpAnswer(
  body: string | Uint8Array,
  { status = '200 OK', headers = {} }: { status?: string; headers?: Record<string, string> } = {},
): Buffer {
  const content = Buffer.from(body as string);
  const fields = Object.entries({ 'content-length': String(content.length), ...headers });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${lines}\r\n`, 'latin1'), content]);
}

function parseRequest(text: string, connection: number, turn: number): AskedHttp {
  const [requestLine = '', ...lines] = text.trimEnd().split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  return { path: requestLine.split(' ')[1] ?? '', headers, connection, turn, text };
}
