import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type MediaTag, TAG_VIDEO, type TagType } from '../media.ts';
import { FlvReader } from './reader.ts';
import { flvHeader, flvTag } from './writer.ts';

describe('FLV writer', () => {
  it.each(['h264-aac.flv', 'h264-b-frames.flv', 'mp3.flv'])(
    'writes %s anew, byte for byte as ffmpeg did',
    (name) => {
      const original = new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)));
      const pieces: Uint8Array[] = [];
      const reader = new FlvReader(
        {
          head(type: TagType, timestampMs, _bodyBytes, bytes, start, end) {
            const tag: MediaTag = { type, timestampMs, body: bytes.slice(start, end) };
            pieces.push(flvTag(tag));
          },
          end() {},
        },
        { header: (hasAudio, hasVideo) => pieces.push(flvHeader(hasAudio, hasVideo)) },
      );
      reader.push(original);
      expect(Buffer.compare(Buffer.concat(pieces), original)).toBe(0);
    },
  );

  it('puts the upper byte of the timestamp last (E.4.1) and the size of the tag behind it', () => {
    expect([...flvTag({ type: TAG_VIDEO, timestampMs: 0x89abcdef, body: Uint8Array.of(1, 2) })]).toEqual([
      ...[9, 0, 0, 2, 0xab, 0xcd, 0xef, 0x89, 0, 0, 0],
      ...[1, 2],
      ...[0, 0, 0, 13],
    ]);
  });

  it('refuses a body that FLV cannot say', () => {
    const body = new Uint8Array(0x1000000);
    expect(() => flvTag({ type: TAG_VIDEO, timestampMs: 0, body })).toThrow(RangeError);
  });
});
