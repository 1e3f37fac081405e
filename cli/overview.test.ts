import { expect, test } from 'vitest';
import type { Command } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { nameOf, overview } from './overview.ts';

const command = (usage: string, describe: string): Command => ({
  usage,
  describe,
  positionals: {},
  options: {},
  examples: [],
  run: async () => 0,
});

test('the overview has each command with what it does, and each exit code', () => {
  const text = overview([command('run <file>', 'Run things'), command('serve', 'Serve things')]);
  expect(text).toContain('\n  streamgauge run <file>  Run things\n  streamgauge serve       Serve things\n');
  for (const code of Object.values(exitCodes)) expect(text).toMatch(new RegExp(`\\b${code}\\b`));
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
});

test('a command is called by its first word', () => {
  expect(nameOf(command('watch <url..>', ''))).toBe('watch');
});
