/**
 * Keeps the ingest process alive: starts it, starts it anew when it dies (same ports, back-off with jitter), and
 * stops it.
 */
import { type Logger, pino } from 'pino';
import { backOffMs } from './back-off.ts';
import { IngestChild, IngestError, type Ports } from './child.ts';
import { defaultOriginOptions, type OriginOptions } from './origin-options.ts';
import type { IngestStats, StreamEvent } from './stats.ts';

export interface IngestOptions extends Partial<OriginOptions> {
  /** Path of the bundled `server/ingest/process`. */
  readonly entry: string;
  /** Nothing is logged without one. */
  readonly log?: Logger;
  /** Told when a stream comes or goes; the death of the process is the end of all its streams. */
  readonly streamEvent?: (event: StreamEvent) => void;
  /** How long a stop may take before the process is killed. */
  readonly stopTimeoutMs?: number;
  readonly random?: () => number;
}

export interface IngestHandle {
  /** `rtmp://127.0.0.1:1935`, without an application. */
  readonly rtmpUrl: string;
  /** `http://127.0.0.1:8000`. */
  readonly httpUrl: string;
  readonly rtmpPort: number;
  readonly httpPort: number;
  /** Of the process that lives now; null between two. */
  readonly pid: number | null;
  /** How often it had to be started anew. */
  readonly restarts: number;
  /** @throws IngestError while it is down */
  stats(): Promise<IngestStats>;
  /** Ends the streams and the process, within a time limit. May be called twice. */
  stop(): Promise<void>;
}

/** A process that lived this long was well: its death starts the back-off from the beginning. */
const wellAfterMs = 30_000;
const defaultStopTimeoutMs = 5_000;

/**
 * Starts the ingest and returns when it listens.
 * @throws IngestError when it cannot (`PORT_IN_USE`, `PORT_FORBIDDEN`, `HOST_UNKNOWN`, `NMS_VERSION` …)
 */
export async function startIngest(options: IngestOptions): Promise<IngestHandle> {
  const supervisor = new Supervisor(options);
  await supervisor.start();
  return supervisor;
}

class Supervisor implements IngestHandle {
  readonly #entry: string;
  readonly #log: Logger;
  readonly #random: () => number;
  readonly #stopTimeoutMs: number;
  readonly #streamEvent: (event: StreamEvent) => void;
  readonly #streams = new Set<string>();
  #originOptions: OriginOptions;
  #child: IngestChild | null = null;
  #restartTimer: NodeJS.Timeout | null = null;
  #attempt = 0;
  #stopping = false;
  restarts = 0;

  constructor(options: IngestOptions) {
    const { entry, log, streamEvent, stopTimeoutMs, random, ...originOptions } = options;
    this.#entry = entry;
    this.#log = log ?? pino({ level: 'silent' });
    this.#random = random ?? Math.random;
    this.#stopTimeoutMs = stopTimeoutMs ?? defaultStopTimeoutMs;
    this.#streamEvent = streamEvent ?? (() => {});
    this.#originOptions = { ...defaultOriginOptions, ...originOptions };
  }

  get rtmpPort(): number {
    return this.#originOptions.rtmpPort;
  }

  get httpPort(): number {
    return this.#originOptions.httpPort;
  }

  get rtmpUrl(): string {
    return `rtmp://${urlHost(this.#originOptions.host)}:${this.rtmpPort}`;
  }

  get httpUrl(): string {
    return `http://${urlHost(this.#originOptions.host)}:${this.httpPort}`;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  async start(): Promise<void> {
    const child = this.#launch();
    // The same ports for every later life: the URLs that were given out stay true.
    this.#originOptions = { ...this.#originOptions, ...(await child.ready) };
    void this.#watch(child, performance.now());
  }

  async stats(): Promise<IngestStats> {
    if (this.#child === null) throw new IngestError('INGEST_DOWN', 'The ingest process is being restarted.');
    return this.#child.stats();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    await this.#child?.stop(this.#stopTimeoutMs);
  }

  #launch(): IngestChild {
    const child = new IngestChild(this.#entry, this.#originOptions, this.#log, (event) =>
      this.#noteStream(event),
    );
    this.#child = child;
    return child;
  }

  async #watch(child: IngestChild, startedMs: number): Promise<void> {
    const { code, signal } = await child.ended;
    this.#child = null;
    this.#endStreams();
    if (this.#stopping) return;
    if (performance.now() - startedMs > wellAfterMs) this.#attempt = 0;
    const waitMs = Math.round(backOffMs(this.#attempt++, this.#random()));
    this.#log.error({ code, signal, restartInMs: waitMs }, 'the ingest process died');
    this.#restartTimer = setTimeout(() => void this.#restart(), waitMs);
  }

  async #restart(): Promise<void> {
    this.restarts++;
    const child = this.#launch();
    void this.#watch(child, performance.now());
    try {
      const { rtmpPort, httpPort }: Ports = await child.ready;
      this.#log.info({ rtmpPort, httpPort, restarts: this.restarts }, 'the ingest process is back');
    } catch (error) {
      // It ends now, which brings the next attempt.
      this.#log.error({ message: (error as Error).message }, 'the ingest process could not be restarted');
    }
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
  }
}

/** An IPv6 address stands in brackets; what listens everywhere is reached on loopback. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
