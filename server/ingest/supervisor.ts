/** The ingest process under supervision: starts it, starts it anew when it dies, and stops it. */
import type { Logger } from 'pino';
import type { ViewerCounts } from '../gate/limits.ts';
import type { TlsMaterial } from '../gate/tls.ts';
import { Supervisor, urlHost } from '../supervision/supervisor.ts';
import type { IngestNote, IngestTypes } from './messages.ts';
import { defaultOriginOptions, type OriginOptions } from './origin-options.ts';
import type { IngestStats, StreamEvent } from './stats.ts';

export interface IngestOptions extends Partial<OriginOptions> {
  /** Path of the bundled `server/ingest/process`. */
  readonly entry: string;
  /** Nothing is logged without one. */
  readonly log?: Logger;
  /** Told when a stream comes or goes; the death of the process is the end of all its streams. */
  readonly streamEvent?: (event: StreamEvent) => void;
  /** Told how many viewers it serves, about once a second while there are limits and it changes. */
  readonly viewersChanged?: (counts: ViewerCounts) => void;
  /** How long a stop may take before the process is killed. */
  readonly stopTimeoutMs?: number;
  readonly random?: () => number;
}

export interface IngestHandle {
  /** `rtmp://127.0.0.1:1935`, without an application. */
  readonly rtmpUrl: string;
  /** `http://127.0.0.1:8000`. */
  readonly httpUrl: string;
  /** `rtmps://127.0.0.1:1936`; null without TLS. */
  readonly rtmpsUrl: string | null;
  /** `https://127.0.0.1:8443`; null without TLS. */
  readonly httpsUrl: string | null;
  readonly rtmpPort: number;
  readonly httpPort: number;
  /** Of the process that lives now; null between two. */
  readonly pid: number | null;
  /** How often it had to be started anew. */
  readonly restarts: number;
  /** @throws ChildError while it is down */
  stats(): Promise<IngestStats>;
  /** Another key and certificate, for connections from now on. */
  renewTls(material: TlsMaterial): void;
  /** How many viewers other processes serve, instead of what was said before: limits are for all together. */
  viewersElsewhere(counts: ViewerCounts): void;
  /** Ends the streams and the process, within a time limit. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts the ingest and returns when it listens.
 * @throws ChildError when it cannot (`PORT_IN_USE`, `PORT_FORBIDDEN`, `HOST_UNKNOWN`, `NMS_VERSION` …)
 */
export async function startIngest(options: IngestOptions): Promise<IngestHandle> {
  const ingest = new Ingest(options);
  await ingest.start();
  return ingest;
}

class Ingest implements IngestHandle {
  readonly #streamEvent: (event: StreamEvent) => void;
  readonly #streams = new Set<string>();
  readonly #supervisor: Supervisor<IngestTypes>;
  readonly #viewersChanged: (counts: ViewerCounts) => void;
  /** What was told last, by its kind: a new process has to be told again. */
  readonly #notes = new Map<string, IngestNote>();

  constructor(options: IngestOptions) {
    const { entry, log, streamEvent, viewersChanged, stopTimeoutMs, random, ...originOptions } = options;
    this.#streamEvent = streamEvent ?? (() => {});
    this.#viewersChanged = viewersChanged ?? (() => {});
    this.#supervisor = new Supervisor<IngestTypes>({
      name: 'ingest',
      entry,
      options: { ...defaultOriginOptions, ...originOptions },
      log,
      event: (event) => {
        if (event.kind === 'viewers') this.#viewersChanged(event.counts);
        else this.#noteStream(event);
      },
      started: () => {
        for (const note of this.#notes.values()) this.#supervisor.tell(note);
      },
      ended: () => this.#endStreams(),
      stopTimeoutMs,
      random,
    });
  }

  get rtmpPort(): number {
    return this.#supervisor.options.rtmpPort;
  }

  get httpPort(): number {
    return this.#supervisor.options.httpPort;
  }

  get rtmpUrl(): string {
    return `rtmp://${urlHost(this.#supervisor.options.host)}:${this.rtmpPort}`;
  }

  get httpUrl(): string {
    return `http://${urlHost(this.#supervisor.options.host)}:${this.httpPort}`;
  }

  get rtmpsUrl(): string | null {
    return this.#secureUrl('rtmps', this.#supervisor.options.rtmpsPort);
  }

  get httpsUrl(): string | null {
    return this.#secureUrl('https', this.#supervisor.options.httpsPort);
  }

  get pid(): number | null {
    return this.#supervisor.pid;
  }

  get restarts(): number {
    return this.#supervisor.restarts;
  }

  start(): Promise<void> {
    return this.#supervisor.start();
  }

  stats(): Promise<IngestStats> {
    return this.#supervisor.stats();
  }

  stop(): Promise<void> {
    return this.#supervisor.stop();
  }

  renewTls(tls: TlsMaterial): void {
    this.#tell({ kind: 'tls', tls });
  }

  viewersElsewhere(counts: ViewerCounts): void {
    this.#tell({ kind: 'viewers-elsewhere', counts });
  }

  #tell(note: IngestNote): void {
    this.#notes.set(note.kind, note);
    this.#supervisor.tell(note);
  }

  #secureUrl(scheme: string, port: number | undefined): string | null {
    const { tls, host } = this.#supervisor.options;
    return tls === undefined ? null : `${scheme}://${urlHost(host)}:${port}`;
  }

  #noteStream(event: StreamEvent): void {
    if (event.kind === 'published') this.#streams.add(event.stream);
    else this.#streams.delete(event.stream);
    this.#streamEvent(event);
  }

  #endStreams(): void {
    const streams = [...this.#streams];
    this.#streams.clear();
    for (const stream of streams) this.#streamEvent({ kind: 'unpublished', stream });
    this.#viewersChanged({ viewers: 0, streams: {}, addresses: {} });
  }
}
