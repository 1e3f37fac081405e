/**
 * What operators and load balancers ask: `/healthz`, `/readyz`, `/metrics` (Prometheus) and, with a token, `/api/streams` and `/api/viewers`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { figuresText } from './figures.ts';
import type { DeliverStats, PartsNote } from './messages.ts';
import type { HlsViewer } from './viewers.ts';

export interface OperationsOptions {
  stats(): DeliverStats;
  viewers(): readonly HlsViewer[];
  /** What the stack last said of its other parts; null: nothing yet. */
  parts(): PartsNote | null;
  /** One sentence on why no viewer should be sent here; null: it is ready. */
  unready(): string | null;
  readonly token: string | undefined;
  readonly log: Logger;
  wallMs(): number;
}

export function addOperations(app: FastifyInstance, options: OperationsOptions): void {
  const { stats, parts } = options;
  app.get('/healthz', async (_request, reply) => {
    const { uptimeMs, viewers, streams } = stats();
    return uncached(reply).send({ status: 'ok', uptimeMs, streams: streams.length, viewers });
  });
  app.get('/readyz', async (_request, reply) => {
    const reason = options.unready();
    if (reason === null) return uncached(reply).send({ status: 'ready' });
    return uncached(reply).code(503).send({ status: 'not ready', reason });
  });
  app.get('/metrics', async (_request, reply) => {
    const { type, text } = await figuresText(stats(), parts());
    return uncached(reply).type(type).send(text);
  });
  app.get('/api/streams', async (request, reply) => {
    if (!mayRead(request, reply, options)) return reply;
    const delivered = new Map(stats().streams.map((stream) => [stream.name, stream]));
    const ingested = new Map((parts()?.ingest?.streams ?? []).map((stream) => [stream.name, stream]));
    const names = [...new Set([...ingested.keys(), ...delivered.keys()])].sort();
    return uncached(reply).send({
      streams: names.map((name) => ({
        name,
        ingest: ingested.get(name) ?? null,
        hls: delivered.get(name) ?? null,
      })),
    });
  });
  app.get('/api/viewers', async (request, reply) => {
    if (!mayRead(request, reply, options)) return reply;
    const nowMs = performance.now();
    const { viewersByProtocol = {} } = parts()?.ingest ?? {};
    const hls = options.viewers();
    return uncached(reply).send({
      viewersByProtocol: { ...viewersByProtocol, hls: hls.length },
      hls: hls.slice(0, MAX_LISTED).map(({ stream, address, sinceWallMs, lastMs, requests }) => ({
        stream,
        address,
        since: new Date(sinceWallMs).toISOString(),
        idleMs: Math.round(nowMs - lastMs),
        requests,
      })),
    });
  });
}

const MAX_LISTED = 10_000;

function uncached(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store');
}

/** Answers itself where not. */
function mayRead(request: FastifyRequest, reply: FastifyReply, { token, log }: OperationsOptions): boolean {
  if (token === undefined) {
    void uncached(reply).code(404).send({ error: 'The API is off: the configuration has no api.token.' });
    return false;
  }
  const given = /^Bearer (.{1,512})$/.exec(request.headers.authorization ?? '')?.[1];
  if (given !== undefined && isSame(given, token)) return true;
  const status = given === undefined ? 401 : 403;
  log.warn({ peer: request.socket.remoteAddress, status }, 'API refused');
  void uncached(reply)
    .code(status)
    .header('www-authenticate', 'Bearer')
    .send({
      error: given === undefined ? 'This needs "Authorization: Bearer TOKEN".' : 'The token is wrong.',
    });
  return false;
}

/** In constant time, whatever the lengths. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
