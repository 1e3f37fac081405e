import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** What collecting garbage took in a while. */
export interface GcTime {
  readonly gcMs: number;
  readonly longestGcMs: number;
}

/** Listens to the garbage collector of this thread. */
export class GcWatch {
  #gcMs = 0;
  #longestGcMs = 0;
  readonly #observer = new PerformanceObserver((list) => this.#note(list.getEntries()));

  start(): void {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.#observer.disconnect();
  }

  /** Since the last call. Node tells of a collection in the next turn of the event loop, so one of this turn is not in it. */
  take(): GcTime {
    const time = { gcMs: this.#gcMs, longestGcMs: this.#longestGcMs };
    this.#gcMs = 0;
    this.#longestGcMs = 0;
    return time;
  }

  #note(entries: readonly { readonly duration: number }[]): void {
    for (const { duration } of entries) {
      this.#gcMs += duration;
      if (duration > this.#longestGcMs) this.#longestGcMs = duration;
    }
  }
}

/** Used heap of this thread over its limit. */
export function heapUsed(): number {
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  return used_heap_size / heap_size_limit;
}
