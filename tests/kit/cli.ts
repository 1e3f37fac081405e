import { type ChildProcess, spawn } from 'node:child_process';
import type { MetricSummary } from '../../metrics/registry.ts';
import type { Summary } from '../../metrics/summary.ts';
import { builtEntry, repositoryRoot } from './built-entry.ts';
import { endProcess } from './end-process.ts';

export interface CliResult {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly stdout: string;
  readonly stderr: string;
  readonly done: Promise<CliResult>;
  /** Resolves when standard output (or error) matches; rejects when the command ends before, or after `timeoutMs`. */
  sees(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  stop(): Promise<void>;
}

export interface CliOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** After that the command is killed, and the result tells of SIGKILL. */
  readonly timeoutMs?: number;
}

const limitMs = 90_000;

/** Starts `streamgauge …` as built, as CI would: no terminal, no colour. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const child = spawn(process.execPath, [builtEntry('cli/main'), ...args], {
    cwd: options.cwd ?? repositoryRoot(),
    env: { ...process.env, CI: 'true', NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    tell();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    tell();
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? limitMs);
  const done = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(limit);
      resolve({ code, signal, stdout, stderr });
      tell();
    });
  });
  return {
    child,
    done,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    sees: (pattern, timeoutMs = 30_000) =>
      new Promise((resolve, reject) => {
        const finish = (settle: () => void): void => {
          listeners.delete(look);
          clearTimeout(timer);
          settle();
        };
        const look = (): void => {
          const found = pattern.exec(stdout) ?? pattern.exec(stderr);
          if (found) finish(() => resolve(found));
          else if (child.exitCode !== null || child.signalCode !== null) fail('ended');
        };
        const fail = (why: string): void =>
          finish(() =>
            reject(
              new Error(
                `streamgauge ${args.join(' ')} ${why} before it said ${pattern}:\n${stdout}\n${stderr}`,
              ),
            ),
          );
        const timer = setTimeout(() => fail(`took over ${timeoutMs} ms`), timeoutMs);
        listeners.add(look);
        look();
      }),
    stop: () => endProcess(child),
  };
}

/** Runs `streamgauge …` to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).done;
}

/** The summary that `--json` printed; throws with all that was printed when it is none. */
export function summaryOf(result: CliResult): Summary {
  try {
    return JSON.parse(result.stdout) as Summary;
  } catch {
    throw new Error(
      `No summary on standard output (exit ${result.code}):\n${result.stdout}\n${result.stderr}`,
    );
  }
}

/** Values of a metric over exactly these tags (none: the whole run). */
export function valuesOf(
  summary: Summary,
  name: string,
  tags: Record<string, string> = {},
): MetricSummary['values'] {
  const wanted = JSON.stringify(Object.entries(tags).sort());
  const found = summary.metrics.find(
    (metric) => metric.name === name && JSON.stringify(Object.entries(metric.tags).sort()) === wanted,
  );
  if (!found) throw new Error(`The summary has no ${name} ${JSON.stringify(tags)}`);
  return found.values;
}
