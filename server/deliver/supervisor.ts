/** The deliver process under supervision: starts it, starts it anew when it dies and tells it what is published, and stops it. */
import type { Logger } from 'pino';
import type { StreamEvent } from '../ingest/stats.ts';
import { Supervisor, urlHost } from '../supervision/supervisor.ts';
import { type DeliverOptions, defaultDeliverOptions } from './deliver-options.ts';
import type { DeliverStats, DeliverTypes, PartsNote } from './messages.ts';

export interface DeliverStart extends Partial<DeliverOptions> {
  /** Path of the bundled `server/deliver/process`. */
  readonly entry: string;
  /** Nothing is logged without one. */
  readonly log?: Logger;
  /** How long a stop may take before the process is killed. */
  readonly stopTimeoutMs?: number;
  readonly random?: () => number;
}

export interface DeliverHandle {
  /** `http://127.0.0.1:8080`; streams are at `/app/name.m3u8` below it. */
  readonly url: string;
  readonly port: number;
  /** Of the process that lives now; null between two. */
  readonly pid: number | null;
  /** How often it had to be started anew. */
  readonly restarts: number;
  /** A stream came or went at the ingest. */
  noteStream(event: StreamEvent): void;
  noteParts(parts: PartsNote): void;
  /** @throws ChildError while it is down */
  stats(): Promise<DeliverStats>;
  /** Ends it within a time limit. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts the delivery and returns when it listens.
 * @throws ChildError when it cannot (`PORT_IN_USE`, `PORT_FORBIDDEN`, `HOST_UNKNOWN` …)
 */
export async function startDeliver(start: DeliverStart): Promise<DeliverHandle> {
  const { entry, log, stopTimeoutMs, random, ...options } = start;
  const published = new Set<string>();
  const supervisor: Supervisor<DeliverTypes> = new Supervisor<DeliverTypes>({
    name: 'deliver',
    entry,
    options: { ...defaultDeliverOptions, ...options },
    log,
    started: () => supervisor.tell({ kind: 'streams', published: [...published] }),
    stopTimeoutMs,
    random,
  });
  await supervisor.start();
  return {
    get url() {
      const { tls, host, port } = supervisor.options;
      return `${tls ? 'https' : 'http'}://${urlHost(host)}:${port}`;
    },
    get port() {
      return supervisor.options.port;
    },
    get pid() {
      return supervisor.pid;
    },
    get restarts() {
      return supervisor.restarts;
    },
    noteStream: (event) => {
      if (event.kind === 'published') published.add(event.stream);
      else published.delete(event.stream);
      supervisor.tell({ kind: 'stream', event });
    },
    noteParts: (parts) => supervisor.tell(parts),
    stats: () => supervisor.stats(),
    stop: () => supervisor.stop(),
  };
}
