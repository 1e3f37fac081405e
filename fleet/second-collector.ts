import { mergePoints } from '../metrics/merge-points.ts';
import type { Point } from '../metrics/registry.ts';

/**
 * Gathers the points of all threads by second. A sink wants one point per series and second; threads deliver theirs a
 * few milliseconds after the second, a busy one later. What comes too late for its second goes into the next.
 */
export class SecondCollector {
  readonly #pending = new Map<number, Point[]>();

  add(secondMs: number, points: readonly Point[]): void {
    const pending = this.#pending.get(secondMs);
    // One by one: thousands of streams have more points than a call can have arguments.
    if (pending) for (const point of points) pending.push(point);
    else this.#pending.set(secondMs, [...points]);
  }

  /** All points of seconds up to this one, merged into it. */
  take(secondMs: number): Point[] {
    const due: Point[] = [];
    for (const [pendingMs, points] of this.#pending) {
      if (pendingMs > secondMs) continue;
      for (const point of points) due.push(point);
      this.#pending.delete(pendingMs);
    }
    return mergePoints(due, secondMs);
  }

  /** What is left at the end, second by second. */
  takeAll(): Point[][] {
    return [...this.#pending.keys()].sort((a, b) => a - b).map((secondMs) => this.take(secondMs));
  }
}
