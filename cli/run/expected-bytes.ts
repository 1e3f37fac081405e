import { type Point, Registry } from '../../metrics/registry.ts';

/** Publishers and encoders send in bursts: rates are means over so many seconds. */
const WINDOW_SECONDS = 10;

/** Sum and number of samples of a gauge. */
interface Samples {
  sum: number;
  count: number;
}

/**
 * `expected_bytes_ratio`: whether viewers get what their streams offer. A starved generator or server delivers less.
 *
 *     received  = Σ received_bps of the viewers that were under way for the whole second
 *     expected  = their number × the stream's rate
 *     rate      = mean publish_bps of the stream over 10 s where this run publishes it (whole seconds of sending),
 *                 else mean media_bps of its viewers: media bits over media time, however late they come
 *
 * A rendition is not what the publisher sends, so its rate is that of its media.
 */
export class ExpectedBytes {
  readonly #registry = new Registry();
  readonly #published: Window = new Window();
  readonly #media: Window = new Window();
  /** Streams whose publishers were sending already in the second before. */
  readonly #flowing = new Set<string>();

  /** @returns the points of the ratio for this second; none where nobody watched, or no rate is known yet */
  second(points: readonly Point[], secondMs: number): Point[] {
    this.#published.next();
    this.#media.next();
    for (const point of points) {
      if (point.metric === 'publish_bps') this.#publish(point);
      else if (point.metric === 'media_bps') this.#media.add(mediaKey(point), point);
    }
    const series = this.#registry.series('expected_bytes_ratio');
    for (const point of points) {
      const { sum = 0, count = 0 } = point;
      if (point.metric !== 'received_bps' || count === 0) continue;
      const published =
        point.tags.rendition === undefined ? this.#published.mean(point.tags.stream ?? '') : null;
      const rate = published ?? this.#media.mean(mediaKey(point));
      if (rate !== null) series.add(sum / 8, (count * rate) / 8);
    }
    return this.#registry.cut(secondMs);
  }

  /** The second in which a publisher begins is a part of one, and what it does not send it does not offer. */
  #publish(point: Point): void {
    const stream = point.tags.stream ?? '';
    if ((point.sum ?? 0) === 0) {
      this.#flowing.delete(stream);
      this.#published.forget(stream);
    } else if (this.#flowing.has(stream)) this.#published.add(stream, point);
    else this.#flowing.add(stream);
  }
}

function mediaKey({ tags }: Point): string {
  return JSON.stringify([tags.protocol, tags.stream, tags.rendition]);
}

/** Means by key over the last seconds. */
class Window {
  readonly #seconds: Map<string, Samples>[] = [];

  next(): void {
    this.#seconds.push(new Map());
    if (this.#seconds.length > WINDOW_SECONDS) this.#seconds.shift();
  }

  add(key: string, { sum = 0, count = 0 }: Point): void {
    const second = this.#seconds.at(-1);
    const samples = second?.get(key);
    if (samples) {
      samples.sum += sum;
      samples.count += count;
    } else second?.set(key, { sum, count });
  }

  forget(key: string): void {
    for (const second of this.#seconds) second.delete(key);
  }

  mean(key: string): number | null {
    let [sum, count] = [0, 0];
    for (const second of this.#seconds) {
      const samples = second.get(key);
      sum += samples?.sum ?? 0;
      count += samples?.count ?? 0;
    }
    return count > 0 && sum > 0 ? sum / count : null;
  }
}
