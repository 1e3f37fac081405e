/**
 * What must be closed again, in the reverse order of its opening, whatever happens; no closing can hang the end.
 *
 *     open stack ─ publishers ─ fleet          close fleet ─ publishers ─ stack
 */
export class Closing {
  readonly #entries: { what: string; limitMs: number; close: () => Promise<void> }[] = [];

  add(what: string, limitMs: number, close: () => Promise<void>): void {
    this.#entries.push({ what, limitMs, close });
  }

  /** Closes everything. What fails or takes too long is told as a sentence; the rest is closed all the same. */
  async run(complain: (sentence: string) => void): Promise<void> {
    for (;;) {
      const entry = this.#entries.pop();
      if (!entry) return;
      const { what, limitMs, close } = entry;
      try {
        await within(close(), limitMs, `${what} did not end within ${limitMs / 1000} s`);
      } catch (error) {
        complain(`While closing: ${(error as Error).message}.`);
      }
    }
  }
}

/** The promise, or an error with this message after the limit. */
export async function within<T>(promise: Promise<T>, limitMs: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), limitMs);
  });
  // The loser of the race may still fail; nobody is there to hear it then.
  promise.catch(() => {});
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** The run was stopped from outside. */
export class Interrupted extends Error {
  constructor() {
    super('stopped by a signal');
    this.name = 'Interrupted';
  }
}

/** The promise, or `Interrupted` as soon as the signal is aborted (at once, when it is already). */
export async function unlessInterrupted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {});
  if (signal.aborted) throw new Interrupted();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new Interrupted());
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
