/**
 * `/proc/net/tcp` and `/proc/net/tcp6` (Linux, proc(5)): one line for each TCP socket of a network namespace.
 *
 *     sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt   uid  timeout inode …
 *     12: 0100007F:0790 0100007F:D2E6 01 00000000:0000A3F0 00:00000000 00000000     0        0 40215 …
 *
 * The file of 10,000 connections has megabytes, so lines are read as bytes, in pieces of any size, and nothing is
 * allocated for them.
 */

/** States that matter here (include/net/tcp_states.h). */
export const TCP_ESTABLISHED = 1;
export const TCP_LISTEN = 10;

/** Hears each socket. `inode` is 0 where no process holds the socket any more. */
export interface TcpSocketVisitor {
  /**
   * @param receiveQueueBytes bytes that came and were not read yet; of a listening socket: connections that wait
   * @param sendQueueBytes bytes that were written and not acknowledged yet
   */
  socket(
    localPort: number,
    remotePort: number,
    state: number,
    receiveQueueBytes: number,
    sendQueueBytes: number,
    inode: number,
  ): void;
}

const NEWLINE = 10;
/** A line has 150 characters; a longer one is none of this table and is passed over. */
const MAX_LINE = 512;

/** Reads a table piece by piece. */
export class TcpTableReader {
  readonly #visitor: TcpSocketVisitor;
  readonly #line = new Uint8Array(MAX_LINE);
  #length = 0;

  constructor(visitor: TcpSocketVisitor) {
    this.#visitor = visitor;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === NEWLINE) {
        if (this.#length < MAX_LINE) this.#readLine();
        this.#length = 0;
      } else if (this.#length < MAX_LINE) this.#line[this.#length++] = byte;
    }
  }

  /** The head line has no digits where the entries have their number, and tells itself apart by that. */
  #readLine(): void {
    let at = this.#skipTo(0, COLON) + 1;
    if (at > this.#length) return;
    at = this.#skipTo(at, COLON) + 1;
    const localPort = this.#hex(at);
    at = this.#skipTo(at, COLON) + 1;
    const remotePort = this.#hex(at);
    at = this.#skipTo(at, BLANK) + 1;
    const state = this.#hex(at);
    at = this.#skipTo(at, BLANK) + 1;
    const sendQueueBytes = this.#hex(at);
    at = this.#skipTo(at, COLON) + 1;
    const receiveQueueBytes = this.#hex(at);
    // tr:tm->when, retrnsmt, uid, timeout: the inode is the fifth word after the queues.
    for (let word = 0; word < 5; word++) at = this.#nextWord(at);
    const inode = this.#decimal(at);
    if (at >= this.#length || localPort < 0 || state < 0 || receiveQueueBytes < 0 || inode < 0) return;
    this.#visitor.socket(localPort, remotePort, state, receiveQueueBytes, sendQueueBytes, inode);
  }

  #skipTo(at: number, byte: number): number {
    let index = at;
    while (index < this.#length && this.#line[index] !== byte) index++;
    return index;
  }

  #nextWord(at: number): number {
    let index = this.#skipTo(at, BLANK);
    while (index < this.#length && this.#line[index] === BLANK) index++;
    return index;
  }

  /** -1: no digit there. */
  #hex(at: number): number {
    let value = 0;
    let index = at;
    for (; index < this.#length; index++) {
      const digit = hexDigit(this.#line[index]!);
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    return index === at ? -1 : value;
  }

  #decimal(at: number): number {
    let value = 0;
    let index = at;
    for (; index < this.#length; index++) {
      const digit = this.#line[index]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    return index === at ? -1 : value;
  }
}

const COLON = 58;
const BLANK = 32;
const ZERO = 48;

function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= 57) return byte - ZERO;
  if (byte >= 65 && byte <= 70) return byte - 55;
  if (byte >= 97 && byte <= 102) return byte - 87;
  return -1;
}
