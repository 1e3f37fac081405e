/** What the supervisor and its child process say to each other, over Node's IPC channel as JSON. */
import type { OriginOptions } from './origin-options.ts';
import type { IngestStats, StreamEvent } from './stats.ts';

export type ToChild =
  /** Once, first. Secrets come this way because arguments and environment can be read by others. */
  | { readonly kind: 'start'; readonly options: OriginOptions; readonly logLevel: string }
  | { readonly kind: 'stats'; readonly id: number }
  | { readonly kind: 'stop' };

export type FromChild =
  | { readonly kind: 'ready'; readonly rtmpPort: number; readonly httpPort: number }
  /** It could not start, and ends. `message` is one sentence. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'stats'; readonly id: number; readonly stats: IngestStats }
  | { readonly kind: 'stream'; readonly event: StreamEvent };

/** Exit codes of the child. */
export const childExit = { stopped: 0, crashed: 1, notStarted: 2 } as const;
