/** What a supervisor and its child process say to each other, over Node's IPC channel as JSON. */

/** What is particular to one kind of child. All of it must survive JSON. */
export interface ChildTypes {
  /** Everything it is told at its start. */
  readonly options: object;
  /** What it says when it listens: its ports. They are given to its later lives. */
  readonly ready: object;
  readonly stats: object;
  /** What it says by itself. */
  readonly event: unknown;
  /** What it is told while it runs. */
  readonly note: unknown;
}

export type ToChild<T extends ChildTypes> =
  /** Once, first. Secrets come this way because arguments and environment can be read by others. */
  | { readonly kind: 'start'; readonly options: T['options']; readonly logLevel: string }
  | { readonly kind: 'note'; readonly note: T['note'] }
  | { readonly kind: 'stats'; readonly id: number }
  | { readonly kind: 'stop' };

export type FromChild<T extends ChildTypes> =
  | { readonly kind: 'ready'; readonly ready: T['ready'] }
  /** It could not start, and ends. `message` is one sentence. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'stats'; readonly id: number; readonly stats: T['stats'] }
  | { readonly kind: 'event'; readonly event: T['event'] };

/** Exit codes of a child. */
export const childExit = { stopped: 0, crashed: 1, notStarted: 2 } as const;
