import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readVideoHead, videoHead } from '../../core/flv/video-head.ts';
import { writeAvcC } from '../../core/h264/avcc.ts';
import { NAL_PPS, NAL_SPS, nalType, splitAnnexB } from '../../core/h264/nal.ts';
import { type MediaTag, TAG_AUDIO, TAG_VIDEO } from '../../core/media.ts';
import { insertStamp, stampNalBytes } from '../../core/stamp/stamp.ts';
import { repositoryRoot } from './built-entry.ts';
import { runFfmpeg } from './run-tool.ts';
import { aacConfig, aacFrame, avcPicture } from './scripted-media.ts';
import { flvTags } from './tag-samples.ts';

/** A tag of a live stream, and when it was captured: milliseconds after the stream's beginning. */
export interface LiveTag {
  readonly tag: MediaTag;
  readonly atMs: number;
}

/**
 * An endless stream, every picture stamped with its capture time: `startWallMs` (Unix epoch) and its place in the stream. It begins
 * with its codec configurations.
 */
export type LiveMedia = (startWallMs: number) => Iterator<LiveTag, never>;

export interface KnownMedia {
  readonly fps?: number;
  readonly gopFrames?: number;
  /** Of each picture's FLV tag body; what it takes in a segment is somewhat different. */
  readonly frameBytes?: number;
  /** Frames of AAC at 44,100 Hz beside the pictures. */
  readonly sound?: boolean;
  readonly publisher?: number;
}

const AAC_FRAME_MS = 1_024_000 / 44_100;
/** Length, and start of the body up to the stamp: head 5, two NAL lengths of 4. */
const OVERHEAD_BYTES = 13 + stampNalBytes('h264');

/** Made-up pictures of one size: all is known of them, but no decoder takes them. Default 25 a second, a key picture each second. */
export function knownMedia({
  fps = 25,
  gopFrames = 25,
  frameBytes = 1_000,
  sound = false,
  publisher = 1,
}: KnownMedia = {}): LiveMedia {
  return function* (startWallMs) {
    yield { tag: realAvcConfig(), atMs: 0 };
    if (sound) yield { tag: aacConfig(), atMs: 0 };
    for (let frame = 0, sounds = 0; ; frame++) {
      const atMs = (frame * 1_000) / fps;
      for (; sound && sounds * AAC_FRAME_MS < atMs; sounds++) {
        yield { tag: aacFrame(Math.round(sounds * AAC_FRAME_MS)), atMs: sounds * AAC_FRAME_MS };
      }
      const stamp = { publisher, frame, captureUs: Math.round((startWallMs + atMs) * 1_000) };
      const sliceBytes = Math.max(16, frameBytes - OVERHEAD_BYTES);
      const key = frame % gopFrames === 0;
      yield { tag: avcPicture({ timestampMs: Math.round(atMs), key, stamp, sliceBytes }), atMs };
    }
  };
}

/**
 * A recording, played again and again with times that go on, stamped anew each time. `loopMs` should be a whole number of pictures and
 * sounds. H.264 without B-frames.
 */
export function recordedMedia(flv: Uint8Array, loopMs: number, publisher = 1): LiveMedia {
  const tags = flvTags(flv).filter(({ type }) => type === TAG_VIDEO || type === TAG_AUDIO);
  const isConfig = ({ type, body }: MediaTag) =>
    (type === TAG_VIDEO || body[0]! >> 4 === 10) && body[1] === 0;
  const configs = tags.filter(isConfig);
  const frames = tags.filter((tag) => !isConfig(tag) && tag.timestampMs < loopMs && tag.body.length > 5);
  return function* (startWallMs) {
    for (const tag of configs) yield { tag: { ...tag, timestampMs: 0 }, atMs: 0 };
    const head = videoHead();
    for (let loop = 0, frame = 0; ; loop++) {
      for (const { type, timestampMs, body } of frames) {
        const atMs = loop * loopMs + timestampMs;
        const isPicture =
          type === TAG_VIDEO && readVideoHead(body, 0, body.length, head) && head.packet === 'frames';
        if (type === TAG_VIDEO && !isPicture) continue;
        const stamp = { publisher, frame, captureUs: Math.round((startWallMs + atMs) * 1_000) };
        const stamped = isPicture ? insertStamp(body, head.dataOffset, 4, 'h264', stamp).body : body;
        if (isPicture) frame++;
        yield { tag: { type, timestampMs: atMs, body: stamped }, atMs };
      }
    }
  };
}

/** Eight seconds that ffmpeg encodes for the test: H.264 320x180, 25 pictures and one key picture a second, AAC. Decoders like it. */
export async function encodedMedia(publisher = 1): Promise<LiveMedia> {
  const input =
    '-f lavfi -i testsrc2=size=320x180:rate=25:duration=8 -f lavfi -i sine=frequency=440:sample_rate=48000:duration=8';
  const output =
    '-map 0:v -map 1:a -c:v libx264 -preset ultrafast -g 25 -sc_threshold 0 -b:v 200k -c:a aac -b:a 48k -f flv -';
  return recordedMedia(await runFfmpeg(`${input} ${output}`.split(' ')), 8_000, publisher);
}

/** The AVC sequence header with parameter sets that x264 wrote, 320x240: MP4 asks them for the size. */
export function realAvcConfig(timestampMs = 0): MediaTag {
  const bytes = readFileSync(path.join(repositoryRoot(), 'core/h264/fixtures/baseline-320x240-25.h264'));
  const units = splitAnnexB(bytes, 0, bytes.length).map(({ start, end }) => bytes.subarray(start, end));
  const ofType = (type: number) => units.filter((unit) => nalType(unit[0]!) === type);
  const record = writeAvcC({ nalLengthBytes: 4, sps: ofType(NAL_SPS), pps: ofType(NAL_PPS) });
  return { type: TAG_VIDEO, timestampMs, body: Uint8Array.of(0x17, 0, 0, 0, 0, ...record) };
}
