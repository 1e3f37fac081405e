import type Mpegts from 'mpegts.js';
import { readSeiStamp } from '../watching/sei-stamp.ts';
import type { Source, SourceEvents } from './source.ts';

type Library = typeof Mpegts.default;

/** mpegts.js 1.8 emits it, its types do not have it (src/player/player-events.ts, src/demux/sei.ts). */
const SEI_ARRIVED = 'sei_arrived';
interface SeiData {
  readonly uuid?: Uint8Array;
  readonly user_data?: Uint8Array;
  /** On the video element's timeline, in milliseconds: the library has taken its time base off. */
  readonly pts?: number;
}

/** Behind the last byte that came: enough for the jitter of one host, little enough to be live. */
const BEHIND_LIVE_SECONDS = 0.8;

let library: Promise<Library> | null = null;

/** mpegts.js comes as a classic script that sets a global. */
function loadLibrary(): Promise<Library> {
  library ??= new Promise<Library>((resolve, reject) => {
    const script = document.createElement('script');
    script.src = 'mpegts.js';
    script.onload = () => {
      const { mpegts } = window as unknown as { mpegts: Library };
      // Its messages for developers; what a viewer has to know comes as an error event.
      mpegts.LoggingControl.enableAll = false;
      resolve(mpegts);
    };
    script.onerror = () => {
      library = null;
      reject(new Error('The player library could not be loaded.'));
    };
    document.head.append(script);
  });
  return library;
}

/** Plays HTTP-FLV or WS-FLV, as the URL says. */
export async function playFlv(video: HTMLVideoElement, url: string, events: SourceEvents): Promise<Source> {
  const mpegts = await loadLibrary();
  if (!mpegts.isSupported()) throw new Error('This browser cannot play FLV (no Media Source Extensions).');
  const player = mpegts.createPlayer(
    { type: 'flv', isLive: true, url, cors: true },
    {
      // Its worker is a script made at run time, which the page's content policy forbids.
      enableWorker: false,
      enableStashBuffer: false,
      lazyLoad: false,
      liveSync: true,
      liveSyncMaxLatency: 1.5,
      liveSyncTargetLatency: BEHIND_LIVE_SECONDS,
      autoCleanupSourceBuffer: true,
      autoCleanupMaxBackwardDuration: 60,
      autoCleanupMinBackwardDuration: 20,
      // The page's own address may carry a signature.
      referrerPolicy: 'strict-origin-when-cross-origin',
    },
  );
  let bits: number | null = null;
  player.on(SEI_ARRIVED, ({ uuid, user_data: data, pts }: SeiData) => {
    const stamp = uuid && data ? readSeiStamp(uuid, data) : null;
    if (stamp !== null && pts !== undefined) events.stamp(pts, stamp);
  });
  player.on(mpegts.Events.STATISTICS_INFO, ({ speed }: { speed?: number }) => {
    if (speed !== undefined && speed > 0) bits = speed * 1024 * 8;
  });
  player.on(mpegts.Events.ERROR, (_type: string, detail: string, info: { code?: number; msg?: string }) =>
    events.failed(sentenceOf(detail, info, mpegts.ErrorDetails)),
  );
  player.on(mpegts.Events.LOADING_COMPLETE, () => events.ended());
  player.attachMediaElement(video);
  player.load();
  return {
    bitsPerSecond: () => bits,
    liveSeconds: () => {
      const { buffered } = video;
      return buffered.length === 0 ? null : buffered.end(buffered.length - 1) - BEHIND_LIVE_SECONDS;
    },
    stop: () => player.destroy(),
  };
}

function sentenceOf(
  detail: string,
  info: { code?: number; msg?: string } | undefined,
  details: Library['ErrorDetails'],
): string {
  if (detail === details.NETWORK_STATUS_CODE_INVALID) return statusSentence(info?.code ?? 0);
  if (detail === details.MEDIA_CODEC_UNSUPPORTED) return 'This browser cannot decode the stream.';
  if (detail === details.NETWORK_UNRECOVERABLE_EARLY_EOF) return 'The connection was cut.';
  if (detail === details.NETWORK_EXCEPTION || detail === details.NETWORK_TIMEOUT)
    return 'The server could not be reached, or nobody publishes the stream.';
  return `The stream could not be played (${detail}).`;
}

export function statusSentence(status: number): string {
  if (status === 401) return 'The stream needs a signed address (401).';
  if (status === 403) return 'The signature is wrong or has expired (403).';
  if (status === 404) return 'Nobody publishes this stream (404).';
  if (status === 429 || status === 503) return `The server takes no more viewers now (${status}).`;
  return `The server refused (${status}).`;
}
