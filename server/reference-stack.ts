/**
 * The reference stack: everything that `streamgauge serve` runs, started and stopped as one.
 *
 *     publishers ─► ingest ─► viewers          (each part is a supervised child process)
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { type ServerConfigInput, serverConfigSchema } from './config.ts';
import { fingerprintOf, loadTls, type TlsMaterial } from './gate/tls.ts';
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
  /** `rtmps://127.0.0.1:1936` and `https://127.0.0.1:8443`; null without `tls`. */
  readonly rtmpsUrl: string | null;
  readonly httpsUrl: string | null;
  /** The certificate in PEM, to be trusted by clients when it is one for development; null without `tls`. */
  readonly certificate: string | null;
  /** Processes that live now: they change when one had to be restarted. */
  readonly pids: readonly number[];
  /** @throws ChildError while the ingest process is down */
  stats(): Promise<IngestStats>;
  /**
   * Reads key and certificate again, for connections from now on; one for development stays as it is.
   * @throws TlsError when they cannot be used; the old ones then stay
   */
  renewTls(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts the stack and returns when it takes connections.
 * @throws ZodError for a configuration that does not fit, ChildError when it cannot start (a port is in use …)
 */
export async function startReferenceStack(options: ReferenceStackOptions): Promise<ReferenceStack> {
  const { host, tls, ingest, gate, limits } = serverConfigSchema.parse(options.config ?? {});
  const { log, streamEvent } = options;
  let material = tls === undefined ? undefined : await loadTls(tls, host);
  if (material !== undefined) logCertificate(log, material);
  // What one part of the stack asks of another is signed with it, so that no limit or list is in its way.
  const internalSecret = randomBytes(24).toString('base64url');
  const handle = await startIngest({
    entry: options.entries.ingest,
    host,
    ...ingest,
    ...gate,
    limits,
    tls: material,
    internalSecret,
    ...(log === undefined ? {} : { log: log.child({ part: 'ingest' }) }),
    ...(streamEvent === undefined ? {} : { streamEvent }),
  });
  return {
    rtmpUrl: handle.rtmpUrl,
    httpUrl: handle.httpUrl,
    rtmpsUrl: handle.rtmpsUrl,
    httpsUrl: handle.httpsUrl,
    get certificate() {
      return material?.cert ?? null;
    },
    get pids() {
      return handle.pid === null ? [] : [handle.pid];
    },
    stats: () => handle.stats(),
    renewTls: async () => {
      if (tls === undefined || tls === 'development') return;
      material = await loadTls(tls, host);
      handle.renewTls(material);
      logCertificate(log, material);
    },
    stop: () => handle.stop(),
  };
}

function logCertificate(log: Logger | undefined, material: TlsMaterial): void {
  log?.info({ fingerprint: fingerprintOf(material) }, 'TLS certificate in use');
}
