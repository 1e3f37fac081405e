import pc from 'picocolors';
import { describe, expect, test, vi } from 'vitest';
import { type Command, type Context, defineCommand } from './command.ts';
import { CommandError } from './exit-codes.ts';
import { countFlag, durationFlag, repeatedFlag } from './flag-types.ts';
import { runCommand } from './parse-arguments.ts';

const colours = pc.createColors(false);
const context: Context = {
  entryPath: (entry) => entry,
  version: '1.2.3',
  terminal: {
    outTaken: async () => true,
    outFailure: null,
    out() {},
    say() {},
    draw() {},
    live: false,
    columns: 100,
    colours,
    outColours: colours,
  },
  interrupted: new AbortController().signal,
};

function set() {
  const calls: Record<string, unknown>[] = [];
  const watch = defineCommand({
    usage: 'watch <url..>',
    describe: 'Watch things',
    positionals: { url: { type: 'string', describe: 'What' } },
    options: {
      viewers: countFlag('How many', 1, 100, '1'),
      duration: durationFlag('How long', '30s'),
      threshold: repeatedFlag('What must hold'),
      out: { type: 'string', requiresArg: true, describe: 'Where to' },
      reconnect: { type: 'boolean', default: true, describe: 'Come back' },
    },
    examples: [['streamgauge watch a', 'watches a']],
    run: async (flags) => {
      calls.push(flags);
      return 99;
    },
  });
  const serve: Command = { ...watch, usage: 'serve', positionals: {} };
  return { calls, run: (...words: string[]) => runCommand([watch, serve], words, context) };
}

describe('arguments', () => {
  test("become flags with their types, and the exit code is the command's", async () => {
    const { calls, run } = set();
    const exitCode = await run(
      'watch',
      'a',
      '--threshold',
      'x:y',
      'b',
      '--viewers',
      '7',
      '--duration=1m',
      '--threshold',
      'z:w',
      '--no-reconnect',
    );
    expect(exitCode).toBe(99);
    expect(calls[0]).toMatchObject({
      url: ['a', 'b'],
      viewers: 7,
      duration: 60_000,
      threshold: ['x:y', 'z:w'],
      reconnect: false,
    });
  });

  test.each([
    [[], 'Which command? There are watch, serve.\nSee streamgauge --help.'],
    [['wacht'], 'There is no command "wacht"; did you mean "watch"?\nSee streamgauge --help.'],
    [['watch'], 'Something is missing: streamgauge watch <url..>\nSee streamgauge watch --help.'],
    [
      ['watch', 'a', '--viewrs', '3'],
      'There is no flag --viewrs; did you mean --viewers?\nSee streamgauge watch --help.',
    ],
    [['watch', 'a', '--viewers=x'], '--viewers: a whole number is wanted.\nSee streamgauge watch --help.'],
    [
      ['watch', 'a', '--viewers', '101'],
      '--viewers: 101 is not from 1 to 100.\nSee streamgauge watch --help.',
    ],
    [
      ['watch', 'a', '--viewers', '1', '--viewers', '2'],
      '--viewers was given more than once.\nSee streamgauge watch --help.',
    ],
    [
      ['watch', 'a', '--out', 'x', '--out', 'y'],
      '--out was given more than once.\nSee streamgauge watch --help.',
    ],
    [
      ['watch', 'a', '--duration', '30sec'],
      '--duration: "sec" in "30sec" is not a unit of time (did you mean 30s?); a duration is a number and a unit: 500ms, 30s, 5m or 1h30m.\nSee streamgauge watch --help.',
    ],
    [['watch', 'a', '--out'], '--out needs a value.\nSee streamgauge watch --help.'],
    [['serve', 'b'], '"b" is one argument too many.\nSee streamgauge serve --help.'],
  ])('%j is wrong usage, said in a sentence', async (words, sentence) => {
    const { calls, run } = set();
    const failure = await run(...words).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandError);
    expect(failure).toMatchObject({ exitCode: 2, message: sentence });
    expect(calls).toEqual([]);
  });

  test('help shows usage, flags with defaults, and examples; the command does not run', async () => {
    const { calls, run } = set();
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    expect(await run('watch', '--help')).toBe(0);
    const help = log.mock.calls.flat().join('\n');
    log.mockRestore();
    expect(help).toContain('streamgauge watch <url..>\n\nWatch things');
    expect(help).toMatch(/--duration +How long +\[string\] \[default: 30s\]/);
    expect(help).toContain('  streamgauge watch a\n      watches a');
    expect(calls).toEqual([]);
  });
});
