/**
 * The reference stack: everything that `streamgauge serve` runs, started and stopped as one.
 *
 *     publishers ─► ingest ─► viewers of RTMP and FLV          (each part is a supervised child process)
 *                      └────► deliver ─► viewers of HLS
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { type ServerConfig, type ServerConfigInput, serverConfigSchema } from './config.ts';
import type { DeliverStats } from './deliver/messages.ts';
import { type DeliverHandle, type DeliverStart, startDeliver } from './deliver/supervisor.ts';
import { fingerprintOf, loadTls, type TlsMaterial } from './gate/tls.ts';
import type { IngestStats, StreamEvent } from './ingest/stats.ts';
import { startIngest } from './ingest/supervisor.ts';
import type { PlayerFiles } from './player-page/player-files.ts';
import { AUDIO_RUNG } from './transcode/rung-names.ts';
import type { TranscodeStats } from './transcode/stats.ts';
import { rungName } from './transcode/transcode-options.ts';
import { startTranscoder, type TranscoderHandle } from './transcode/transcoder.ts';

export interface ReferenceStackOptions {
  /** Paths of the bundled entries of its processes. */
  readonly entries: {
    readonly ingest: string;
    /** Without it there is no HLS. */
    readonly deliver?: string | undefined;
    /** What the player page loads; without it there is no page. */
    readonly player?: PlayerFiles | undefined;
  };
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
  /** `http://127.0.0.1:8080`; streams are at `/app/name.m3u8` below it. Null where there is no delivery. */
  readonly hlsUrl: string | null;
  /** Processes that live now: they change when one had to be restarted. */
  readonly pids: readonly number[];
  /** @throws ChildError while the ingest process is down */
  stats(): Promise<IngestStats>;
  /** @throws ChildError while the deliver process is down; null where there is none */
  deliverStats(): Promise<DeliverStats | null>;
  /** Of the ladders of rungs, and how each fares. */
  transcodeStats(): TranscodeStats;
  /**
   * Reads key and certificate again (which is done once a minute anyway), for connections from now on; one for development stays as it is.
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
  const config = serverConfigSchema.parse(options.config ?? {});
  const { host, tls, ingest, gate, limits, transcode } = config;
  const { log, streamEvent, entries } = options;
  let material = tls === undefined ? undefined : await loadTls(tls, host);
  if (material !== undefined) logCertificate(log, material);
  // What one part of the stack asks of another is signed with it, so that no limit or list is in its way.
  const internalSecret = randomBytes(24).toString('base64url');
  let transcoder: TranscoderHandle | null = null;
  let deliver: DeliverHandle | null = null;
  const handle = await startIngest({
    entry: entries.ingest,
    host,
    ...ingest,
    ...gate,
    limits,
    tls: material,
    internalSecret,
    ...(log === undefined ? {} : { log: log.child({ part: 'ingest' }) }),
    streamEvent: (event) => {
      transcoder?.streamEvent(event);
      deliver?.noteStream(event);
      streamEvent?.(event);
    },
  });
  const ladders = startTranscoder({
    ...transcode,
    ingest: handle,
    internalSecret,
    maxMessageBytes: ingest.maxMessageBytes,
    ...(log === undefined ? {} : { log: log.child({ part: 'transcode' }) }),
  });
  transcoder = ladders;
  try {
    // Nothing can have been published before: who publishes learns the ports from us.
    if (entries.deliver !== undefined)
      deliver = await startDeliver({
        ...deliverStart(config, entries.deliver, log),
        ingestUrl: handle.httpUrl,
        internalSecret,
        tls: material,
        player: entries.player && {
          files: entries.player,
          flvPort: Number(new URL(handle.httpsUrl ?? handle.httpUrl).port),
        },
      });
  } catch (error) {
    await ladders.stop();
    await handle.stop();
    throw error;
  }
  const delivery = deliver;
  const renewTls = async () => {
    if (tls === undefined || tls === 'development') return;
    const read = await loadTls(tls, host);
    if (read.cert === material?.cert && read.key === material.key) return;
    material = read;
    handle.renewTls(read);
    logCertificate(log, read);
  };
  // No signal is needed after a renewal of the files. Half written ones are read again next time.
  const renewal = setInterval(
    () =>
      void renewTls().catch(({ message }: Error) => log?.warn({ message }, 'TLS certificate not renewed')),
    renewTlsMs,
  ).unref();
  const telling = setInterval(async () => {
    if (delivery === null) return;
    const ingestStats = await handle.stats().catch(() => null);
    delivery.noteParts({
      kind: 'parts',
      ingest: ingestStats,
      restarts: {
        ingest: handle.restarts,
        deliver: delivery.restarts,
        transcode: ladders.stats().restarts,
      },
      ladders: ladders.stats().ladders,
    });
  }, TELL_EACH_MS);
  return {
    rtmpUrl: handle.rtmpUrl,
    httpUrl: handle.httpUrl,
    rtmpsUrl: handle.rtmpsUrl,
    httpsUrl: handle.httpsUrl,
    hlsUrl: delivery?.url ?? null,
    get certificate() {
      return material?.cert ?? null;
    },
    get pids() {
      return [handle.pid, delivery?.pid ?? null, ...ladders.pids].filter((pid) => pid !== null);
    },
    stats: () => handle.stats(),
    deliverStats: async () => delivery?.stats() ?? null,
    transcodeStats: () => ladders.stats(),
    renewTls,
    stop: async () => {
      clearInterval(renewal);
      // What hangs on the ingest goes first: its viewers get what there is.
      clearInterval(telling);
      await delivery?.stop();
      await ladders.stop();
      await handle.stop();
    },
  };
}

const renewTlsMs = 60_000;
const DEFAULT_DELIVER_PORT = 8080;
/** How old what one part tells of another may be. */
const TELL_EACH_MS = 2_000;

function deliverStart(
  { host, ingest, gate, limits, deliver, api, transcode }: ServerConfig,
  entry: string,
  log: Logger | undefined,
): DeliverStart {
  // Who leaves the ports to the system means all of them.
  const { port = ingest.httpPort === 0 ? 0 : DEFAULT_DELIVER_PORT, ...rest } = deliver;
  return {
    ...rest,
    entry,
    host,
    port,
    gate,
    limits,
    rungs: [...transcode.rungs.map(rungName), AUDIO_RUNG],
    apiToken: api.token,
    ...(log === undefined ? {} : { log: log.child({ part: 'deliver' }) }),
  };
}

function logCertificate(log: Logger | undefined, material: TlsMaterial): void {
  log?.info({ fingerprint: fingerprintOf(material) }, 'TLS certificate in use');
}
