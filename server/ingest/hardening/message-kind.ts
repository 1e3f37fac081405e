/**
 * What each message is, read anew: it decides what a later viewer is given first (defect 6).
 *
 * node-media-server knows H.264 and three of the enhanced codecs. It takes the end-of-sequence message for a key
 * frame (and forgets the pictures before it), H.265 set-up for a picture, and whatever is new to it for set-up of sound.
 */
import type NodeMediaServer from 'node-media-server';
import { audioHead, readAudioHead } from '../../../core/flv/audio-head.ts';
import { readVideoHead, videoHead } from '../../../core/flv/video-head.ts';
import type { AudioCodec, VideoCodec } from '../../../core/media.ts';

type Packet = NodeMediaServer.Packet;

const audio = 8;
const video = 9;
/** node-media-server's `flags`. 6 is passed on and not kept. */
const audioConfig = 0;
const audioFrame = 1;
const videoConfig = 2;
const keyFrame = 3;
const otherFrame = 4;
const passedOn = 6;

/** Names the messages of one stream. One for each stream: it remembers the codecs. */
export class MessageKinds {
  /** null: nothing of it came yet, or nothing that is known here. */
  videoCodec: VideoCodec | null = null;
  audioCodec: AudioCodec | null = null;
  readonly #video = videoHead();
  readonly #audio = audioHead();

  /** Sets the `flags` of a message of sound or picture right. */
  name(packet: Packet): void {
    if (packet.codec_type === video) packet.flags = this.#nameVideo(packet);
    else if (packet.codec_type === audio) packet.flags = this.#nameAudio(packet);
  }

  #nameVideo({ data, size }: Packet): number {
    const head = this.#video;
    if (!readVideoHead(data, 0, size, head)) return passedOn;
    this.videoCodec = head.codec;
    if (head.packet === 'config') return videoConfig;
    if (head.packet !== 'frames') return passedOn;
    return head.frame === 'key' ? keyFrame : otherFrame;
  }

  #nameAudio({ data, size }: Packet): number {
    const head = this.#audio;
    if (!readAudioHead(data, 0, size, head)) return passedOn;
    this.audioCodec = head.codec;
    if (head.packet === 'config') return audioConfig;
    return head.packet === 'frames' ? audioFrame : passedOn;
  }
}
