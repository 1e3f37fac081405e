/**
 * The HTTP side of delivery, as a fastify application: other plugins (the player page) can be added to it.
 */
import http from 'node:http';
import https from 'node:https';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { limitRules } from '../gate/gate-options.ts';
import { Limits } from '../gate/limits.ts';
import { SessionLimits } from '../gate/session-limits.ts';
import type { DeliverOptions } from './deliver-options.ts';
import type { Delivery } from './delivery.ts';
import { createPlayGate } from './play-gate.ts';
import { addStreamRoutes } from './stream-routes.ts';
import { Traffic } from './traffic.ts';
import { HlsViewers } from './viewers.ts';

export interface DeliverAppOptions {
  readonly options: DeliverOptions;
  readonly delivery: Delivery;
  readonly log: Logger;
  readonly wallMs: () => number;
}

export interface DeliverApp {
  readonly app: FastifyInstance;
  readonly server: http.Server | https.Server;
  readonly traffic: Traffic;
  readonly viewers: HlsViewers;
  /** Nobody is made to wait any longer, and each answer is the last of its connection. */
  drain(): void;
}

const MAX_HEADER_BYTES = 16 * 1024;
const METHODS = 'GET, HEAD, OPTIONS';

export function createDeliverApp({ options, delivery, log, wallMs }: DeliverAppOptions): DeliverApp {
  const { tls, requestTimeoutMs, keepAliveMs, maxConnections, sendTimeoutMs, hls } = options;
  const traffic = new Traffic();
  const viewerIdleMs = Math.max(10_000, 4 * hls.segmentMs);
  const viewers = new HlsViewers(viewerIdleMs);
  const stopping = new AbortController();
  let server: http.Server | https.Server | null = null;
  const app = fastify({
    bodyLimit: 16 * 1024,
    frameworkErrors: (_error, _request, reply) => {
      traffic.refused('bad-name');
      void (reply as FastifyReply).code(400).type('text/plain').send('Bad path.\n');
    },
    serverFactory: (handler) => {
      const settings = {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: requestTimeoutMs,
        requestTimeout: requestTimeoutMs,
        keepAliveTimeout: keepAliveMs,
        connectionsCheckingInterval: 1_000,
        noDelay: true,
      };
      server = tls
        ? https.createServer({ ...settings, ...tls }, handler)
        : http.createServer(settings, handler);
      server.maxConnections = maxConnections;
      server.on('drop', () => traffic.refused('too-many-connections'));
      // TLS: who connects and says nothing is not yet a request that could time out.
      server.on('connection', (socket) =>
        socket.setTimeout(Math.max(keepAliveMs, requestTimeoutMs, sendTimeoutMs)),
      );
      return server;
    },
  });
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('access-control-allow-origin', '*').header('x-content-type-options', 'nosniff');
    if (stopping.signal.aborted) reply.header('connection', 'close');
  });
  app.options('/*', async (_request, reply) =>
    reply
      .code(204)
      .header('access-control-allow-methods', METHODS)
      .header('access-control-allow-headers', 'Range, If-None-Match, Authorization')
      .header('access-control-max-age', '86400')
      .send(),
  );
  app.setNotFoundHandler(async (_request, reply) => {
    traffic.refused('bad-method');
    return reply
      .code(405)
      .header('allow', METHODS)
      .type('text/plain')
      .send(`The methods here are ${METHODS}.\n`);
  });
  app.setErrorHandler(async (error, request, reply) => {
    const { statusCode = 500, message } = error as Error & { statusCode?: number };
    traffic.refused('error');
    log.error({ path: request.routeOptions.url, message }, 'a request failed');
    return reply
      .code(statusCode)
      .type('text/plain')
      .send(`${statusCode < 500 ? message : 'An error of the server.'}\n`);
  });
  addStreamRoutes(app, {
    delivery,
    gate: createPlayGate(options.gate, options.rungs, () => wallMs() / 1_000),
    viewers,
    limits: new SessionLimits(new Limits(limitRules(options.limits)), {
      windowMs: viewerIdleMs,
      maxSessions: maxConnections,
    }),
    traffic,
    sendTimeoutMs,
    stopping: stopping.signal,
    log,
    segmentMs: hls.segmentMs,
  });
  return {
    app,
    get server() {
      return server!;
    },
    traffic,
    viewers,
    drain: () => stopping.abort(),
  };
}
