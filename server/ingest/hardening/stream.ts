/**
 * One stream of node-media-server, hardened: what passes through it, and who ends when it ends.
 *
 *     publisher ─► tidyScript ─► MessageKinds ─► Timeline ─► JoinCache ─► node-media-server ─► FanOut ─► viewers
 *                                                            (keeps what later viewers get first)
 *
 * Defect 3: the end of a publisher is the end of its viewers, after a short grace in which it may come back;
 * node-media-server waits for 30 s and then leaves the viewers hanging.
 */
import type NodeMediaServer from 'node-media-server';
import type { StreamStats } from '../stats.ts';
import { FanOut } from './fan-out.ts';
import { JoinCache, type JoinCacheOptions } from './join-cache.ts';
import { MessageKinds } from './message-kind.ts';
import { peerOf } from './peer.ts';
import { tidyScript } from './script-tags.ts';
import type { SlowViewers } from './slow-viewers.ts';
import { Timeline } from './timeline.ts';

type Broadcast = NodeMediaServer.Broadcast;

export interface StreamOptions extends JoinCacheOptions {
  /** How long a publisher that vanished may take to come back. */
  readonly publishGraceMs: number;
  /** How long audio may wait for the next picture, to go out with it. */
  readonly audioHoldMs: number;
  readonly slowViewers: SlowViewers;
}

export class Stream {
  readonly #kinds = new MessageKinds();
  readonly #broadcast: Broadcast;
  readonly #fanOut: FanOut;
  readonly #cache: JoinCache;
  readonly #timeline = new Timeline();

  /** Takes a stream over just after node-media-server made it, before anything went through it. */
  constructor(broadcast: Broadcast, options: StreamOptions) {
    this.#broadcast = broadcast;
    this.#fanOut = new FanOut(options.slowViewers, options.audioHoldMs);
    this.#cache = new JoinCache(broadcast, options);
    broadcast.subscribers = this.#fanOut;
    broadcast.publishGraceMs = options.publishGraceMs;
    this.#hookMessages();
    this.#hookPublisher();
    this.#hookViewer();
  }

  /** null: nobody publishes it. */
  stats(): StreamStats | null {
    const { publisher, streamPath } = this.#broadcast;
    const state = this.#broadcast.getPublishStatus();
    if (publisher === null || state === 'idle') return null;
    const { videoCodec, audioCodec } = this.#kinds;
    return {
      name: streamPath.slice(1),
      state,
      publisher: { id: publisher.id, peer: publisher.ip, transport: peerOf(publisher).transport },
      videoCodec,
      audioCodec,
      width: declared(publisher.videoWidth),
      height: declared(publisher.videoHeight),
      fps: declared(publisher.videoFramerate),
      bytesIn: publisher.inBytes,
      uptimeMs: Date.now() - publisher.createTime,
      viewers: this.#fanOut.size,
    };
  }

  #hookMessages(): void {
    const relay = this.#broadcast.broadcastMessage;
    this.#broadcast.broadcastMessage = (packet) => {
      tidyScript(packet);
      // node-media-server writes an RTMP message of no bytes one byte short, which breaks all that follow.
      if (packet.size <= 0) return;
      this.#kinds.name(packet);
      this.#timeline.place(packet);
      this.#cache.keep(packet, relay);
      this.#fanOut.sent(packet);
    };
  }

  #hookPublisher(): void {
    const broadcast = this.#broadcast;
    const publish = broadcast.postPublish;
    broadcast.postPublish = (session) => {
      const resuming = broadcast.getPublishStatus() === 'reconnecting';
      const fault = publish(session);
      if (resuming) {
        broadcast._dtsOffset = {};
        this.#timeline.resume();
      }
      return fault;
    };
    const finish = broadcast._finishPublish;
    broadcast._finishPublish = () => {
      this.#fanOut.flush();
      for (const session of this.#fanOut.takeAll()) peerOf(session).end('stream-ended');
      finish();
    };
  }

  #hookViewer(): void {
    const play = this.#broadcast.postPlay;
    this.#broadcast.postPlay = (session) => {
      // What still waits is in the cache already: the new viewer must not get it twice.
      this.#fanOut.flush();
      return play(session);
    };
  }
}

/** A number of the publisher's metadata, which may be anything; node-media-server's 0 is "not said". */
function declared(value: unknown): number | null {
  return typeof value === 'number' && value > 0 ? value : null;
}

/** Ends a publisher's stream at once: it said goodbye, or somebody else takes its place. */
export function finishPublish(broadcast: Broadcast, session: NodeMediaServer.Session): void {
  if (broadcast.publisher !== session) return;
  broadcast.donePublish(session);
  broadcast._finishPublish();
}
