/** All of the deliver process, but for the process: streams, HTTP, and what it says of itself. */
import type { Logger } from 'pino';
import { listen } from '../ingest/hardening/listener.ts';
import { playerPage } from '../player-page/plugin.ts';
import { createDeliverApp, type DeliverApp } from './app.ts';
import type { DeliverOptions } from './deliver-options.ts';
import { Delivery } from './delivery.ts';
import type { DeliverNote, DeliverStats, PartsNote } from './messages.ts';
import { addOperations } from './operations.ts';

export class DeliverServer {
  readonly #options: DeliverOptions;
  readonly #delivery: Delivery;
  readonly #http: DeliverApp;
  readonly #startedMs = performance.now();
  #parts: PartsNote | null = null;
  #knowsStreams = false;
  #stopping = false;

  constructor(options: DeliverOptions, log: Logger) {
    this.#options = options;
    this.#delivery = new Delivery(options, log, Date.now);
    this.#http = createDeliverApp({ options, delivery: this.#delivery, log, wallMs: Date.now });
    addOperations(this.#http.app, {
      stats: () => this.stats(),
      viewers: () => this.#http.viewers.list(performance.now()),
      parts: () => this.#parts,
      unready: () => this.#unready(),
      token: options.apiToken,
      log,
      wallMs: Date.now,
    });
  }

  /** @throws ListenError */
  async start(): Promise<{ port: number }> {
    const { app, server } = this.#http;
    const { tls, port, host, player } = this.#options;
    if (player)
      app.register(playerPage, { prefix: '/player', files: player.files, flv: { port: player.flvPort } });
    await app.ready();
    return { port: await listen(server, tls ? 'HTTPS' : 'HTTP', port, host) };
  }

  note(note: DeliverNote): void {
    if (note.kind === 'stream') this.#delivery.note(note.event);
    else if (note.kind === 'parts') this.#parts = note;
    else {
      this.#knowsStreams = true;
      this.#delivery.noteAll(note.published);
    }
  }

  /** Takes no more connections, lets answers under way be read, within a time limit, and closes. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const { server, drain, app } = this.#http;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    drain();
    server.closeIdleConnections();
    const sweep = setInterval(() => server.closeIdleConnections(), 20);
    const insist = setTimeout(() => server.closeAllConnections(), this.#options.drainMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(insist);
    this.#delivery.close();
    await app.close();
  }

  #unready(): string | null {
    if (this.#stopping) return 'The server stops.';
    if (!this.#knowsStreams) return 'It is not known yet what is published.';
    return this.#parts?.ingest === null ? 'The ingest is being restarted.' : null;
  }

  stats(): DeliverStats {
    const { user, system } = process.cpuUsage();
    const { traffic, viewers } = this.#http;
    const watching = viewers.list(performance.now());
    const { streams, counters } = this.#delivery;
    return {
      uptimeMs: Math.round(performance.now() - this.#startedMs),
      cpuMs: Math.round((user + system) / 1_000),
      rssBytes: process.memoryUsage.rss(),
      connections: (this.#http.server as unknown as { _connections: number })._connections,
      viewers: watching.length,
      mediaBytes: streams.reduce((sum, { bytes }) => sum + bytes, 0),
      pullFailures: counters.pullFailures,
      bytesIn: counters.bytesIn,
      bytesOut: traffic.bytesOut,
      requests: traffic.requests,
      refusals: traffic.refusals,
      streams: streams.map((stream) => {
        const renditions = [...stream.renditions.values()];
        const [first] = renditions;
        return {
          name: stream.name,
          state: stream.state,
          viewers: watching.filter((viewer) => viewer.stream === stream.name).length,
          mediaBytes: stream.bytes,
          bytesIn: stream.bytesIn,
          segments: renditions.reduce((sum, { segments }) => sum + segments, 0),
          waiting: renditions.reduce((sum, { waiting }) => sum + waiting, 0),
          fps: stream.fps,
          ...stream.facts(first?.container ?? 'fmp4'),
          bandwidth: first?.bandwidth()?.peak ?? null,
          leftOut: [...new Set(renditions.flatMap(({ packager }) => packager.leftOut))],
        };
      }),
    };
  }
}
