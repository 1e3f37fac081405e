/**
 * Defect 9: node-media-server writes each message to each viewer on its own.
 *
 *     broadcastMessage ──► subscribers.forEach ──► 2 lanes (FLV, RTMP) ──► batch ──► each viewer: one write
 *
 * A stream's `subscribers` Map is replaced by one that shows node-media-server two lanes in place of the viewers.
 * A lane keeps messages until a video frame comes (which is never held back), or until audio has waited `holdMs`,
 * and then gives each viewer the same few bytes in one write.
 */
import type NodeMediaServer from 'node-media-server';
import { Batch } from './batch.ts';
import { type Peer, peerOf } from './peer.ts';
import type { SlowViewers } from './slow-viewers.ts';

type Session = NodeMediaServer.Session;
type Packet = NodeMediaServer.Packet;

const audio = 8;

export class FanOut extends Map<string, Session> {
  readonly #lanes = { flv: new Lane('flv'), rtmp: new Lane('rtmp') };
  readonly #slowViewers: SlowViewers;
  readonly #holdMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(slowViewers: SlowViewers, holdMs: number) {
    super();
    this.#slowViewers = slowViewers;
    this.#holdMs = holdMs;
  }

  override set(id: string, session: Session): this {
    this.#lanes[session.protocol].viewers.add(peerOf(session));
    return super.set(id, session);
  }

  override delete(id: string): boolean {
    const session = this.get(id);
    if (session !== undefined) this.#lanes[session.protocol].viewers.delete(peerOf(session));
    return super.delete(id);
  }

  /** Empties the stream of its viewers. */
  takeAll(): Session[] {
    const sessions = [...this.values()];
    for (const lane of Object.values(this.#lanes)) lane.viewers.clear();
    this.clear();
    return sessions;
  }

  /** What node-media-server sends each message to. */
  override forEach(send: (session: Session, id: string, map: Map<string, Session>) => void): void {
    for (const lane of Object.values(this.#lanes))
      if (lane.viewers.size > 0) send(lane as unknown as Session, lane.protocol, this);
  }

  /** To be told after each message: sends what waits, unless it may wait a little longer. */
  sent(packet: Packet): void {
    if (packet.codec_type !== audio || this.#holdMs === 0) this.flush();
    else if (this.#timer === null) this.#timer = setTimeout(() => this.flush(), this.#holdMs);
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const lane of Object.values(this.#lanes)) this.#flushLane(lane);
  }

  #flushLane(lane: Lane): void {
    if (lane.pending.length === 0) return;
    const batch = new Batch(lane.pending);
    lane.pending = [];
    for (const viewer of lane.viewers) {
      if (this.#slowViewers.evicts(viewer)) {
        this.delete(viewer.session.id);
        continue;
      }
      viewer.deliver(batch);
      viewer.session.outBytes += batch.bytes;
    }
  }
}

/** The viewers of one protocol; to node-media-server it is one subscriber. */
class Lane {
  readonly protocol: Session['protocol'];
  readonly viewers = new Set<Peer>();
  pending: Buffer[] = [];

  constructor(protocol: Session['protocol']) {
    this.protocol = protocol;
  }

  sendBuffer(message: Buffer): void {
    this.pending.push(message);
  }
}
