import { DelayLine } from '../core/link/delay-line.ts';
import type { Link } from '../core/link/link.ts';
import { type Paced, type Pacer, threadPacer } from './pacer.ts';

/** The connection that a shaper works for. */
export interface Shaped {
  /** `bytes[0, end)` have come out of the link. */
  deliver(bytes: Uint8Array, end: number): void;
  /** Hands on to the socket; false: it will say when it has room again. */
  send(pieces: readonly Uint8Array[]): boolean;
  /** There is room again after `write` had returned false. */
  drained(): void;
  /** The socket may be read again. */
  resume(): void;
  /** A cut of the kind `reset` has begun. */
  broken(): void;
}

/**
 * The most that one connection holds on its way down. A link of 2 s and 16 Mbit/s fills it; beyond that it is what a
 * receive window is in TCP: never more than so much per round.
 */
const MAX_HELD_BYTES = 4 * 1024 * 1024;
/** With more than this on its way up, `write` asks to wait. */
const UP_MARK_BYTES = 16 * 1024;

/**
 * One connection's way through its viewer's link.
 *
 *     socket ── read ──► DelayLine ── when due ──► deliver          the socket is not read while the line is full:
 *     socket ◄── send ── held pieces ◄── write                      the kernel's window closes, the server waits
 *
 * It wakes by the thread's one pacer, and only while something is on its way.
 */
export class LinkShaper implements Paced {
  slot: number | null = null;
  readonly #link: Link;
  readonly #to: Shaped;
  readonly #pacer: Pacer;
  readonly #buffer: Uint8Array;
  readonly #down = new DelayLine();
  #up: UpPiece[] = [];
  #upBytes = 0;
  #upAsked = false;
  /** What travels without content: each after `dueMs`, those of the end behind all bytes. */
  #steps: Step[] = [];
  #resetMs: number;
  #paused = false;
  /** Nothing is delivered: whoever is behind the link does not take it. */
  #held = false;
  #closed = false;

  /** `buffer`: the thread's receive buffer, in which reads arrive and from which bytes are delivered. */
  constructor(link: Link, to: Shaped, buffer: Uint8Array, pacer: Pacer = threadPacer()) {
    this.#link = link;
    this.#to = to;
    this.#buffer = buffer;
    this.#pacer = pacer;
    this.#resetMs = link.nextResetMs(pacer.nowMs());
    this.#schedule(pacer.nowMs());
  }

  /** Bytes on their way up. */
  get queuedBytes(): number {
    return this.#upBytes;
  }

  /** Where the next read goes: small for a slow line, because what is read comes out as one. */
  readonly nextBuffer = (): Uint8Array =>
    viewOf(this.#buffer, this.#link.down.readBytes(this.#pacer.nowMs()));

  /** Takes a read of the socket; false: it is not to be read until `resume`. TLS may still bring some more that it has decrypted. */
  readonly read = (end: number, bytes: Uint8Array): boolean => {
    if (this.#closed) return true;
    const nowMs = this.#pacer.nowMs();
    const { down } = this.#link;
    const dueMs = down.pass(nowMs, end);
    if (dueMs <= nowMs && this.#down.bytes === 0 && this.#steps.length === 0 && !this.#held) {
      this.#to.deliver(bytes, end);
      if (this.#closed) return true;
    } else this.#down.push(bytes, end, dueMs);
    this.#paused = this.#held || down.full(nowMs) || this.#down.bytes > MAX_HELD_BYTES;
    this.#schedule(nowMs);
    return !this.#paused;
  };

  /** Nothing more is taken out of the link, nor soon read into it, … */
  hold(): void {
    this.#held = true;
  }

  /** … until now; what has come meanwhile is delivered at the next tick. */
  release(): void {
    if (!this.#held || this.#closed) return;
    this.#held = false;
    this.#schedule(this.#pacer.nowMs());
  }

  /** Sends through the link; the pieces may be changed afterwards. */
  write(pieces: readonly Uint8Array[]): boolean {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const nowMs = this.#pacer.nowMs();
    const dueMs = this.#link.up.pass(nowMs, bytes);
    if (dueMs <= nowMs && this.#up.length === 0) return this.#to.send(pieces);
    this.#up.push({ pieces: pieces.map((piece) => piece.slice()), bytes, dueMs });
    this.#upBytes += bytes;
    this.#schedule(nowMs);
    this.#upAsked ||= this.#upBytes > UP_MARK_BYTES;
    return !this.#upAsked;
  }

  /** After the time that a packet takes up. */
  afterUp(run: () => void): void {
    const nowMs = this.#pacer.nowMs();
    this.#add({ dueMs: this.#link.up.cross(nowMs), behindBytes: false, run });
  }

  /** After the time that a packet takes down, and then so many whole round trips. */
  afterDown(roundTrips: number, run: () => void): void {
    const { down, up } = this.#link;
    let dueMs = down.cross(this.#pacer.nowMs());
    for (let trip = 0; trip < roundTrips; trip++) dueMs = down.cross(up.cross(dueMs));
    this.#add({ dueMs, behindBytes: false, run });
  }

  /** After all that is on its way down, and the time that a packet takes. */
  afterBytes(run: () => void): void {
    this.#add({ dueMs: this.#link.down.cross(this.#pacer.nowMs()), behindBytes: true, run });
  }

  /** Ends it. What was on its way up is given back, to be sent at once. */
  close(): Uint8Array[] {
    this.#closed = true;
    this.#pacer.remove(this);
    this.#steps = [];
    const held = this.#up.flatMap(({ pieces }) => pieces);
    this.#up = [];
    this.#upBytes = 0;
    return held;
  }

  wake(nowMs: number): void {
    if (nowMs >= this.#resetMs) {
      this.#to.broken();
      return;
    }
    this.#sendDue(nowMs);
    this.#stepDue(nowMs, false);
    if (!this.#steps.some(({ behindBytes }) => !behindBytes)) this.#deliverDue(nowMs);
    if (this.#down.bytes === 0) this.#stepDue(nowMs, true);
    if (this.#closed) return;
    const { down } = this.#link;
    if (
      this.#paused &&
      !this.#held &&
      down.readyMs(nowMs) <= nowMs &&
      this.#down.bytes <= MAX_HELD_BYTES / 2
    ) {
      this.#paused = false;
      this.#to.resume();
    }
    this.#schedule(nowMs);
  }

  #sendDue(nowMs: number): void {
    let roomy = true;
    while (!this.#closed && this.#up.length > 0 && this.#up[0]!.dueMs <= nowMs) {
      const { pieces, bytes } = this.#up.shift()!;
      this.#upBytes -= bytes;
      roomy = this.#to.send(pieces);
    }
    if (this.#closed || !this.#upAsked || this.#upBytes > 0) return;
    this.#upAsked = false;
    // A socket that is full itself will tell.
    if (roomy) this.#to.drained();
  }

  #deliverDue(nowMs: number): void {
    while (!this.#closed && !this.#held && this.#down.dueMs <= nowMs)
      this.#to.deliver(this.#buffer, this.#down.take(nowMs, this.#buffer));
  }

  #stepDue(nowMs: number, behindBytes: boolean): void {
    while (!this.#closed) {
      const step = this.#steps[0];
      if (step === undefined || step.behindBytes !== behindBytes || step.dueMs > nowMs) return;
      this.#steps.shift();
      step.run();
    }
  }

  #add(step: Step): void {
    if (this.#closed) return;
    this.#steps.push(step);
    this.#schedule(this.#pacer.nowMs());
  }

  #schedule(nowMs: number): void {
    if (this.#closed) return;
    let nextMs = this.#resetMs;
    const [piece] = this.#up;
    if (piece) nextMs = Math.min(nextMs, piece.dueMs);
    const [step] = this.#steps;
    // Bytes wait for the connection to be open, and its end for the last of them.
    if (step && (!step.behindBytes || this.#down.bytes === 0)) nextMs = Math.min(nextMs, step.dueMs);
    else if (!this.#held) nextMs = Math.min(nextMs, this.#down.dueMs);
    // What waits for room in the delay line wakes with the bytes that leave it.
    if (this.#paused && !this.#held && this.#down.bytes <= MAX_HELD_BYTES / 2)
      nextMs = Math.min(nextMs, this.#link.down.readyMs(nowMs));
    this.#pacer.at(nextMs, this);
  }
}

interface UpPiece {
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly dueMs: number;
}

interface Step {
  readonly dueMs: number;
  readonly behindBytes: boolean;
  readonly run: () => void;
}

/** The first so many bytes of the one receive buffer, which has few sizes: made once each. */
const views = new Map<number, Uint8Array>();
function viewOf(buffer: Uint8Array, bytes: number): Uint8Array {
  let view = views.get(bytes);
  if (view === undefined || view.buffer !== buffer.buffer) {
    view = buffer.subarray(0, bytes);
    views.set(bytes, view);
  }
  return view;
}
