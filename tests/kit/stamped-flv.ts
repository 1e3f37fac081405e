import { readFileSync } from 'node:fs';
import { FlvReader } from '../../core/flv/reader.ts';
import { readVideoHead, videoHead } from '../../core/flv/video-head.ts';
import { flvHeader, flvTag } from '../../core/flv/writer.ts';
import { TAG_VIDEO, type TagType } from '../../core/media.ts';
import { insertStamp } from '../../core/stamp/stamp.ts';

/** Capture time of the picture shown at 0 ms in `stampedFlv`: with it a stamp tells which picture it belongs to. */
export const CAPTURE_BASE_US = 1_794_000_000_000_000;

/** The 15 pictures with B-frames of `h264-b-frames.flv`, each stamped (publisher 7) with its presentation time. */
export function stampedFlv(): Uint8Array {
  const flv = readFileSync(new URL('../../core/flv/fixtures/h264-b-frames.flv', import.meta.url));
  const out = [flvHeader(false, true)];
  const head = videoHead();
  let frame = 0;
  const reader = new FlvReader({
    head(type: TagType, timestampMs, _bodyBytes, bytes, start, end) {
      const body = bytes.slice(start, end);
      const isPicture =
        type === TAG_VIDEO && readVideoHead(body, 0, body.length, head) && head.packet === 'frames';
      const captureUs = CAPTURE_BASE_US + (timestampMs + head.compositionMs) * 1000;
      const stamp = { publisher: 7, frame, captureUs };
      if (isPicture) frame++;
      const stamped = isPicture ? insertStamp(body, head.dataOffset, 4, 'h264', stamp).body : body;
      out.push(flvTag({ type, timestampMs, body: stamped }));
    },
    end() {},
  });
  reader.push(flv);
  return Buffer.concat(out);
}
