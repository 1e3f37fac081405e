import type {
  Publisher,
  PublisherObserver,
  PublisherOptions,
  PublisherSecond,
} from '../clients/publisher.ts';
import type { Failure } from '../clients/reason.ts';
import type { Source } from '../clients/sources/source.ts';
import type { Clock } from '../core/clock.ts';
import type { Registry, Series } from '../metrics/registry.ts';
import type { PublisherPlan, PublishersPlan } from './publishers-plan.ts';

export interface PublisherGroupOptions {
  readonly plan: PublishersPlan;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly createPublisher: (options: PublisherOptions) => Publisher;
  /** Makes the media of one publisher. It may take a while (a recording is encoded first). */
  readonly createSource: (plan: PublisherPlan) => Promise<Source>;
  /** The server takes the stream, and frames are on their way. */
  readonly up: (stream: string) => void;
  /** It did not work, and is tried again. */
  readonly retrying: (stream: string, failure: Failure) => void;
  /** It has given up. */
  readonly failed: (stream: string, failure: Failure) => void;
}

/** All publishers of a run. It has no timers: whoever holds it calls `sweep` once a second. */
export class PublisherGroup {
  readonly #options: PublisherGroupOptions;
  readonly #publishers: Publisher[] = [];
  /** Publishers whose source is still being made, or that have not ended. */
  #left: number;
  #stopped = false;

  constructor(options: PublisherGroupOptions) {
    this.#options = options;
    this.#left = options.plan.publishers.length;
  }

  /** Starts every publisher as soon as its media is there. */
  start(): void {
    for (const plan of this.#options.plan.publishers) void this.#startOne(plan);
  }

  sweep(nowMs: number): void {
    for (const publisher of this.#publishers) publisher.sweep(nowMs);
  }

  /** All of them have ended. */
  get finished(): boolean {
    return this.#left === 0;
  }

  /** All say goodbye; resolves when all are gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#publishers.map((publisher) => publisher.stop()));
  }

  async #startOne(plan: PublisherPlan): Promise<void> {
    const { clock, registry, createPublisher, createSource, up, retrying, failed } = this.#options;
    const { stream } = plan;
    let source: Source;
    try {
      source = await createSource(plan);
    } catch (error) {
      this.#left--;
      failed(stream, { reason: 'bad-media', detail: (error as Error).message });
      return;
    }
    if (this.#stopped) return source.stop();
    const observer = new PublisherSeries(registry, stream, {
      up: () => up(stream),
      retrying: (failure) => retrying(stream, failure),
      ended: (failure) => {
        this.#left--;
        if (failure) failed(stream, failure);
      },
    });
    const { tls } = this.#options.plan;
    const publisher = createPublisher({ url: plan.url, source, clock, observer, ...(tls && { tls }) });
    this.#publishers.push(publisher);
    publisher.start();
  }
}

interface PublisherEvents {
  readonly up: () => void;
  readonly retrying: (failure: Failure) => void;
  readonly ended: (failure: Failure | null) => void;
}

/** Hears one publisher and adds what it reports to the registry. */
class PublisherSeries implements PublisherObserver {
  readonly #events: PublisherEvents;
  readonly #series: ReturnType<typeof openSeries>;
  #wasUp = false;

  constructor(registry: Registry, stream: string, events: PublisherEvents) {
    this.#events = events;
    this.#series = openSeries(registry, stream);
  }

  connected(ms: number): void {
    this.#series.connectMs.add(ms);
  }
  retrying(failure: Failure): void {
    this.#events.retrying(failure);
  }
  reconnected(): void {
    this.#series.reconnects.add(1);
  }
  second({ up, sentBps, fps, queueMs, frames, encoderFps, encoderSpeed }: PublisherSecond): void {
    const series = this.#series;
    series.up.add(up);
    series.bps.add(sentBps);
    series.fps.add(fps);
    series.framesSent.add(frames);
    if (queueMs !== null) series.queueMs.add(queueMs);
    if (encoderFps !== null) series.encoderFps.add(encoderFps);
    if (encoderSpeed !== null) series.encoderSpeed.add(encoderSpeed);
    if (up === 1 && frames > 0 && !this.#wasUp) {
      this.#wasUp = true;
      this.#events.up();
    }
  }
  ended(failure: Failure | null): void {
    this.#series.up.add(0);
    this.#events.ended(failure);
  }
}

function openSeries(registry: Registry, stream: string) {
  const open = (name: Parameters<Registry['series']>[0]): Series =>
    registry.series(name, { protocol: 'rtmp', stream });
  return {
    connectMs: open('publish_connect_ms'),
    up: open('publish_up'),
    bps: open('publish_bps'),
    fps: open('publish_fps'),
    queueMs: open('publish_queue_ms'),
    reconnects: open('publish_reconnects'),
    encoderFps: open('encoder_fps'),
    encoderSpeed: open('encoder_speed'),
    framesSent: open('frames_sent'),
  };
}
