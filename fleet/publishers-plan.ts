import type { TlsOptions } from '../clients/viewer.ts';
import type { SessionLength } from './session-length.ts';

/** What a publisher thread is told to do: plain data that crosses thread borders. */
export interface PublishersPlan {
  readonly publishers: readonly PublisherPlan[];
  /** Of rtmps:// and https:// addresses. */
  readonly tls?: TlsOptions;
  /** Of the lengths of churn; default 1. */
  readonly seed?: number;
  readonly faults?: readonly PublisherFaultPlan[];
}

/** Something that is done to publishers on purpose. */
export interface PublisherFaultPlan {
  /** `publisher-drop`: the connection is cut, with no goodbye. `publisher-stop`: the publisher says goodbye. */
  readonly kind: 'publisher-drop' | 'publisher-stop';
  /** From the start of the schedule, when viewers begin to come. */
  readonly atMs: number;
  /** `null`: it does not come back. */
  readonly forMs: number | null;
  /** Names of streams. */
  readonly streams: readonly string[];
}

/** A stream that comes and goes. */
export interface ChurnPlan {
  readonly up: SessionLength;
  readonly down: SessionLength;
}

export interface PublisherPlan {
  /** Goes into the stamp of every frame, so that viewers know whose it is. */
  readonly number: number;
  /** The tag: application and name, never a query. */
  readonly stream: string;
  readonly url: string;
  /** When it begins, after the others; default 0. */
  readonly startMs?: number;
  /** Begins with the schedule. Left out: it stays. */
  readonly churn?: ChurnPlan;
  readonly source: SourcePlan;
}

export interface SourcePlan {
  /** `testcard`: encoded live. `recording`: the test card encoded once, replayed by many. `file`: a media file as live. */
  readonly kind: 'testcard' | 'recording' | 'file';
  /** Of `file`: an absolute path. */
  readonly path?: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly bitsPerSecond: number;
  readonly gopMs: number;
}
