/**
 * What stands in front of node-media-server's HTTP listener (defects 1, 4 and 6): only a request for a valid,
 * permitted and existing stream reaches it. It answers everything else with 200 and silence, or dies of it.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { type AdmissionRules, admit, type Refusal } from './admission.ts';
import { type Counters, countRefusal } from './counters.ts';
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

export function guardHttp(server: Server, options: HttpGateOptions): void {
  const serve = server.listeners('request')[0] as (req: IncomingMessage, res: ServerResponse) => void;
  server.removeAllListeners('request');
  const gate = new HttpGate(serve, options);
  server.on('request', (req, res) => gate.handle(req, res));
  // Without this Node says "100 Continue" to whoever asks first, also to a publisher that is then refused.
  server.on('checkContinue', (req, res) => gate.handle(req, res));
  // A POST publisher's request goes on for ever: only its headers have a time limit.
  server.requestTimeout = 0;
  server.headersTimeout = options.requestTimeoutMs;
  // Not in Node's documentation for a made server, but read when it starts to listen: how often timeouts are checked.
  (server as unknown as { connectionsCheckingInterval: number }).connectionsCheckingInterval = 1_000;
}

class HttpGate {
  readonly #serve: (req: IncomingMessage, res: ServerResponse) => void;
  readonly #options: HttpGateOptions;
  /** Connections that carry a stream: nothing else may be asked for on them. */
  readonly #streaming = new WeakSet<Socket>();

  constructor(serve: (req: IncomingMessage, res: ServerResponse) => void, options: HttpGateOptions) {
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
      answer(res, 405, `The methods here are ${allow}.`);
    }
  }

  #answerTarget(req: IncomingMessage, res: ServerResponse): void {
    const target = readTarget(req.url ?? '');
    if (target.kind === 'stream') this.#answerStream(req, res, target.path, target.sign);
    else if (target.kind === 'malformed') {
      countRefusal(this.#options.counters, 'bad-name');
      answer(res, 400, `Bad path, not /application/name.flv: ${nameRule}.`);
    } else if (target.pathname === '/healthz' && req.method !== 'POST')
      answerHealth(res, this.#options.health());
    else answer(res, 404, 'Nothing is here; streams are at /application/name.flv.');
  }

  #answerStream(req: IncomingMessage, res: ServerResponse, path: StreamPath, sign: string | null): void {
    const role = req.method === 'POST' ? 'publish' : 'play';
    const { rules, counters, log, publishing } = this.#options;
    const { remoteAddress } = req.socket;
    const refusal = admit(role, path, sign, rules);
    if (refusal !== null) {
      const { reason } = refusal;
      countRefusal(counters, reason);
      log.info({ stream: path, transport: 'http-flv', reason, peer: remoteAddress }, 'refused');
      answerRefusal(res, refusal);
      return;
    }
    // A stream ends with its connection, and a player should know so.
    res.setHeader('Connection', 'close');
    if (role === 'play') res.setHeader('Content-Type', 'video/x-flv');
    if (req.method === 'HEAD') {
      res.end();
      return;
    }
    if (role === 'publish') {
      publishing(path, remoteAddress);
      if (req.headers.expect !== undefined) res.writeContinue();
    }
    this.#streaming.add(req.socket);
    this.#serve(req, res);
  }
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
  answer(res, httpStatus, sentence);
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
