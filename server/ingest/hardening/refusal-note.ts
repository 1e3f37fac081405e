/**
 * Each refusal is counted and is one line in the log: what was asked for, who asked, which stream, and why not.
 * Neither the URL nor anything else that a signature could be in is written.
 */
import type { Logger } from 'pino';
import type { RefusalReason, Role } from './admission.ts';
import { type Counters, countRefusal } from './counters.ts';
import type { Transport } from './peer.ts';

export interface RefusalNote {
  readonly reason: RefusalReason;
  /** null: it cannot be told. */
  readonly role: Role | null;
  /** null: none that is valid. */
  readonly stream: string | null;
  readonly transport: Transport | 'http';
  /** HTTP's status, or RTMP's code. */
  readonly answer: number | string;
  /** Address of who asked, with or without its port. */
  readonly peer: string | undefined;
}

export interface RefusalNotebook {
  readonly counters: Counters;
  readonly log: Logger;
}

export function noteRefusal({ counters, log }: RefusalNotebook, note: RefusalNote): void {
  countRefusal(counters, note.reason);
  log.info({ ...note }, 'refused');
}
