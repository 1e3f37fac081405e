/** All of the deliver process, but for the process: streams, HTTP, and what it says of itself. */
import type { Logger } from 'pino';
import { listen } from '../ingest/hardening/listener.ts';
import { createDeliverApp, type DeliverApp } from './app.ts';
import type { DeliverOptions } from './deliver-options.ts';
import { Delivery } from './delivery.ts';
import type { DeliverNote, DeliverStats } from './messages.ts';

export class DeliverServer {
  readonly #options: DeliverOptions;
  readonly #delivery: Delivery;
  readonly #http: DeliverApp;
  readonly #startedMs = performance.now();

  constructor(options: DeliverOptions, log: Logger) {
    this.#options = options;
    this.#delivery = new Delivery(options, log, Date.now);
    this.#http = createDeliverApp({ options, delivery: this.#delivery, log, wallMs: Date.now });
  }

  /** @throws ListenError */
  async start(): Promise<{ port: number }> {
    const { app, server } = this.#http;
    await app.ready();
    const { tls, port, host } = this.#options;
    return { port: await listen(server, tls ? 'HTTPS' : 'HTTP', port, host) };
  }

  note(note: DeliverNote): void {
    if (note.kind === 'stream') this.#delivery.note(note.event);
    else this.#delivery.noteAll(note.published);
  }

  /** Takes no more connections, lets answers under way be read, within a time limit, and closes. */
  async stop(): Promise<void> {
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
