/**
 * What a viewer gets first (defect 6), and a bound on it (defect 2): file header, metadata, codec set-up, and the
 * pictures since the last key frame.
 *
 * node-media-server's file header always promises sound and picture; a player that believes it waits for ever for
 * the one that never comes. Its GOP cache holds 4,096 messages whatever their size and, once over that, is emptied
 * and goes on in the middle of a GOP, which no decoder can use.
 */
import type NodeMediaServer from 'node-media-server';
import { isMetaData } from './script-tags.ts';

type Broadcast = NodeMediaServer.Broadcast;
type Packet = NodeMediaServer.Packet;

/** FLV 10.1, E.2: bits of byte 4 of the file header. */
const flagsOffset = 4;
const hasAudio = 4;
const hasVideo = 1;

const audio = 8;
const video = 9;
const keyFrame = 3;
const maxGopMessages = 4_000;

export interface JoinCacheOptions {
  /** Off: a viewer's first picture is the next key frame. */
  readonly gopCache: boolean;
  /** A longer GOP is not kept. */
  readonly maxGopBytes: number;
}

export class JoinCache {
  readonly #broadcast: Broadcast;
  readonly #options: JoinCacheOptions;
  #gopBytes = 0;
  #gopMessages = 0;
  #flags = 0;

  constructor(broadcast: Broadcast, options: JoinCacheOptions) {
    this.#broadcast = broadcast;
    this.#options = options;
  }

  /** Passes a message on to node-media-server, which keeps what later viewers need, and puts that right. */
  keep(packet: Packet, relay: (packet: Packet) => void): void {
    const broadcast = this.#broadcast;
    const { flvMetaData, rtmpMetaData } = broadcast;
    relay(packet);
    if (packet.codec_type === audio || packet.codec_type === video) this.#count(packet);
    else if (!isMetaData(packet)) {
      // Cue points, captions and the like are not what a later viewer begins with.
      broadcast.flvMetaData = flvMetaData;
      broadcast.rtmpMetaData = rtmpMetaData;
    }
  }

  #count(packet: Packet): void {
    this.#promise(this.#flags | (packet.codec_type === audio ? hasAudio : hasVideo));
    if (packet.flags === keyFrame) this.#gopBytes = this.#gopMessages = 0;
    this.#gopBytes += packet.size;
    this.#gopMessages++;
    const tooLong = this.#gopBytes > this.#options.maxGopBytes || this.#gopMessages > maxGopMessages;
    // null, not empty: node-media-server then keeps nothing until the next key frame.
    if (tooLong || !this.#options.gopCache) this.#broadcast.flvGopCache = this.#broadcast.rtmpGopCache = null;
  }

  #promise(flags: number): void {
    this.#flags = flags;
    this.#broadcast.flvHeader[flagsOffset] = flags;
  }
}
