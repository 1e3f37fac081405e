import type NodeMediaServer from 'node-media-server';
import type { AudioCodec, VideoCodec } from '../../../core/media.ts';

type Packet = NodeMediaServer.Packet;

const audio = 8;
const video = 9;
/** FLV 10.1, E.4.3.1 and E.4.2.1; 12 is the common extension for H.265. */
const videoCodecs: Readonly<Record<number, VideoCodec>> = { 7: 'h264', 12: 'h265' };
const audioCodecs: Readonly<Record<number, AudioCodec>> = { 2: 'mp3', 10: 'aac' };
/** Enhanced RTMP: four characters after the first byte. */
const fourCcs: Readonly<Record<string, VideoCodec | AudioCodec>> = {
  avc1: 'h264',
  hvc1: 'h265',
  vp09: 'vp9',
  av01: 'av1',
  vp08: 'vp8',
  mp4a: 'aac',
  '.mp3': 'mp3',
  Opus: 'opus',
  fLaC: 'flac',
  'ac-3': 'ac3',
};

/** Which codecs a stream carries, as its messages say; null until one came, `unknown` when it has no name here. */
export class Tracks {
  video: string | null = null;
  audio: string | null = null;

  see(packet: Packet): void {
    if (packet.codec_type === video)
      this.video ??= codecOf(packet, (packet.data[0]! & 0x80) !== 0, videoCodecs, 0x0f);
    else if (packet.codec_type === audio)
      this.audio ??= codecOf(packet, packet.data[0]! >> 4 === 9, audioCodecs, 0xf0);
  }
}

function codecOf(
  { data, size }: Packet,
  enhanced: boolean,
  legacy: Readonly<Record<number, string>>,
  codecBits: 0x0f | 0xf0,
): string {
  if (enhanced) return (size >= 5 && fourCcs[data.toString('latin1', 1, 5)]) || 'unknown';
  const id = codecBits === 0x0f ? data[0]! & codecBits : data[0]! >> 4;
  return legacy[id] ?? 'unknown';
}
