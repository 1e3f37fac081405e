import type { Source, SourceFigures, SourceSink, SourceTag } from '../../clients/sources/source.ts';
import { readVideoHead, videoHead } from '../../core/flv/video-head.ts';
import { TAG_VIDEO } from '../../core/media.ts';

/** A frame or a piece of sound as it was handed to the publisher. */
export interface SentPacket {
  readonly isKey: boolean;
  readonly dtsMs: number;
  readonly ptsMs: number;
  /** Without the head of the FLV tag: what a demultiplexer gives out. */
  readonly data: Buffer;
  /** Of pictures: microseconds since the epoch. */
  readonly captureUs: number;
  /** Of pictures: by capture time, from 0. */
  readonly frame: number;
}

/** Hands on what another source makes, and notes all of it: the truth that a reader at the far end is held against. */
export class NotedSource implements Source {
  readonly #source: Source;
  readonly #video: Omit<SentPacket, 'frame'>[] = [];
  readonly #audio: Omit<SentPacket, 'frame'>[] = [];
  readonly #head = videoHead();

  constructor(source: Source) {
    this.#source = source;
  }

  get description(): string {
    return this.#source.description;
  }

  get figures(): SourceFigures {
    return this.#source.figures;
  }

  start(out: SourceSink): void {
    this.#source.start({
      tags: (due) => {
        for (const tag of due) this.#note(tag);
        out.tags(due);
      },
      ended: (error) => out.ended(error),
    });
  }

  stop(): Promise<void> {
    return this.#source.stop();
  }

  /** Pictures in the order of sending. */
  video(): SentPacket[] {
    // With B-frames they are not sent in the order of capture. (Sorting is stable: equal times keep their order.)
    const byCapture = [...this.#video].sort((a, b) => a.captureUs - b.captureUs);
    const frames = new Map(byCapture.map((packet, frame) => [packet, frame]));
    return this.#video.map((packet) => ({ ...packet, frame: frames.get(packet)! }));
  }

  audio(): SentPacket[] {
    return this.#audio.map((packet) => ({ ...packet, frame: 0 }));
  }

  #note({ type, kind, timestampMs, pieces, captureMs = Number.NaN }: SourceTag): void {
    if (kind !== 'key' && kind !== 'inter' && kind !== 'audio') return;
    const body = Buffer.concat(pieces);
    const isVideo = type === TAG_VIDEO;
    if (isVideo && !readVideoHead(body, 0, body.length, this.#head)) throw new Error('no head of a picture');
    (isVideo ? this.#video : this.#audio).push({
      isKey: kind !== 'inter',
      dtsMs: timestampMs,
      ptsMs: timestampMs + (isVideo ? this.#head.compositionMs : 0),
      // E.4.2: an AAC tag has two bytes before its frame.
      data: body.subarray(isVideo ? this.#head.dataOffset : 2),
      captureUs: Math.round(captureMs * 1_000),
    });
  }
}
