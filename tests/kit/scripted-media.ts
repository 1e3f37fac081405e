import { type MediaTag, TAG_AUDIO, TAG_VIDEO, type TagSink } from '../../core/media.ts';
import { type Stamp, stampNal } from '../../core/stamp/stamp.ts';

/**
 * Made-up media with known times: tags that look right to everything that does not decode pictures. Where a decoder
 * must agree, tests use recordings of real encoders.
 */

/** avcC for NAL lengths of four bytes, Baseline 3.0; the parameter sets are for show. */
export function avcConfig(timestampMs = 0): MediaTag {
  const sps = [0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0x88];
  const pps = [0x68, 0xce, 0x38, 0x80];
  const record = [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, sps.length, ...sps, 1, 0, pps.length, ...pps];
  return { type: TAG_VIDEO, timestampMs, body: Uint8Array.from([0x17, 0, 0, 0, 0, ...record]) };
}

export interface Picture {
  /** Decode time. */
  readonly timestampMs: number;
  readonly key?: boolean;
  /** Presentation − decode time. */
  readonly compositionMs?: number;
  readonly stamp?: Stamp;
  /** Of the slice, which is filled with a value that is no start code. */
  readonly sliceBytes?: number;
}

export function avcPicture(picture: Picture): MediaTag {
  const { timestampMs, key = false, compositionMs = 0, stamp, sliceBytes = 100 } = picture;
  const nals = stamp ? [stampNal('h264', stamp)] : [];
  nals.push(new Uint8Array(sliceBytes).fill(0x5a));
  nals.at(-1)![0] = key ? 0x65 : 0x41;
  const body = new Uint8Array(5 + nals.reduce((sum, nal) => sum + 4 + nal.length, 0));
  const view = new DataView(body.buffer);
  body.set([
    key ? 0x17 : 0x27,
    1,
    (compositionMs >> 16) & 255,
    (compositionMs >> 8) & 255,
    compositionMs & 255,
  ]);
  let at = 5;
  for (const nal of nals) {
    view.setUint32(at, nal.length);
    body.set(nal, at + 4);
    at += 4 + nal.length;
  }
  return { type: TAG_VIDEO, timestampMs, body };
}

export function aacConfig(timestampMs = 0): MediaTag {
  return { type: TAG_AUDIO, timestampMs, body: Uint8Array.of(0xaf, 0, 0x12, 0x10) };
}

export function aacFrame(timestampMs: number, bytes = 100): MediaTag {
  const body = new Uint8Array(bytes).fill(0x21);
  body.set([0xaf, 1]);
  return { type: TAG_AUDIO, timestampMs, body };
}

/** A steady stream of `count` pictures from `timestampMs` on, a key picture every `gop`, stamped if `captureMs` (of the first) is given. */
export function avcPictures(options: {
  readonly count: number;
  readonly intervalMs?: number;
  readonly gop?: number;
  readonly timestampMs?: number;
  readonly captureMs?: number;
  readonly publisher?: number;
  readonly firstFrame?: number;
  readonly sliceBytes?: number;
}): MediaTag[] {
  const {
    count,
    intervalMs = 40,
    gop = 25,
    timestampMs = 0,
    captureMs,
    publisher = 1,
    firstFrame = 0,
  } = options;
  return Array.from({ length: count }, (_, i) =>
    avcPicture({
      timestampMs: (timestampMs + i * intervalMs) >>> 0,
      key: i % gop === 0,
      ...(options.sliceBytes === undefined ? {} : { sliceBytes: options.sliceBytes }),
      ...(captureMs === undefined
        ? {}
        : {
            stamp: {
              publisher,
              frame: firstFrame + i,
              captureUs: Math.round((captureMs + i * intervalMs) * 1_000),
            },
          }),
    }),
  );
}

/** What a parser does with a whole tag. */
export function deliver(tag: MediaTag, sink: TagSink, headBytes = Number.POSITIVE_INFINITY): void {
  sink.head(tag.type, tag.timestampMs, tag.body.length, tag.body, 0, Math.min(tag.body.length, headBytes));
  sink.end();
}
