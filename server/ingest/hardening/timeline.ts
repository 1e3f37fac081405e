/**
 * One timeline for the viewers when a publisher comes back within the grace time (defect 3).
 *
 * node-media-server adds the last time of the old connection to all times of the new one, per track. That is right
 * only for an encoder that starts again at zero, and lets sound and picture drift apart. Here both tracks get the
 * same offset, and a publisher that kept its own clock running gets none.
 */
import type NodeMediaServer from 'node-media-server';

type Packet = NodeMediaServer.Packet;

/** A jump forward of up to this is the outage itself. */
const plausibleGapMs = 10_000;

export class Timeline {
  #lastMs = 0;
  #offsetMs = 0;
  #resuming = false;

  /** The next message comes from a new connection of the same publisher. */
  resume(): void {
    this.#resuming = true;
  }

  /** Moves a message of sound or picture to its place in time. Codec set-up has no place in time. */
  place(packet: Packet): void {
    const timed = packet.flags === 1 || packet.flags === 3 || packet.flags === 4;
    if (!timed) return;
    if (this.#resuming) {
      this.#resuming = false;
      const gapMs = packet.dts + this.#offsetMs - this.#lastMs;
      if (gapMs < 0 || gapMs > plausibleGapMs) this.#offsetMs = this.#lastMs + 1 - packet.dts;
    }
    packet.dts += this.#offsetMs;
    packet.pts += this.#offsetMs;
    if (packet.dts > this.#lastMs) this.#lastMs = packet.dts;
  }
}
