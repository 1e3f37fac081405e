import type {
  Publisher,
  PublisherObserver,
  PublisherOptions,
  PublisherSecond,
} from '../clients/publisher.ts';
import type { Failure } from '../clients/reason.ts';
import type { Source } from '../clients/sources/source.ts';
import type { Clock } from '../core/clock.ts';
import type { Tags } from '../metrics/catalogue.ts';
import type { Registry, Series } from '../metrics/registry.ts';
import { PublisherPresence } from './publisher-presence.ts';
import { PublisherSchedule } from './publisher-schedule.ts';
import type { ChurnPlan, PublisherFaultPlan, PublisherPlan, PublishersPlan } from './publishers-plan.ts';
import { TimeQueue } from './time-queue.ts';

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
  /** A fault of the plan has begun; and again, with `endWallMs`, when all whom it concerned publish again. */
  readonly fault: (fault: FaultReport) => void;
}

export interface FaultReport {
  /** Its place among the faults of the plan. */
  readonly index: number;
  readonly kind: PublisherFaultPlan['kind'];
  readonly streams: readonly string[];
  readonly atWallMs: number;
  readonly endWallMs: number | null;
}

/** A publisher of the plan, from before it is made. */
class Member {
  readonly plan: PublisherPlan;
  readonly presence = new PublisherPresence();
  /** Faults after which it does not publish again yet. */
  readonly faults = new Set<RunningFault>();

  constructor(plan: PublisherPlan) {
    this.plan = plan;
  }
  get number(): number {
    return this.plan.number;
  }
  get stream(): string {
    return this.plan.stream;
  }
  get churn(): ChurnPlan | null {
    return this.plan.churn ?? null;
  }
}

interface RunningFault {
  readonly report: FaultReport;
  missing: number;
}

/** All publishers of a run. It has no timers: whoever holds it calls `sweep` once a second, and `advance` often. */
export class PublisherGroup {
  readonly #options: PublisherGroupOptions;
  readonly #members: readonly Member[];
  readonly #schedule: PublisherSchedule;
  /** Those who begin later than the others. */
  readonly #beginning = new TimeQueue<Member>();
  readonly #publishers: Publisher[] = [];
  /** Series that more than one publisher of the plan has, because they publish the same stream to several servers. */
  readonly #sharedSeries: ReadonlySet<string>;
  /** Publishers whose source is still being made, or that have not ended. */
  #left: number;
  #stopped = false;

  constructor(options: PublisherGroupOptions) {
    const { publishers, faults = [], seed = 1 } = options.plan;
    this.#options = options;
    this.#left = publishers.length;
    this.#members = publishers.map((plan) => new Member(plan));
    this.#sharedSeries = repeated(publishers.map(seriesOf));
    this.#schedule = new PublisherSchedule({
      seed,
      faults,
      publishers: this.#members,
      begun: ({ index, plan, publishers: concerned }) => this.#faultBegun(index, plan, concerned as Member[]),
    });
  }

  /** Starts every publisher as soon as it is its turn and its media is there. */
  start(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const member of this.#members) {
      const { startMs = 0 } = member.plan;
      if (startMs > 0) this.#beginning.push(nowMs + startMs, member);
      else void this.#startOne(member);
    }
  }

  /** The schedule begins at this moment of the monotonic clock: churn and faults count from it. */
  beginSchedule(startMs: number): void {
    this.#schedule.start(startMs);
  }

  /** Does what is due: starts, churn, faults. */
  advance(nowMs: number): void {
    if (this.#stopped) return;
    while (this.#beginning.nextMs <= nowMs) {
      const member = this.#beginning.pop();
      if (member) void this.#startOne(member);
    }
    this.#schedule.advance(nowMs);
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
    this.#schedule.stop();
    await Promise.all(this.#publishers.map((publisher) => publisher.stop()));
  }

  async #startOne(member: Member): Promise<void> {
    const { clock, registry, createPublisher, createSource, up, retrying, failed } = this.#options;
    const { plan } = member;
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
    const observer = new PublisherSeries(registry, this.#tagsOf(plan), {
      connected: () => this.#publishesAgain(member),
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
    member.presence.take(publisher);
  }

  /** Gauges of two publishers in one series would overwrite each other. */
  #tagsOf(plan: PublisherPlan): Tags {
    const { stream, number } = plan;
    const protocol = protocolOf(plan);
    return this.#sharedSeries.has(seriesOf(plan))
      ? { protocol, stream, publisher: String(number) }
      : { protocol, stream };
  }

  #faultBegun(index: number, { kind, forMs }: PublisherFaultPlan, members: readonly Member[]): void {
    const streams = members.map(({ stream }) => stream);
    const report = { index, kind, streams, atWallMs: this.#options.clock.wallMs(), endWallMs: null };
    this.#options.fault(report);
    if (forMs === null) return;
    const running: RunningFault = { report, missing: members.length };
    for (const { faults } of members) faults.add(running);
  }

  #publishesAgain({ faults }: Member): void {
    for (const fault of faults) {
      fault.missing -= 1;
      if (fault.missing === 0)
        this.#options.fault({ ...fault.report, endWallMs: this.#options.clock.wallMs() });
    }
    faults.clear();
  }
}

function seriesOf(plan: PublisherPlan): string {
  return `${protocolOf(plan)} ${plan.stream}`;
}

function protocolOf({ url }: PublisherPlan): 'rtmp' | 'http-flv' {
  return /^http/i.test(url) ? 'http-flv' : 'rtmp';
}

function repeated(words: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(words.filter((word) => seen.size === seen.add(word).size));
}

interface PublisherEvents {
  readonly connected: () => void;
  readonly up: () => void;
  readonly retrying: (failure: Failure) => void;
  readonly ended: (failure: Failure | null) => void;
}

/** Hears one publisher and adds what it reports to the registry. */
class PublisherSeries implements PublisherObserver {
  readonly #events: PublisherEvents;
  readonly #series: ReturnType<typeof openSeries>;
  #wasUp = false;

  constructor(registry: Registry, tags: Tags, events: PublisherEvents) {
    this.#events = events;
    this.#series = openSeries(registry, tags);
  }

  connected(ms: number): void {
    this.#series.connectMs.add(ms);
    this.#events.connected();
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

function openSeries(registry: Registry, tags: Tags) {
  const open = (name: Parameters<Registry['series']>[0]): Series => registry.series(name, tags);
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
