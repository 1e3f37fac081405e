import type { Command } from './command.ts';

/**
 * `streamgauge --help`. It needs the commands' definitions and nothing else, not even yargs, which takes longer to
 * load than all the rest: whoever only asks shall not wait.
 */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ usage }) => usage.length));
  const lines = commands.map(({ usage, describe }) => `  streamgauge ${usage.padEnd(width)}  ${describe}`);
  return `Streamgauge loads live-streaming servers with simulated viewers and publishers, and measures what a viewer
would see: how soon the first frame comes, how late the picture is, how often it stalls.

Commands:
${lines.join('\n')}

${examplesText(examples)}

Flags and examples of each command: streamgauge COMMAND --help

Exit codes:
    0  passed                    96  inconclusive: the generator was the limit
    1  unexpected failure        99  a threshold was crossed
    2  wrong usage              104  invalid scenario or configuration
   95  target unreachable       105  stopped by a signal
`;
}

const examples: Command['examples'] = [
  ['streamgauge run scenarios/smoke.yaml', 'the whole path on this machine in half a minute'],
  ['streamgauge watch rtmp://host/live/a --viewers 50', 'fifty viewers of a stream'],
];

/** An example and below it what it does: commands are too long for two columns. */
export function examplesText(examples: Command['examples']): string {
  return `Examples:\n${examples.map(([command, what]) => `  ${command}\n      ${what}`).join('\n')}`;
}

/** The word that a command is called by. */
export function nameOf(command: Command): string {
  return command.usage.split(' ', 1)[0] ?? '';
}
