import { systemClock } from '../../clients/system-clock.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { type PublisherFailure, Publishers } from '../../fleet/publishers.ts';
import type { PublisherPlan } from '../../fleet/publishers-plan.ts';
import { SecondCollector } from '../../fleet/second-collector.ts';
import { SecondTicker } from '../../fleet/second-ticker.ts';
import { Registry } from '../../metrics/registry.ts';
import { urlAddresses } from '../../scenarios/addresses.ts';
import type { PictureSize } from '../../scenarios/units.ts';
import { wrongPublishUrl } from '../../scenarios/validate.ts';
import { formatValue } from '../../sinks/format.ts';
import type { Context } from '../command.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { checkSources } from '../run/check-sources.ts';
import { Closing, Interrupted, unlessInterrupted } from '../run/closing.ts';
import { sourceOf } from '../run/plan-run.ts';
import { clock } from '../run/progress.ts';
import { sayObstacles, startPublishers } from '../run/start-publishers.ts';

export interface PublishFlags {
  readonly url: string;
  readonly streams: number;
  readonly source: string;
  readonly bitsPerSecond: number | undefined;
  readonly fps: number | undefined;
  readonly size: PictureSize | undefined;
  readonly gopMs: number | undefined;
  readonly rampMs: number | undefined;
  readonly durationMs: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly insecure: boolean;
  readonly json: boolean;
}

const SETUP_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 8_000;
const LINE_EVERY_MS = 10_000;
/** After a second, the thread's figures of it have arrived by then. */
const THREADS_DELIVER_MS = 200;

/** `streamgauge publish`: streams until a signal or the end of the duration. */
export async function runPublish(flags: PublishFlags, context: Context): Promise<ExitCode> {
  const { terminal, interrupted, entryPath } = context;
  const plans = planStreams(flags);
  checkSources(plans);
  const closing = new Closing();
  const collector = new SecondCollector();
  const totals = new Registry();
  const failures: PublisherFailure[] = [];
  let allUp = false;
  const say = (sentence: string) => terminal.say(sentence);

  const publishers = new Publishers({
    entry: entryPath('fleet/publisher-worker'),
    plan: { publishers: plans, ...(flags.insecure && { tls: { rejectUnauthorized: false } }) },
    second: ({ secondMs, points }) => collector.add(secondMs, points),
    retrying: sayObstacles(say),
    failed: (failure) => {
      failures.push(failure);
      // Before all are up it ends the command, which says why.
      if (allUp) say(`The publisher of "${failure.stream}" has given up: ${failure.detail}`);
    },
  });
  closing.add('the publishers', STOP_LIMIT_MS, () => publishers.stop());
  let exitCode: ExitCode = exitCodes.passed;
  try {
    await unlessInterrupted(
      bringUp(publishers, plans.length, flags.timeoutMs ?? SETUP_LIMIT_MS, say),
      interrupted,
    );
    allUp = true;
    const startedMs = systemClock.nowMs();
    let nextLineMs = LINE_EVERY_MS;
    for (const points of collector.takeAll()) totals.absorb(points);
    if (flags.json)
      terminal.out(
        `${JSON.stringify({ event: 'up', streams: plans.map(({ stream, url }) => ({ stream, url: withoutSecrets(url) })) })}\n`,
      );
    else
      say(
        `${plans.length === 1 ? 'One stream is' : `${plans.length} streams are`} up: ${withoutSecrets(plans[0]?.url ?? '')}${plans.length > 1 ? ' …' : ''}. Ctrl-C ends it.`,
      );

    const ticker = new SecondTicker(
      systemClock,
      (secondMs) => {
        const points = collector.take(secondMs);
        totals.absorb(points);
        const elapsedMs = systemClock.nowMs() - startedMs;
        if (elapsedMs < nextLineMs) return;
        nextLineMs += LINE_EVERY_MS;
        say(progressLine(elapsedMs, points, plans.length));
      },
      THREADS_DELIVER_MS,
    );
    closing.add('the display', 1000, async () => ticker.stop());
    ticker.start();
    await unlessInterrupted(lasting(flags.durationMs, publishers.finished), interrupted);
  } catch (error) {
    if (!(error instanceof Interrupted)) {
      await closing.run(say);
      throw error;
    }
    // Without a duration a signal is the normal end.
    if (flags.durationMs !== undefined) exitCode = exitCodes.stoppedBySignal;
  }
  await closing.run(say);
  for (const points of collector.takeAll()) totals.absorb(points);
  if (failures.length > 0) exitCode = exitCodes.unexpectedFailure;
  if (flags.json) terminal.out(`${JSON.stringify({ event: 'end', ...endFigures(totals), failures })}\n`);
  return exitCode;
}

/** Waits until all streams are up; of many that take their time it is said how many are. */
async function bringUp(
  publishers: Publishers,
  streams: number,
  limitMs: number,
  say: (sentence: string) => void,
): Promise<void> {
  const startedMs = systemClock.nowMs();
  const progress = setInterval(
    () =>
      say(
        `${clock(systemClock.nowMs() - startedMs)} · ${streams - publishers.awaited.length} of ${streams} up`,
      ),
    LINE_EVERY_MS,
  );
  try {
    await startPublishers(publishers, limitMs);
  } finally {
    clearInterval(progress);
  }
}

/** What each publisher is to do. `{i}` in the address is the stream's number. */
export function planStreams(flags: PublishFlags): PublisherPlan[] {
  const { url, streams, source, rampMs = 0 } = flags;
  const wrong = wrongPublishUrl(url.replaceAll('{i}', '1'));
  if (wrong) throw new CommandError(exitCodes.wrongUsage, `${wrong}.`);
  if (streams > 1 && !url.includes('{i}'))
    throw new CommandError(
      exitCodes.wrongUsage,
      `--streams ${streams} needs {i} in the address, where the stream's number goes: ${withoutSecrets(url)}-{i}.`,
    );
  return Array.from({ length: streams }, (_, index) => {
    const address = url.replaceAll('{i}', String(index + 1));
    return {
      number: index + 1,
      stream: urlAddresses([address])[0]?.name ?? address,
      url: address,
      ...(rampMs > 0 && { startMs: (index * rampMs) / streams }),
      source: {
        ...sourceOf(source, process.cwd()),
        width: flags.size?.width ?? 640,
        height: flags.size?.height ?? 360,
        fps: flags.fps ?? 25,
        bitsPerSecond: flags.bitsPerSecond ?? 600_000,
        gopMs: flags.gopMs || 2_000,
      },
    };
  });
}

/** Resolves after the duration, or when every publisher has ended by itself. */
async function lasting(durationMs: number | undefined, finished: Promise<void>): Promise<void> {
  if (durationMs === undefined) return finished;
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, durationMs);
  });
  try {
    await Promise.race([over, finished]);
  } finally {
    clearTimeout(timer);
  }
}

function progressLine(elapsedMs: number, points: Parameters<Registry['absorb']>[0], streams: number): string {
  const second = new Registry();
  second.absorb(points);
  const sum = (name: 'publish_up' | 'publish_bps'): number =>
    points.filter((point) => point.metric === name).reduce((total, point) => total + (point.value ?? 0), 0);
  const queueMs = second.total('publish_queue_ms')?.read('max', 1000) ?? null;
  return [
    clock(elapsedMs),
    `${sum('publish_up')} of ${streams} up`,
    formatValue(sum('publish_bps'), 'bit/s'),
    `behind capture ${formatValue(queueMs, 'ms')} at most`,
    `generator ${formatValue(second.total('generator_cpu')?.read('max', 1000), 'ratio')} CPU`,
  ].join(' · ');
}

function endFigures(totals: Registry) {
  return {
    framesSent: totals.total('frames_sent')?.read('count', 1) ?? 0,
    reconnects: totals.total('publish_reconnects')?.read('count', 1) ?? 0,
  };
}
