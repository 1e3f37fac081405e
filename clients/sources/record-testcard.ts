import { flvHeader, flvTag } from '../../core/flv/writer.ts';
import { TestPicture } from './test-picture.ts';
import { TestcardEncoder } from './testcard-encoder.ts';
import { describeTestcard, type TestcardParameters, testcardParameters } from './testcard-parameters.ts';

/** Holds a whole number of AAC frames (1,024 samples of 48 kHz), so that the sound has no seam, either. */
export const RECORDING_MS = 8_000;

/**
 * Encodes the test card once, as fast as ffmpeg can, for replay by many publishers: FLV for `readRecording`, without
 * stamps and cells, whose time would not be the time of sending. Its clock shows the time into the recording.
 *
 * `durationMs` is rounded up to whole groups of pictures.
 * @throws RangeError or FfmpegError, as the live test card does.
 */
export async function recordTestcard(
  asked: Partial<TestcardParameters> = {},
  durationMs: number = RECORDING_MS,
): Promise<Uint8Array> {
  const parameters = testcardParameters(asked);
  const { fps, gopMs } = parameters;
  const gopFrames = Math.max(1, Math.round((gopMs * fps) / 1_000));
  const frames = Math.ceil((durationMs * fps) / 1_000 / gopFrames) * gopFrames;
  const picture = new TestPicture(parameters, `recording ${describeTestcard(parameters)}`);
  const pieces = [flvHeader(true, true)];
  let end: (error: Error | null) => void = () => {};
  const ended = new Promise<Error | null>((resolve) => {
    end = resolve;
  });
  const encoder = await TestcardEncoder.start({
    parameters,
    durationMs: (frames * 1_000) / fps,
    tags: (tags) => pieces.push(...tags.map(flvTag)),
    ended: (error) => end(error),
  });
  for (let frame = 0; frame < frames; frame++) {
    const mediaMs = (frame * 1_000) / fps;
    picture.draw(mediaMs, mediaMs, null);
    const taken = new Promise<null>((resolve) => encoder.encode(picture.bytes, mediaMs, () => resolve(null)));
    // An encoder that has died takes nothing any more: its end says why.
    const failure = await Promise.race([taken, ended]);
    if (failure) throw failure;
  }
  encoder.finish();
  const failure = await ended;
  if (failure) throw failure;
  return Buffer.concat(pieces);
}
