/**
 * node-media-server, hardened: one per process, because it keeps its state in globals.
 *
 *     sockets ─► gates (admission) ─► node-media-server's sessions ─► Stream per published name ─► viewers
 *                                          │ each one a Peer
 *                                          └─► bounds, silence, clean stop
 *
 * Who closes whom: a peer that breaks a bound is cut at once; a viewer ends with its stream; a stream with its
 * publisher; all of them with `stop`.
 */
import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import NodeMediaServer from 'node-media-server';
import context from 'node-media-server/src/core/context.js';
import nmsLogger from 'node-media-server/src/core/logger.js';
import type { Logger } from 'pino';
import { gateRules, limitRules } from '../gate/gate-options.ts';
import { Limits, type ViewerCounts } from '../gate/limits.ts';
import type { TlsMaterial } from '../gate/tls.ts';
import type { AdmissionRules, StreamState } from './hardening/admission.ts';
import { type Counters, createCounters } from './hardening/counters.ts';
import { boundFlv } from './hardening/flv-bounds.ts';
import { guardHttp, takeRequests } from './hardening/http-gate.ts';
import { listen } from './hardening/listener.ts';
import { type Peer, peerOf } from './hardening/peer.ts';
import { boundRtmp } from './hardening/rtmp-bounds.ts';
import { guardRtmp } from './hardening/rtmp-gate.ts';
import { Silence } from './hardening/silence.ts';
import { SlowViewers } from './hardening/slow-viewers.ts';
import { Stream } from './hardening/stream.ts';
import type { StreamPath } from './hardening/stream-path.ts';
import { makeTlsListeners, type TlsListeners } from './hardening/tls-listeners.ts';
import { WatchedMap } from './hardening/watched-map.ts';
import { guardWebSocket, takeUpgrades } from './hardening/web-socket-gate.ts';
import type { IngestPorts, ViewersEvent } from './messages.ts';
import type { OriginOptions } from './origin-options.ts';
import type { IngestStats, StreamEvent } from './stats.ts';

const sweepMs = 1_000;
/** How long peers may take to be gone after the goodbye. */
const farewellMs = 1_500;
/** node-media-server makes a listener only for a port that is not 0; which one is ours to say when we listen. */
const anyPort = 1;

export class Origin {
  readonly #options: OriginOptions;
  readonly #log: Logger;
  readonly #nms: NodeMediaServer;
  readonly #peers = new Set<Peer>();
  readonly #streams = new WeakMap<NodeMediaServer.Broadcast, Stream>();
  readonly #counters: Counters = createCounters();
  readonly #startedMs = performance.now();
  readonly #slowViewers: SlowViewers;
  readonly #silence: Silence;
  readonly #rules: AdmissionRules;
  readonly #tell: (event: StreamEvent | ViewersEvent) => void;
  #secure: TlsListeners | null = null;
  #toldCounts = '';
  #sweeper: NodeJS.Timeout | null = null;
  #lastPeerGone: (() => void) | null = null;

  /** @param tell told when a stream comes or goes, and how many viewers there are */
  constructor(options: OriginOptions, log: Logger, tell: (event: StreamEvent | ViewersEvent) => void) {
    this.#tell = tell;
    this.#rules = admissionRules(options);
    this.#options = options;
    this.#log = log;
    this.#slowViewers = new SlowViewers(options.maxViewerBacklogBytes, this.#counters, log);
    this.#silence = new Silence(options, this.#counters, log);
    nmsLogger.log = (message) => log.debug({ nms: String(message) });
    // Before the server is made, so that nothing escapes.
    context.sessions = new WatchedMap((session) => this.#addPeer(peerOf(session)));
    context.broadcasts = new WatchedMap((broadcast) => this.#addStream(broadcast));
    this.#nms = new NodeMediaServer({
      bind: options.host,
      rtmp: { port: anyPort },
      http: { port: anyPort },
      webadmin: { enable: false },
    });
    this.#announceStreams();
  }

  /** @throws ListenError */
  async start(): Promise<IngestPorts> {
    const { tls, maxMessageBytes, requestTimeoutMs } = this.#options;
    const { tcpServer } = this.#nms.rtmpServer;
    const { httpServer, wsServer } = this.#nms.httpServer;
    const gate = { ...this.#gateOptions(), requestTimeoutMs, health: () => this.#health() };
    const serve = takeRequests(httpServer);
    const upgrade = takeUpgrades(httpServer, wsServer, maxMessageBytes);
    const guard = (server: HttpServer) => {
      guardHttp(server, serve, gate);
      guardWebSocket(server, upgrade, gate);
    };
    guard(httpServer);
    if (tls !== undefined) {
      this.#secure = makeTlsListeners(this.#nms, tls, gate);
      guard(this.#secure.https);
    }
    const secure = this.#secure;
    const { rtmpPort, httpPort, rtmpsPort = 0, httpsPort = 0 } = this.#options;
    const ports = {
      rtmpPort: await this.#listen(tcpServer, 'RTMP', rtmpPort),
      httpPort: await this.#listen(httpServer, 'HTTP', httpPort),
      rtmpsPort: secure === null ? undefined : await this.#listen(secure.rtmps, 'RTMPS', rtmpsPort),
      httpsPort: secure === null ? undefined : await this.#listen(secure.https, 'HTTPS', httpsPort),
    };
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
    return ports;
  }

  /** Another key and certificate, for connections from now on. */
  renewTls(material: TlsMaterial): void {
    this.#secure?.renew(material);
  }

  /** What other processes count. */
  set viewersElsewhere(counts: ViewerCounts) {
    this.#rules.limits.elsewhere = counts;
  }

  /** Takes no more connections, says goodbye on those there are, and returns when they are gone or cut. */
  async stop(): Promise<void> {
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
    const { httpServer } = this.#nms.httpServer;
    this.#nms.rtmpServer.tcpServer.close();
    httpServer.close();
    this.#secure?.rtmps.close();
    this.#secure?.https.close();
    for (const peer of this.#peers) peer.end('server-stopping');
    await this.#allGone(farewellMs);
    for (const peer of this.#peers) peer.socket.destroy();
    httpServer.closeAllConnections();
    this.#secure?.https.closeAllConnections();
    await this.#nms.stop();
  }

  stats(): IngestStats {
    const { user, system } = process.cpuUsage();
    const viewers = [...this.#peers].filter(({ role }) => role === 'viewer');
    return {
      ...this.#counters,
      uptimeMs: Math.round(performance.now() - this.#startedMs),
      cpuMs: Math.round((user + system) / 1_000),
      rssBytes: process.memoryUsage.rss(),
      connections: this.#peers.size,
      viewers: viewers.length,
      viewersByProtocol: countBy(viewers.map(({ transport }) => transport)),
      largestBacklogBytes: viewers.reduce((most, viewer) => Math.max(most, viewer.backlogBytes()), 0),
      streams: [...context.broadcasts.values()].flatMap(
        (broadcast) => this.#streams.get(broadcast)?.stats() ?? [],
      ),
    };
  }

  #addPeer(peer: Peer): void {
    // A request may be read from a connection that is gone already.
    if (peer.socket.closed) return;
    this.#peers.add(peer);
    peer.socket.once('close', () => {
      this.#peers.delete(peer);
      if (this.#peers.size === 0) this.#lastPeerGone?.();
    });
    const broken = (error: Error) => this.#cut(peer, error);
    if (peer.transport === 'rtmp') {
      // Each write is a whole batch: waiting for more to come would only delay it.
      peer.socket.setNoDelay(true);
      boundRtmp(peer, this.#options.maxMessageBytes, broken);
      guardRtmp(peer, this.#gateOptions());
    } else boundFlv(peer, this.#options.maxMessageBytes, broken);
  }

  #addStream(broadcast: NodeMediaServer.Broadcast): void {
    const { publishGraceMs, audioHoldMs, gopCache, maxViewerBacklogBytes } = this.#options;
    // Half of what a viewer may lag behind: what it gets at once when it joins must not evict it.
    const maxGopBytes = maxViewerBacklogBytes / 2;
    const slowViewers = this.#slowViewers;
    const stream = new Stream(broadcast, { publishGraceMs, audioHoldMs, gopCache, maxGopBytes, slowViewers });
    this.#streams.set(broadcast, stream);
  }

  #gateOptions() {
    return { rules: this.#rules, counters: this.#counters, log: this.#log, publishing: makeWay };
  }

  #listen(server: Server, protocol: string, port: number): Promise<number> {
    const { host, maxConnections } = this.#options;
    server.maxConnections = maxConnections;
    server.on('drop', () => this.#dropped(protocol));
    return listen(server, protocol, port, host);
  }

  #sweep(): void {
    this.#silence.sweep(this.#peers, performance.now());
    const { limits } = this.#options;
    if (limits === undefined) return;
    const { counts } = this.#rules.limits;
    const text = JSON.stringify(counts);
    if (text === this.#toldCounts) return;
    this.#toldCounts = text;
    this.#tell({ kind: 'viewers', counts });
  }

  #announceStreams(): void {
    // A publisher that comes back within the grace time is the same stream: it is announced once.
    const announced = new Set<string>();
    this.#nms.on('postPublish', ({ streamPath, ip, protocol }) => {
      if (announced.has(streamPath)) return;
      announced.add(streamPath);
      this.#log.info({ stream: streamPath, peer: ip, protocol }, 'stream published');
      this.#tell({ kind: 'published', stream: streamPath.slice(1) });
    });
    this.#nms.on('donePublish', ({ streamPath }) => {
      if (!announced.delete(streamPath)) return;
      this.#log.info({ stream: streamPath }, 'stream ended');
      this.#tell({ kind: 'unpublished', stream: streamPath.slice(1) });
    });
  }

  #cut({ session, transport, socket }: Peer, error: Error): void {
    this.#counters.brokenConnections++;
    const { code, message } = error as NodeJS.ErrnoException;
    this.#log.warn(
      { transport, peer: session.ip, code, message },
      'connection cut: what it sent makes no sense',
    );
    socket.destroy();
  }

  #dropped(protocol: string): void {
    // The first of each thousand: a flood of connections must not become a flood of lines.
    if (this.#counters.droppedConnections++ % 1_000 === 0)
      this.#log.warn({ protocol, dropped: this.#counters.droppedConnections }, 'connection limit reached');
  }

  #health(): object {
    const { uptimeMs, viewers, streams } = this.stats();
    return { status: 'ok', uptimeMs, streams: streams.length, viewers };
  }

  async #allGone(withinMs: number): Promise<void> {
    if (this.#peers.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#lastPeerGone = resolve;
      setTimeout(resolve, withinMs);
    });
  }
}

function admissionRules(options: OriginOptions): AdmissionRules {
  return {
    ...gateRules(options),
    limits: new Limits(limitRules(options.limits)),
    internalSecret: options.internalSecret ?? null,
    stateOf: (path): StreamState => context.broadcasts.get(path)?.getPublishStatus() ?? 'idle',
    nowS: () => Date.now() / 1_000,
  };
}

/**
 * Ends a stream whose publisher vanished and whose place somebody else takes, before the new one is registered:
 * node-media-server would do it afterwards, and lose the new one when the old had no viewers.
 */
function makeWay(path: StreamPath, remoteAddress: string | undefined): void {
  const broadcast = context.broadcasts.get(path);
  if (broadcast?.getPublishStatus() !== 'reconnecting') return;
  if (broadcast.publisher?.ip.replace(/:\d+$/, '') !== remoteAddress) broadcast._finishPublish();
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = { rtmp: 0, 'http-flv': 0, 'ws-flv': 0 };
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
