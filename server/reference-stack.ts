/**
 * The reference stack: everything that `streamgauge serve` runs, started and stopped as one.
 *
 *     publishers ─► ingest ─► viewers          (each part is a supervised child process)
 */
import type { Logger } from 'pino';
import { type ServerConfigInput, serverConfigSchema } from './config.ts';
import type { IngestStats, StreamEvent } from './ingest/stats.ts';
import { startIngest } from './ingest/supervisor.ts';

export interface ReferenceStackOptions {
  /** Paths of the bundled entries of its processes. */
  readonly entries: { readonly ingest: string };
  /** Nothing given: all defaults. Checked here, so it may come straight from flags. */
  readonly config?: ServerConfigInput;
  /** Nothing is logged without one. */
  readonly log?: Logger;
  /** Told when a stream comes or goes. */
  readonly streamEvent?: (event: StreamEvent) => void;
}

export interface ReferenceStack {
  /** `rtmp://127.0.0.1:1935`; streams are at `/app/name` below it. */
  readonly rtmpUrl: string;
  /** `http://127.0.0.1:8000`; streams are at `/app/name.flv` below it. */
  readonly httpUrl: string;
  /** Processes that live now: they change when one had to be restarted. */
  readonly pids: readonly number[];
  /** @throws ChildError while the ingest process is down */
  stats(): Promise<IngestStats>;
  stop(): Promise<void>;
}

/**
 * Starts the stack and returns when it takes connections.
 * @throws ZodError for a configuration that does not fit, ChildError when it cannot start (a port is in use …)
 */
export async function startReferenceStack(options: ReferenceStackOptions): Promise<ReferenceStack> {
  const { host, ingest, gate } = serverConfigSchema.parse(options.config ?? {});
  const { log, streamEvent } = options;
  const handle = await startIngest({
    entry: options.entries.ingest,
    host,
    ...ingest,
    ...gate,
    ...(log === undefined ? {} : { log: log.child({ part: 'ingest' }) }),
    ...(streamEvent === undefined ? {} : { streamEvent }),
  });
  return {
    rtmpUrl: handle.rtmpUrl,
    httpUrl: handle.httpUrl,
    get pids() {
      return handle.pid === null ? [] : [handle.pid];
    },
    stats: () => handle.stats(),
    stop: () => handle.stop(),
  };
}
