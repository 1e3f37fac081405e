import type { InferredOptionTypes, Options, PositionalOptions } from 'yargs';
import type { ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given: the outside world, as far as it is not its own business to find it. */
export interface Context {
  /** Path of a bundled entry of `cli/entries.mjs`, e.g. `fleet/viewer-worker`. */
  readonly entryPath: (entry: string) => string;
  readonly version: string;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C, SIGTERM or SIGHUP; a second one ends the process at once. */
  readonly interrupted: AbortSignal;
}

/**
 * One command of the command line. Its definition is cheap to load: `--help` loads all of them and nothing else.
 * What it does is imported by `run` when it is called.
 */
export interface Command<Flags extends Record<string, Options> = Record<string, Options>> {
  /** In yargs' words: `watch <url..>`. */
  readonly usage: string;
  readonly describe: string;
  readonly positionals: Readonly<Record<string, PositionalOptions>>;
  readonly options: Flags;
  readonly examples: readonly (readonly [command: string, what: string])[];
  readonly run: (flags: FlagsOf<Flags>, context: Context) => Promise<ExitCode>;
}

/** Flags as the command gets them. Positionals are among them, untyped: read them by `textOf` and `textsOf`. */
export type FlagsOf<Flags extends Record<string, Options>> = InferredOptionTypes<Flags> & {
  readonly [positional: string]: unknown;
};

/** Gives a command's flags their types. */
export function defineCommand<const Flags extends Record<string, Options>>(command: Command<Flags>): Command {
  return command as unknown as Command;
}

export function textOf(value: unknown): string {
  return String(value);
}

export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : value === undefined ? [] : [String(value)];
}
