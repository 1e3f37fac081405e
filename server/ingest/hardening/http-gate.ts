/**
 * What stands in front of node-media-server's HTTP listener (defects 1, 4 and 6): only a request for a valid,
 * permitted and existing stream reaches it. It answers everything else with 200 and silence, or dies of it.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { retryAfterS } from '../../gate/limits.ts';
import { type AdmissionRules, admit, type Refusal, type RefusalReason } from './admission.ts';
import type { Counters } from './counters.ts';
import { onceClosed } from './peer.ts';
import { noteRefusal } from './refusal-note.ts';
import { nameRule, readTarget, type StreamPath } from './stream-path.ts';

export interface HttpGateOptions {
  readonly rules: AdmissionRules;
  readonly counters: Counters;
  readonly log: Logger;
  /** How long a request's headers may take to come. */
  readonly requestTimeoutMs: number;
  /** The body of `/healthz`. */
  health(): object;
  /** To be told just before a publisher is let through. */
  publishing(path: StreamPath, remoteAddress: string | undefined): void;
}

const methods = ['GET', 'HEAD', 'POST', 'OPTIONS'];
const allow = methods.join(', ');

export type Serve = (req: IncomingMessage, res: ServerResponse) => void;

/** node-media-server's own handling of requests, taken away from its listener. */
export function takeRequests(server: Server): Serve {
  const serve = server.listeners('request')[0] as Serve;
  server.removeAllListeners('request');
  return serve;
}

/** @param server plain or TLS, with nobody listening for requests */
export function guardHttp(server: Server, serve: Serve, options: HttpGateOptions): void {
  const gate = new HttpGate(serve, options);
  server.on('request', (req, res) => gate.handle(req, res));
  // Without this Node says "100 Continue" to whoever asks first, also to a publisher that is then refused.
  server.on('checkContinue', (req, res) => gate.handle(req, res));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    answerClient(error, socket, options),
  );
  // A POST publisher's request goes on for ever: only its headers have a time limit.
  server.requestTimeout = 0;
  server.headersTimeout = options.requestTimeoutMs;
  // Not in Node's documentation for a made server, but read when it starts to listen: how often timeouts are checked.
  (server as unknown as { connectionsCheckingInterval: number }).connectionsCheckingInterval = 1_000;
}

class HttpGate {
  readonly #serve: Serve;
  readonly #options: HttpGateOptions;
  /** Connections that carry a stream: nothing else may be asked for on them. */
  readonly #streaming = new WeakSet<Socket>();

  constructor(serve: Serve, options: HttpGateOptions) {
    this.#serve = serve;
    this.#options = options;
  }

  handle(req: IncomingMessage, res: ServerResponse): void {
    // The answer to a pipelined request would queue up behind a response without end.
    if (this.#streaming.has(req.socket)) {
      req.socket.destroy();
      return;
    }
    res.on('error', () => res.destroy());
    res.setHeader('Access-Control-Allow-Origin', '*');
    res.setHeader('Cache-Control', 'no-store');
    res.setHeader('X-Content-Type-Options', 'nosniff');
    const { method = '' } = req;
    if (method === 'OPTIONS') answerPreflight(res);
    else if (methods.includes(method)) this.#answerTarget(req, res);
    else {
      res.setHeader('Allow', allow);
      this.#refuse(req, res, 'bad-method', 405, `The methods here are ${allow}.`);
    }
  }

  #answerTarget(req: IncomingMessage, res: ServerResponse): void {
    const target = readTarget(req.url ?? '');
    if (target.kind === 'stream') this.#answerStream(req, res, target.path, target.sign);
    else if (target.kind === 'malformed')
      this.#refuse(req, res, 'bad-name', 400, `Bad path, not /application/name.flv: ${nameRule}.`);
    else if (target.pathname === '/healthz' && req.method !== 'POST')
      answerHealth(res, this.#options.health());
    else
      this.#refuse(req, res, 'no-such-path', 404, 'Nothing is here; streams are at /application/name.flv.');
  }

  #refuse(
    req: IncomingMessage,
    res: ServerResponse,
    reason: RefusalReason,
    status: number,
    sentence: string,
  ): void {
    const peer = req.socket.remoteAddress;
    noteRefusal(this.#options, {
      reason,
      role: roleOf(req),
      stream: null,
      transport: 'http',
      answer: status,
      peer,
    });
    answer(res, status, sentence);
  }

  #answerStream(req: IncomingMessage, res: ServerResponse, path: StreamPath, signature: string | null): void {
    const role = roleOf(req);
    const { rules, publishing } = this.#options;
    const { remoteAddress: address } = req.socket;
    const admission = admit({ role, path, signature, address, page: req.headers }, rules);
    if (admission.refusal !== null) {
      const { reason, httpStatus } = admission.refusal;
      noteRefusal(this.#options, {
        reason,
        role,
        stream: path,
        transport: 'http-flv',
        answer: httpStatus,
        peer: address,
      });
      answerRefusal(res, admission.refusal);
      return;
    }
    // A stream ends with its connection, and a player should know so.
    res.setHeader('Connection', 'close');
    if (role === 'play') res.setHeader('Content-Type', 'video/x-flv');
    if (req.method === 'HEAD') {
      admission.release();
      res.end();
      return;
    }
    onceClosed(req.socket, admission.release);
    if (role === 'publish') {
      publishing(path, address);
      if (req.headers.expect !== undefined) res.writeContinue();
    }
    this.#streaming.add(req.socket);
    this.#serve(req, res);
  }
}

function roleOf({ method }: IncomingMessage): 'publish' | 'play' {
  return method === 'POST' ? 'publish' : 'play';
}

/** Plain text, because it ends up in a terminal or a log. */
function answer(res: ServerResponse, status: number, sentence: string): void {
  // A body that was not asked for (a refused publisher's) is not read: the connection ends with the answer.
  if (res.req.method === 'POST') res.setHeader('Connection', 'close');
  res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
  res.end(`${sentence}\n`);
}

function answerRefusal(res: ServerResponse, { httpStatus, sentence }: Refusal): void {
  // RFC 9110, 15.5.2: a 401 must name a scheme.
  if (httpStatus === 401) res.setHeader('WWW-Authenticate', 'Sign realm="streamgauge"');
  if (httpStatus === 429 || httpStatus === 503) res.setHeader('Retry-After', retryAfterS);
  answer(res, httpStatus, sentence);
}

const clientErrors: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** What Node answers when nobody listens, with a line in the log. The error has the bytes that came: not for a log. */
function answerClient(
  { code = 'UNKNOWN' }: NodeJS.ErrnoException,
  socket: Socket,
  notebook: HttpGateOptions,
): void {
  const { _httpMessage: answering } = socket as Socket & { _httpMessage?: ServerResponse | null };
  // Who broke off has nobody to answer to, and within an answer there is no place for another.
  if (code === 'ECONNRESET' || !socket.writable || answering?.headersSent === true) {
    socket.destroy();
    return;
  }
  const status = clientErrors[code] ?? '400 Bad Request';
  noteRefusal(notebook, {
    reason: 'bad-request',
    role: null,
    stream: null,
    transport: 'http',
    answer: Number(status.slice(0, 3)),
    peer: socket.remoteAddress,
  });
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
}

function answerHealth(res: ServerResponse, health: object): void {
  res.writeHead(200, { 'Content-Type': 'application/json' });
  res.end(`${JSON.stringify(health)}\n`);
}

function answerPreflight(res: ServerResponse): void {
  res.writeHead(204, {
    Allow: allow,
    'Access-Control-Allow-Methods': allow,
    'Access-Control-Allow-Headers': '*',
    'Access-Control-Max-Age': '86400',
  });
  res.end();
}
