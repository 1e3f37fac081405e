import type { ChildProcess } from 'node:child_process';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import FfmpegCommand from 'fluent-ffmpeg';
import { FfmpegError } from './ffmpeg-error.ts';
import { locate } from './locate.ts';
import { type FfmpegProgress, ProgressReader } from './progress.ts';

/** As the source of an input: what is written to `FfmpegRun.stdin`. */
export const STDIN = 'pipe:0';
/** As the output: what comes out of `FfmpegRun.stdout`. */
export const STDOUT = 'pipe:1';

export interface FfmpegInput {
  /** `STDIN`, a path, a URL, or a filter graph with `-f lavfi`. */
  readonly source: string;
  /** What stands before `-i`. */
  readonly options?: readonly string[];
}

export interface FfmpegOutput {
  /** What stands before it: maps, codecs, `-f`. */
  readonly options: readonly string[];
  /** A path or a URL. */
  readonly target: string;
}

export interface FfmpegJob {
  /** What the run is for, in an error's words: `encoding the test card`. */
  readonly purpose: string;
  readonly inputs: readonly FfmpegInput[];
  /** What stands before the output: maps, codecs, `-f`. */
  readonly outputOptions: readonly string[];
  /** `STDOUT`, a path or a URL. */
  readonly output: string;
  /** What else the same ffmpeg makes of its inputs. */
  readonly moreOutputs?: readonly FfmpegOutput[];
  /** Told about once a second how far it is; not with `STDOUT` as the output, which is where ffmpeg tells it. */
  readonly progress?: (progress: FfmpegProgress) => void;
  /** From SIGTERM to SIGKILL when `stop` is called; 2,000 unless told. */
  readonly stopGraceMs?: number;
}

/** One running ffmpeg. */
export interface FfmpegRun {
  readonly pid: number;
  /** Feeds the input that is `STDIN`. Ending it lets ffmpeg finish what it has and end by itself. */
  readonly stdin: Writable;
  /** What ffmpeg writes if the output is `STDOUT`; an ffmpeg whose output nobody reads stands still. */
  readonly stdout: Readable;
  /** When the process is gone: null if it ended well or was stopped, else why it failed. Never rejects. */
  readonly ended: Promise<FfmpegError | null>;
  /** Ends the process, by force if it does not go within the grace; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Lines of stderr that are kept for the one sentence about a failure. */
const STDERR_LINES = 20;
const MAX_REASON_CHARS = 400;
const STOP_GRACE_MS = 2_000;
const commonOptions = ['-hide_banner', '-nostats', '-loglevel', 'warning', '-y'];
const progressOptions = ['-progress', 'pipe:1'];

/** The parts of a command that its types do not show. */
interface Command extends FfmpegCommand.FfmpegCommand {
  readonly ffmpegProc?: ChildProcess;
  _checkCapabilities(done: () => void): void;
}

/**
 * A fluent-ffmpeg command without its own check of formats and encoders: its reader of the listings does not know those
 * of ffmpeg 7 and later, so it refuses `lavfi` there (its issue 1282, never released), and it would start ffmpeg twice
 * more. `ffmpegCapabilities` asks instead.
 */
function createCommand(): Command {
  const command = FfmpegCommand({ stdoutLines: STDERR_LINES }) as Command;
  command._checkCapabilities = (done) => done();
  command.availableEncoders = (done) => done(null as unknown as Error, {});
  return command.setFfmpegPath(locate('ffmpeg')) as Command;
}

/**
 * Starts ffmpeg; resolves as soon as the process runs.
 *
 * The process never outlives us: it is tied by at least one pipe, stdin that ends or stdout that breaks when our
 * process dies, however it dies. That is why a job with neither is refused.
 * @throws FfmpegError FFMPEG_MISSING, FFMPEG_FAILED (could not be started).
 */
export async function startFfmpeg(job: FfmpegJob): Promise<FfmpegRun> {
  const fed = job.inputs.some(({ source }) => source === STDIN);
  if (!fed && job.output !== STDOUT)
    throw new FfmpegError(
      'FFMPEG_FAILED',
      `ffmpeg for ${job.purpose} would outlive this process: feed it by STDIN or read its STDOUT.`,
    );
  if (job.progress && job.output === STDOUT)
    throw new FfmpegError(
      'FFMPEG_FAILED',
      `ffmpeg for ${job.purpose} cannot tell its progress: STDOUT is its output.`,
    );
  const command = createCommand();
  for (const { source, options = [] } of job.inputs) {
    command.input(source);
    if (options.length > 0) command.inputOptions(...options);
  }
  // fluent-ffmpeg takes the closing of its output stream for a failure, even after a normal end: so this one never
  // emits 'close', and ends when ffmpeg's stdout does.
  const stdout = new PassThrough({ emitClose: false });
  if (job.output === STDOUT) command.output(stdout, { end: false });
  else command.output(job.output);
  // Options belong to the output that was named last.
  command.outputOptions(
    ...commonOptions,
    ...(fed ? [] : ['-nostdin']),
    ...(job.progress ? progressOptions : []),
    ...job.outputOptions,
  );
  for (const { options, target } of job.moreOutputs ?? []) command.output(target).outputOptions(...options);

  let stopping = false;
  return await new Promise<FfmpegRun>((resolve, reject) => {
    const ended = new Promise<FfmpegError | null>((settle) => {
      command.once('end', () => settle(null));
      command.once('error', (error: Error, _stdout: unknown, stderr: unknown) => {
        // A kill that we asked for comes as an error, too (exit 255, or "killed with signal").
        const failure = stopping ? null : failed(job, error, String(stderr ?? ''));
        settle(failure);
        // Of use only before the start, when nobody holds `ended` yet.
        if (failure) reject(failure);
      });
    });
    command.once('start', () => {
      const child = command.ffmpegProc;
      if (!child?.stdin) return;
      if (child.pid === undefined) {
        // The program could not be run; fluent-ffmpeg's own listener would throw where nobody can catch it.
        child.removeAllListeners('error');
        child.once('error', (error) => reject(failed(job, error, '')));
        return;
      }
      const stdin = child.stdin;
      // A broken pipe says only that ffmpeg is gone; why it is gone comes with its end.
      stdin.on('error', () => {});
      if (!fed) stdin.end();
      child.stdout?.once('end', () => stdout.end());
      if (job.progress) {
        const reader = new ProgressReader(job.progress);
        child.stdout?.on('data', (piece: Buffer | string) => reader.push(String(piece)));
      }
      const stop = async () => {
        if (!stopping) {
          stopping = true;
          // ffmpeg, told to end, still waits for the thread that reads stdin, and for room to write its last bytes.
          stdin.destroy();
          stdout.resume();
          child.kill('SIGTERM');
          const force = setTimeout(() => child.kill('SIGKILL'), job.stopGraceMs ?? STOP_GRACE_MS);
          await ended;
          clearTimeout(force);
        }
        await ended;
      };
      resolve({ pid: child.pid, stdin, stdout, ended, stop });
    });
    command.run();
  });
}

/** What failed, how it ended, what ffmpeg said last, and how to see it again. */
function failed(job: FfmpegJob, error: Error, stderr: string): FfmpegError {
  const how = /exited with code \d+|was killed with signal \w+/.exec(error.message)?.[0] ?? error.message;
  const said = lastWords(stderr);
  return new FfmpegError(
    'FFMPEG_FAILED',
    `ffmpeg (${job.purpose}) ${how}${said === '' ? '' : `: ${said}`}. To see it again: ${commandLine(job)}`,
    error,
  );
}

/** The end of stderr as one line, without the addresses that ffmpeg puts before each (`[flv @ 0x55d0]`). */
export function lastWords(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^\[([^\]@]+) @ 0x[0-9a-f]+\]/, '$1:').trim())
    .filter((line) => line !== '' && !line.startsWith('Last message repeated'));
  return lines.slice(-3).join('; ').slice(-MAX_REASON_CHARS);
}

/** The job as somebody would type it. */
function commandLine(job: FfmpegJob): string {
  const words = ['ffmpeg'];
  for (const { source, options = [] } of job.inputs) words.push(...options, '-i', source);
  words.push(...job.outputOptions, job.output);
  for (const { options, target } of job.moreOutputs ?? []) words.push(...options, target);
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}
