import { protocolOf } from '../../clients/create-viewer.ts';
import { nobodyAnswered } from '../../clients/reason.ts';
import { systemClock } from '../../clients/system-clock.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { Registry } from '../../metrics/registry.ts';
import type { Finding, Level } from '../../probes/diagnosis.ts';
import { type ProbeResult, probeTiming } from '../../probes/timing-probe.ts';
import { wrongViewerUrl } from '../../scenarios/validate.ts';
import type { Context } from '../command.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import type { Colours } from '../terminal.ts';

export interface ProbeFlags {
  readonly urls: readonly string[];
  readonly forMs: number | undefined;
  readonly insecure: boolean;
  readonly json: boolean;
}

const defaultForMs = 10_000;
const marks: Readonly<Record<Level, string>> = { ok: '✓', warning: '!', bad: '✗' };

/** Probes all URLs side by side and prints a diagnosis of each. */
export async function runProbe(flags: ProbeFlags, context: Context): Promise<ExitCode> {
  const { terminal, interrupted } = context;
  const forMs = flags.forMs ?? defaultForMs;
  for (const url of flags.urls) refuseUnwatchable(url);
  const jobs = flags.urls.map((url) =>
    probeTiming({
      url,
      forMs,
      clock: systemClock,
      // One registry per stream: two ways to one stream would otherwise be added up.
      registry: new Registry(),
      signal: interrupted,
      ...(flags.insecure && { tls: { rejectUnauthorized: false } }),
    }),
  );
  terminal.say(
    `Looking at ${jobs.length === 1 ? 'the stream' : `${jobs.length} streams`} for ${forMs / 1_000} s …`,
  );
  const results = await Promise.all(jobs);
  if (flags.json) terminal.out(`${JSON.stringify(results, null, 2)}\n`);
  else for (const result of results) terminal.out(render(result, terminal.outColours));
  return exitCodeOf(results, interrupted.aborted);
}

function refuseUnwatchable(url: string): void {
  const wrong = wrongViewerUrl(url);
  if (wrong) throw new CommandError(exitCodes.wrongUsage, `${wrong}.`);
  if (protocolOf(url) === 'hls') {
    throw new CommandError(
      exitCodes.wrongUsage,
      `A probe cannot look into HLS yet (${withoutSecrets(url)}). Watch it: streamgauge watch ${withoutSecrets(url)}; or probe the stream as RTMP or FLV.`,
    );
  }
}

function exitCodeOf(results: readonly ProbeResult[], interrupted: boolean): ExitCode {
  if (interrupted) return exitCodes.stoppedBySignal;
  if (results.every(({ outcome }) => nobodyAnswered.has(outcome.reason ?? ''))) return exitCodes.unreachable;
  return results.some(({ level }) => level === 'bad') ? exitCodes.thresholdCrossed : exitCodes.passed;
}

/** One stream's diagnosis as a person reads it. */
export function render({ url, findings }: Pick<ProbeResult, 'url' | 'findings'>, colours: Colours): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  const paint = { ok: colours.green, warning: colours.yellow, bad: colours.red };
  const line = ({ level, subject, sentence }: Finding): string =>
    `  ${paint[level](marks[level])} ${subject.padEnd(width)}  ${sentence}\n`;
  return `${colours.bold(url)}\n${findings.map(line).join('')}`;
}
