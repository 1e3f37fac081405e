import type { Writable } from 'node:stream';
import pc from 'picocolors';

/** Where text goes. Results go to standard output; progress and everything else that a person reads go to standard error. */
export interface Terminal {
  /** To standard output, as it is. */
  out(text: string): void;
  /** The same; resolves when the reader has taken it, so that a slow one holds the writer up and not the memory; false: it has gone. */
  outTaken(text: string): Promise<boolean>;
  /** Why standard output could not be written to; a reader that has gone is no failure. */
  readonly outFailure: string | null;
  /** A line to standard error. */
  say(line: string): void;
  /** To standard error as it is, escape sequences and all. Only where `live`. */
  draw(text: string): void;
  /** Standard error is a screen on which lines can be drawn over. */
  readonly live: boolean;
  readonly columns: number;
  readonly colours: Colours;
  /** Colours for standard output, which may be a file when standard error is a screen. */
  readonly outColours: Colours;
}

export type Colours = ReturnType<typeof pc.createColors>;

interface Screen extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The terminal of a process. `NO_COLOR` and `FORCE_COLOR` are honoured; in CI nothing is drawn over. */
export function createTerminal(stdout: Screen, stderr: Screen, environment: NodeJS.ProcessEnv): Terminal {
  const isTrue = (name: string): boolean => (environment[name] ?? '') !== '' && environment[name] !== '0';
  const isScreen = (stream: Screen): boolean => stream.isTTY === true && environment['TERM'] !== 'dumb';
  const colourful = (stream: Screen): boolean =>
    environment['NO_COLOR'] ? false : isTrue('FORCE_COLOR') || isScreen(stream);
  let outFailure: string | null = null;
  stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    // A reader that has gone (`| head`) is no failure.
    if (code !== 'EPIPE') outFailure = code === 'ENOSPC' ? 'the disk is full' : message;
  });
  stderr.on('error', () => {});
  return {
    get outFailure() {
      return outFailure;
    },
    out: (text) => void stdout.write(text),
    outTaken: (text) => new Promise((resolve) => void stdout.write(text, (error) => resolve(!error))),
    say: (line) => void stderr.write(`${line}\n`),
    draw: (text) => void stderr.write(text),
    live: isScreen(stderr) && !(isTrue('CI') && environment['CI'] !== 'false'),
    get columns() {
      return stderr.columns ?? 80;
    },
    colours: pc.createColors(colourful(stderr)),
    outColours: pc.createColors(colourful(stdout)),
  };
}
