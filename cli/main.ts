import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import packageFile from '../package.json' with { type: 'json' };
import type { Command } from './command.ts';
import { capacity } from './commands/capacity.ts';
import { dashboards } from './commands/dashboards.ts';
import { doctor } from './commands/doctor.ts';
import { probe } from './commands/probe.ts';
import { publish } from './commands/publish.ts';
import { report } from './commands/report.ts';
import { run } from './commands/run.ts';
import { serve } from './commands/serve.ts';
import { watch } from './commands/watch.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { failureSentence } from './failure-sentence.ts';
import { onInterruption } from './interruption.ts';
import { overview } from './overview.ts';
import { createTerminal } from './terminal.ts';

/** In the order of the help. Definitions only: what a command does is loaded when it runs. */
const commands: readonly Command[] = [
  run,
  watch,
  capacity,
  probe,
  publish,
  serve,
  report,
  dashboards,
  doctor,
];

const terminal = createTerminal(process.stdout, process.stderr, process.env);

// First of all, so that Ctrl-C has its meaning from the very beginning.
const interrupted = onInterruption(
  process,
  () => performance.now(),
  () => terminal.say('Stopping in good order; Ctrl-C again quits at once.'),
  () => {
    // Leaving waits for what a system call holds up (a name server, a network drive); the next signal does not.
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
    process.exit(exitCodes.stoppedBySignal);
  },
);

// The one place where a file is found by the place of the code: this file is an entry, so the bundler leaves it where it is.
const distFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

async function answer(words: readonly string[]): Promise<number> {
  const [word] = words;
  if (words.length === 1 && (word === '--help' || word === '-h' || word === 'help')) {
    terminal.out(overview(commands));
    return exitCodes.passed;
  }
  if (words.length === 1 && (word === '--version' || word === '-V')) {
    terminal.out(`${packageFile.version}\n`);
    return exitCodes.passed;
  }
  const { runCommand } = await import('./parse-arguments.ts');
  return runCommand(commands, words, {
    entryPath: (entry) => path.join(distFolder, `${entry}.js`),
    version: packageFile.version,
    terminal,
    interrupted,
  });
}

// Whatever ends the process before its time has not passed.
let over = false;
process.once('exit', (code) => {
  if (!over && code !== exitCodes.stoppedBySignal) process.exitCode = exitCodes.unexpectedFailure;
});
process.on('uncaughtException', (error: unknown) => {
  terminal.say(`streamgauge: ${failureSentence(error)}`);
  if (process.env['STREAMGAUGE_DEBUG'] && error instanceof Error) terminal.say(error.stack ?? '');
  process.exit(exitCodes.unexpectedFailure);
});

let exitCode: number;
try {
  exitCode = await answer(process.argv.slice(2));
} catch (error) {
  exitCode = error instanceof CommandError ? error.exitCode : exitCodes.unexpectedFailure;
  terminal.say(`streamgauge: ${failureSentence(error)}`);
  if (process.env['STREAMGAUGE_DEBUG'] && error instanceof Error) terminal.say(error.stack ?? '');
}
// Whatever was written is on its way; a reader that does not read cannot keep us.
await Promise.race([
  Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))),
  ),
  new Promise((done) => setTimeout(done, 1000)),
]);
if (terminal.outFailure !== null) {
  terminal.say(`streamgauge: the output could not be written: ${terminal.outFailure}.`);
  exitCode ||= exitCodes.unexpectedFailure;
}
over = true;
process.exit(exitCode);
