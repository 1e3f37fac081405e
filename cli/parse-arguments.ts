import yargs, { type Argv, type Options } from 'yargs';
import { nearestWord } from '../metrics/nearest-word.ts';
import type { Command, Context } from './command.ts';
import { CommandError, type ExitCode, exitCodes } from './exit-codes.ts';
import { examplesText, nameOf } from './overview.ts';

/**
 * Finds the command that the arguments ask for and runs it. A command's help goes to standard output; that of all
 * commands together is the overview's.
 * @returns the exit code of the command; 0 after help
 * @throws CommandError with exit code 2 for wrong usage: what is wrong, and the nearest valid word
 */
export async function runCommand(
  commands: readonly Command[],
  words: readonly string[],
  context: Context,
): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.passed;
  const wrong = (sentence: string): never => {
    const [name] = words;
    const known = commands.find((command) => nameOf(command) === name);
    throw new CommandError(
      exitCodes.wrongUsage,
      `${sentence}\nSee streamgauge ${known ? `${name} ` : ''}--help.`,
    );
  };
  let parser: Argv = yargs([...words])
    .scriptName('streamgauge')
    .locale('en')
    .parserConfiguration({ 'camel-case-expansion': false, 'strip-dashed': false })
    .version(context.version)
    .alias({ help: 'h', version: 'V' })
    .wrap(Math.min(110, Math.max(80, context.terminal.columns)))
    .exitProcess(false)
    .strict()
    .demandCommand(1, 'Which command?')
    .fail((message, error) => {
      if (error instanceof CommandError) throw error;
      wrong(describeMistake(error?.message ?? message, commands, words));
    });
  for (const command of commands)
    parser = parser.command(
      command.usage,
      command.describe,
      (forCommand) => buildCommand(forCommand, command),
      async (flags) => {
        exitCode = await command.run(withoutRepeats(flags, command, wrong), context);
      },
    );
  await parser.parseAsync();
  return exitCode;
}

function buildCommand(parser: Argv, command: Command): Argv {
  let built = parser.options(
    Object.fromEntries(Object.entries(command.options).map(([name, option]) => [name, named(name, option)])),
  );
  for (const [name, positional] of Object.entries(command.positionals))
    built = built.positional(name, positional);
  return built
    .usage(`streamgauge ${command.usage}\n\n${command.describe}`)
    .epilogue(examplesText(command.examples));
}

/** The option, whose complaints begin with its name and which may be given once unless it is a list. */
function named(name: string, option: Options): Options {
  const { coerce } = option;
  if (!coerce) return option;
  return {
    ...option,
    coerce: (value: unknown) => {
      if (Array.isArray(value) && !option.array)
        throw new CommandError(exitCodes.wrongUsage, `--${name} was given more than once.`);
      try {
        return coerce(value);
      } catch (error) {
        throw new CommandError(exitCodes.wrongUsage, `--${name}: ${(error as Error).message}.`);
      }
    },
  };
}

/** yargs gathers repeated single-value flags into a list; that is a mistake. */
function withoutRepeats<Flags extends Record<string, unknown>>(
  flags: Flags,
  command: Command,
  wrong: (sentence: string) => never,
): Flags {
  for (const [name, option] of Object.entries(command.options))
    if (Array.isArray(flags[name]) && !option.array) wrong(`--${name} was given more than once.`);
  return flags;
}

/** yargs' complaint as a sentence, with the nearest valid word for each unknown one. */
function describeMistake(message: string, commands: readonly Command[], words: readonly string[]): string {
  const unknown = /^Unknown (?:arguments?|commands?): (.*)$/.exec(message)?.[1];
  const command = commands.find((candidate) => nameOf(candidate) === words[0]);
  if (unknown === undefined) {
    if (message === 'Which command?') return `Which command? There are ${commands.map(nameOf).join(', ')}.`;
    if (message.startsWith('Not enough non-option arguments') && command)
      return `Something is missing: streamgauge ${command.usage}`;
    const flag = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
    return flag ? `--${flag} needs a value.` : message;
  }
  return unknown
    .split(', ')
    .map((word) => {
      if (!command) {
        const near = nearestWord(word, commands.map(nameOf));
        return `There is no command "${word}"${near ? `; did you mean "${near}"?` : `; there are ${commands.map(nameOf).join(', ')}.`}`;
      }
      if (
        !words.some(
          (given) => given === `--${word}` || given.startsWith(`--${word}=`) || given === `-${word}`,
        )
      )
        return `"${word}" is one argument too many.`;
      const near = nearestWord(word, [...Object.keys(command.options), 'help']);
      return `There is no flag --${word}${near ? `; did you mean --${near}?` : '.'}`;
    })
    .join(' ');
}
