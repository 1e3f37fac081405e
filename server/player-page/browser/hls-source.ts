import type Hls from 'hls.js';
import { MediaRate } from '../watching/media-rate.ts';
import { readSeiStamp, uuidBytes } from '../watching/sei-stamp.ts';
import { statusSentence } from './flv-source.ts';
import type { Source, SourceEvents } from './source.ts';

/** Beside this script; in a variable, so that it stays a file of its own. */
const libraryFile = './hls.js';

/** Plays HLS by hls.js, or by the browser itself where it can and hls.js cannot (iPhones before iOS 17.1). */
export async function playHls(video: HTMLVideoElement, url: string, events: SourceEvents): Promise<Source> {
  const { default: Library } = (await import(libraryFile)) as { default: typeof Hls };
  if (!Library.isSupported()) return playByBrowser(video, url, events);
  // Its worker is a script made at run time, which the page's content policy forbids.
  const hls = new Library({ enableWorker: false, lowLatencyMode: true, backBufferLength: 20 });
  const rate = new MediaRate();
  let mediaErrors = 0;
  hls.on(Library.Events.FRAG_PARSING_USERDATA, (_, { samples }) => {
    for (const { pts, uuid, userDataBytes } of samples) {
      const stamp = uuid && userDataBytes ? readSeiStamp(uuidBytes(uuid), userDataBytes) : null;
      if (stamp !== null) events.stamp(pts * 1000, stamp);
    }
  });
  hls.on(Library.Events.FRAG_BUFFERED, (_, { frag, part, stats }) => {
    if (frag.type === 'main') rate.add(stats.loaded, (part ?? frag).duration);
  });
  hls.on(Library.Events.ERROR, (_, { fatal, type, details, response }) => {
    if (!fatal) return;
    if (type === Library.ErrorTypes.MEDIA_ERROR && mediaErrors++ === 0) hls.recoverMediaError();
    else if (response?.code) events.failed(statusSentence(response.code));
    else if (type === Library.ErrorTypes.NETWORK_ERROR) events.failed('The server could not be reached.');
    else events.failed(`The stream could not be played (${details}).`);
  });
  const ended = (): void => events.ended();
  video.addEventListener('ended', ended);
  hls.loadSource(url);
  hls.attachMedia(video);
  return {
    bitsPerSecond: () => rate.bitsPerSecond(),
    liveSeconds: () => hls.liveSyncPosition,
    stop: () => {
      video.removeEventListener('ended', ended);
      hls.destroy();
    },
  };
}

function playByBrowser(video: HTMLVideoElement, url: string, events: SourceEvents): Source {
  if (video.canPlayType('application/vnd.apple.mpegurl') === '')
    throw new Error('This browser cannot play HLS.');
  const failed = (): void => events.failed('The stream could not be played.');
  video.addEventListener('error', failed);
  video.src = url;
  return {
    bitsPerSecond: () => null,
    liveSeconds: () => (video.seekable.length === 0 ? null : video.seekable.end(video.seekable.length - 1)),
    stop: () => {
      video.removeEventListener('error', failed);
      video.removeAttribute('src');
      video.load();
    },
  };
}
