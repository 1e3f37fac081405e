import type { Point } from '../metrics/registry.ts';
import type { SessionRecord } from '../metrics/summary.ts';
import type { FleetPlan } from './plan.ts';
import type { FaultReport } from './publisher-group.ts';
import type { PublishersPlan } from './publishers-plan.ts';
import type { WorkerSecond } from './self-check.ts';
import type { ViewerStates } from './viewer-states.ts';

/** What the main thread and its worker threads tell each other. All of it is plain data (structured clone). */

export interface ViewerWorkerData {
  readonly plan: FleetPlan;
  /** Number of this worker from 0, and how many share the plan. */
  readonly worker: number;
  readonly workers: number;
  /** Tag of its figures about itself. */
  readonly node: string;
}

export interface PublisherWorkerData {
  readonly plan: PublishersPlan;
  readonly node: string;
}

export type ToWorker =
  /** Begin at this moment of the wall clock (the monotonic clocks of two threads have different zeros). */
  | { readonly kind: 'start'; readonly atWallMs: number }
  /** To publishers: viewers begin to come at this moment; churn and faults count from it. */
  | { readonly kind: 'schedule'; readonly atWallMs: number }
  /** End everything, post what is left, say `finished` and exit. */
  | { readonly kind: 'stop' };

/** A thread has ended a second. */
export interface SecondMessage {
  readonly kind: 'second';
  readonly node: string;
  /** Wall-clock end of the second: a multiple of 1000. */
  readonly secondMs: number;
  readonly points: readonly Point[];
  /** Latencies and stalls of a second that was not valid: counted, not believed. */
  readonly apart: readonly Point[];
  /** `null`: a part of a second, at the very end. */
  readonly check: WorkerSecond | null;
}

export type FromViewerWorker =
  | { readonly kind: 'ready' }
  | (SecondMessage & {
      readonly sessions: readonly SessionRecord[];
      readonly states: ViewerStates;
      /** Sessions under way by cohort and stream, in the order of the plan. */
      readonly active: readonly number[];
    })
  | { readonly kind: 'finished' };

export type FromPublisherWorker =
  | { readonly kind: 'ready' }
  | SecondMessage
  | { readonly kind: 'fault'; readonly fault: FaultReport }
  /** The server takes the stream and the first frames were sent. */
  | { readonly kind: 'up'; readonly stream: string }
  /** It did not work and is tried again; or the publisher of the stream has given up. */
  | {
      readonly kind: 'retrying' | 'failed';
      readonly stream: string;
      readonly reason: string;
      readonly detail: string;
    }
  | { readonly kind: 'finished' };
