import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeAmf0 } from '../amf0/amf0.ts';
import { TAG_SCRIPT } from '../media.ts';
import { type Metadata, readMetadata, writeMetadata } from './metadata.ts';
import { FlvReader } from './reader.ts';

function scriptOf(name: string): Uint8Array {
  let script: Uint8Array | undefined;
  const reader = new FlvReader({
    head(type, _timestampMs, _bodyBytes, bytes, start, end) {
      if (type === TAG_SCRIPT) script = bytes.slice(start, end);
    },
    end() {},
  });
  reader.push(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)));
  return script!;
}

describe('onMetaData', () => {
  it('is read as ffmpeg wrote it', () => {
    expect(readMetadata(scriptOf('h264-aac.flv'))).toMatchObject({
      duration: 1.546,
      width: 160,
      height: 90,
      framerate: 10,
      videocodecid: 7,
      audiosamplerate: 22050,
      stereo: false,
      audiocodecid: 10,
    });
    expect(readMetadata(scriptOf('mp3.flv'))).toMatchObject({ audiocodecid: 2, audiosamplerate: 22050 });
  });

  const metadata: Metadata = { width: 640, height: 360, framerate: 25, encoder: 'Streamgauge', stereo: true };

  it('comes back as it was written, plain and as a publisher sends it', () => {
    expect(readMetadata(writeMetadata(metadata))).toEqual(metadata);
    const published = writeMetadata(metadata, 'rtmp-publish');
    expect(new TextDecoder().decode(published.subarray(3, 16))).toBe('@setDataFrame');
    expect(readMetadata(published)).toEqual(metadata);
  });

  it('is not found in other messages', () => {
    expect(readMetadata(writeAmf0('onTextData', metadata))).toBeNull();
    expect(readMetadata(writeAmf0('onMetaData'))).toBeNull();
    expect(readMetadata(writeAmf0('onMetaData', [1, 2]))).toBeNull();
    expect(readMetadata(writeAmf0('onMetaData', null))).toBeNull();
    expect(readMetadata(new Uint8Array(0))).toBeNull();
  });
});
