import path from 'node:path';
import {
  defaultReconnect,
  type HlsOptions,
  type ReconnectPolicy,
  type TlsOptions,
} from '../../clients/viewer.ts';
import { loadShapeOf, mostViewers, shapeDurationMs } from '../../fleet/load-shape.ts';
import type { FleetCohort, FleetPlan } from '../../fleet/plan.ts';
import type {
  PublisherFaultPlan,
  PublisherPlan,
  PublishersPlan,
  SourcePlan,
} from '../../fleet/publishers-plan.ts';
import type { SessionLength } from '../../fleet/session-length.ts';
import { type Shard, shardPortion } from '../../fleet/share.ts';
import { streamAddresses, type TargetAddresses, urlAddresses } from '../../scenarios/addresses.ts';
import type { Scenario, ScenarioCohort, ScenarioFault, ScenarioPublisher } from '../../scenarios/schema.ts';
import { expandSourceAddresses } from '../../scenarios/source-addresses.ts';
import { expandPatterns } from '../../scenarios/stream-pattern.ts';
import { cohortName, listOf } from '../../scenarios/validate.ts';
import { planBehaviour, planPopularity } from './plan-behaviour.ts';
import { planLink } from './plan-link.ts';

/** A scenario with everything decided: what each thread is to do, on which addresses. */
export interface RunPlan {
  readonly fleet: FleetPlan;
  readonly publishers: PublishersPlan;
  /** Threads for viewers. */
  readonly workers: number;
  /** Of the schedule, from the first viewer to the last. */
  readonly durationMs: number;
  /** The most viewers at a time that the schedule asks for. */
  readonly mostViewers: number;
}

export interface PlanInputs {
  /** Where the target is reached; for `reference` known only once it runs. */
  readonly target: TargetAddresses;
  /** Files of sources are found from here. */
  readonly folder: string;
  readonly cores: number;
  /** The share of one process of several; left out: all of it. */
  readonly shard?: Shard;
}

/**
 * Viewers that one thread runs well whatever the server: of one that writes each tag on its own, 2,500 at 640 kbit/s take half
 * a core; of one that batches, 10,000 do. More threads than cores minus one (for the main thread and publishers) help nobody.
 */
const VIEWERS_PER_WORKER = 2_500;

export function planRun(scenario: Scenario, { target, folder, cores, shard }: PlanInputs): RunPlan {
  const cohorts = scenario.viewers.map((cohort) => planCohort(cohort, scenario, target, folder));
  const all = {
    ...planPublishers(scenario.publishers, target, folder),
    faults: scenario.faults.map(planFault),
    seed: scenario.options.seed,
  };
  const publishers = { ...all, publishers: shareOut(all.publishers, shard), ...planTls(scenario) };
  const viewers = shardPortion(
    cohorts.reduce((sum, cohort) => sum + mostViewers(cohort.shape), 0),
    shard,
  );
  return {
    fleet: {
      cohorts,
      seed: scenario.options.seed,
      clockBoundMs: CLOCK_BOUND_MS,
      ...(shard && { shard }),
      ...planAddresses(scenario),
    },
    publishers,
    workers: scenario.options.workers ?? planWorkers(viewers, cores),
    durationMs: Math.max(...cohorts.map((cohort) => cohort.startMs + shapeDurationMs(cohort.shape))),
    mostViewers: viewers,
  };
}

/** Each stream is published by one shard; all are watched by all. */
function shareOut(publishers: readonly PublisherPlan[], shard: Shard | undefined): readonly PublisherPlan[] {
  return shard ? publishers.filter((_, index) => index % shard.count === shard.index) : publishers;
}

/** Our own clock is read with this much doubt (`clients/system-clock.ts`). What another machine's clock adds is not known here. */
const CLOCK_BOUND_MS = 2;

export function planWorkers(viewers: number, cores: number): number {
  return Math.max(1, Math.min(Math.ceil(viewers / VIEWERS_PER_WORKER), cores - 1));
}

function planCohort(
  cohort: ScenarioCohort,
  scenario: Scenario,
  target: TargetAddresses,
  folder: string,
): FleetCohort {
  const streams =
    cohort.stream === undefined
      ? urlAddresses(listOf(cohort.url ?? []), cohort.protocol)
      : streamAddresses(listOf(cohort.stream), cohort.protocol ?? 'rtmp', target);
  const link = cohort.link && planLink(cohort.link, folder);
  return {
    name: cohortName(cohort),
    streams,
    shape: loadShapeOf(cohort),
    startMs: cohort.startTime,
    watch: planWatch(cohort.watch),
    player: cohort.player,
    ...planReconnect(cohort.reconnect),
    ...(cohort.timeouts && { timeouts: planTimeouts(cohort.timeouts) }),
    ...(cohort.headers && { headers: cohort.headers }),
    ...(cohort.hls && { hls: planHls(cohort.hls) }),
    ...(link && { link }),
    ...planBehaviour(cohort.behaviour, link),
    ...planPopularity(cohort.popularity),
    ...planTls(scenario),
  };
}

function planAddresses({ options }: Scenario): Pick<FleetPlan, 'sourceAddresses'> {
  if (options.sourceAddresses === undefined) return {};
  return { sourceAddresses: expandSourceAddresses(listOf(options.sourceAddresses)) };
}

function planTls({ options }: Scenario): { tls?: TlsOptions } {
  return options.insecureSkipTLSVerify ? { tls: { rejectUnauthorized: false } } : {};
}

function planWatch(watch: ScenarioCohort['watch']): SessionLength | null {
  return watch === undefined ? null : lengthOf(watch);
}

function lengthOf(law: number | { readonly median: number; readonly p95: number }): SessionLength {
  if (typeof law === 'number') return { kind: 'fixed', lengthMs: law };
  return { kind: 'log-normal', medianMs: law.median, p95Ms: law.p95 };
}

function planReconnect(reconnect: ScenarioCohort['reconnect']): { reconnect?: ReconnectPolicy | null } {
  if (reconnect === true) return {};
  if (reconnect === false) return { reconnect: null };
  const given = {
    maxAttempts: reconnect.maxAttempts,
    maxElapsedMs: reconnect.maxElapsed,
    firstDelayMs: reconnect.firstDelay,
    maxDelayMs: reconnect.maxDelay,
    jitter: reconnect.jitter,
    beforeFirstFrame: reconnect.beforeFirstFrame,
  };
  return { reconnect: { ...defaultReconnect, ...withoutUndefined(given) } };
}

function planHls(hls: NonNullable<ScenarioCohort['hls']>): HlsOptions {
  const { lowLatency, quality, maxHeight, maxBitrate, maxLatency, cmcd } = hls;
  return {
    lowLatency,
    quality,
    cmcd: cmcd === true ? 'query' : cmcd,
    ...withoutUndefined({ maxHeight, maxBps: maxBitrate, maxLatencyMs: maxLatency }),
  };
}

function planTimeouts(timeouts: NonNullable<ScenarioCohort['timeouts']>) {
  return withoutUndefined({
    connectMs: timeouts.connect,
    tlsMs: timeouts.tls,
    handshakeMs: timeouts.handshake,
    firstByteMs: timeouts.firstByte,
    firstMediaMs: timeouts.firstMedia,
    firstFrameMs: timeouts.firstFrame,
    silenceMs: timeouts.silence,
  });
}

function planFault(fault: ScenarioFault): PublisherFaultPlan {
  return {
    kind: fault.kind,
    atMs: fault.at,
    forMs: fault.for ?? null,
    streams: expandPatterns(listOf(fault.stream)),
  };
}

type Defined<T> = { [key in keyof T]?: Exclude<T[key], undefined> };

function withoutUndefined<T extends object>(group: T): Defined<T> {
  return Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** What each publisher is to do; files are found from `folder`. */
export function planPublishers(
  publishers: readonly ScenarioPublisher[],
  target: TargetAddresses,
  folder: string,
): PublishersPlan {
  const plans: PublisherPlan[] = [];
  for (const publisher of publishers) {
    const streams =
      publisher.stream === undefined
        ? urlAddresses(listOf(publisher.url ?? []))
        : streamAddresses(listOf(publisher.stream), publisher.protocol ?? 'rtmp', target);
    const { source, size, fps, bitrate, gop, ramp, churn } = publisher;
    for (const [index, { name, url }] of streams.entries())
      plans.push({
        number: plans.length + 1,
        stream: name,
        url,
        ...(ramp > 0 && { startMs: (index * ramp) / streams.length }),
        ...(churn && { churn: { up: lengthOf(churn.up), down: lengthOf(churn.down) } }),
        source: {
          ...sourceOf(source, folder),
          ...size,
          fps,
          bitsPerSecond: bitrate,
          gopMs: gop,
        },
      });
  }
  return { publishers: plans };
}

/** `testcard`, `recording`, or a file or address that ffmpeg reads; a file is found from the folder. */
export function sourceOf(source: string, folder: string): Pick<SourcePlan, 'kind' | 'path'> {
  if (source === 'testcard' || source === 'recording') return { kind: source };
  return { kind: 'file', path: isUrl(source) ? source : path.resolve(folder, source) };
}

export function isUrl(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source);
}
