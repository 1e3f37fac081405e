import { bitRate, milliseconds, noFigure, share } from '../watching/words.ts';
import { showFigure, video } from './page.ts';
import type { SessionFigures } from './session.ts';

/** Less than this between the two clocks is a frame's length and their drift, not a wrong clock. */
const CLOCKS_DIFFER_MS = -50;

export function showFigures(figures: SessionFigures): void {
  const { latencyMs, pictureLatencyMs, stalls, droppedFrames, totalFrames } = figures;
  showFigure('first-frame', milliseconds(figures.firstFrameMs));
  showFigure('latency', milliseconds(latencyMs), aboutLatency(latencyMs, 'by the stamp in the stream'));
  showFigure(
    'picture-latency',
    milliseconds(pictureLatencyMs),
    aboutLatency(pictureLatencyMs, 'by the cells in its edge'),
  );
  showFigure('buffer', milliseconds(figures.bufferMs));
  showFigure(
    'stalls',
    String(stalls.count),
    stalls.count === 0 ? 'of 100 ms and more' : `${milliseconds(stalls.totalMs)} in all`,
  );
  showFigure('bitrate', bitRate(figures.bitsPerSecond));
  showFigure('dropped', share(droppedFrames, totalFrames));
  showFigure('size', video.videoWidth === 0 ? noFigure : `${video.videoWidth} × ${video.videoHeight}`);
}

function aboutLatency(latencyMs: number | null, about: string): string {
  return latencyMs !== null && latencyMs < CLOCKS_DIFFER_MS
    ? "the publisher's clock is ahead of this one"
    : about;
}
