import type { Context } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { Colours } from '../terminal.ts';
import { type Check, isHealthy } from './check.ts';
import {
  checkClock,
  checkCores,
  checkEphemeralPorts,
  checkFileLimit,
  checkNode,
  checkPort,
} from './machine.ts';
import { checkBrowser, checkFfmpeg, checkK6 } from './programs.ts';

const marks: Readonly<Record<Check['level'], string>> = { ok: '✓', limited: '!', lacking: '✗' };

/** Looks at this machine and says what it has, what it lacks, and what to do about it. */
export async function runDoctor(flags: { json: boolean }, { terminal }: Context): Promise<ExitCode> {
  const checks = await Promise.all([
    checkNode(),
    checkFfmpeg(),
    checkK6(),
    checkBrowser(),
    checkCores(),
    checkFileLimit(),
    checkEphemeralPorts(),
    checkPort('RTMP', 1935),
    checkPort('HTTP', 8000),
    checkClock(),
  ]);
  const healthy = isHealthy(checks);
  if (flags.json) terminal.out(`${JSON.stringify({ healthy, checks }, null, 2)}\n`);
  else terminal.out(render(checks, terminal.outColours));
  return healthy ? exitCodes.passed : exitCodes.unexpectedFailure;
}

/** The checks as a person reads them, remedies below what they mend. */
export function render(checks: readonly Check[], colours: Colours): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const paint = { ok: colours.green, limited: colours.yellow, lacking: colours.red };
  const lines = checks.map(({ name, level, found, remedy }) => {
    const line = `  ${paint[level](marks[level])} ${name.padEnd(width)}  ${found}`;
    return remedy === undefined ? line : `${line}\n    ${' '.repeat(width)}  ${colours.dim(remedy)}`;
  });
  const verdict = isHealthy(checks)
    ? 'Ready for "npm start".'
    : 'Something is lacking that Streamgauge cannot do without: see ✗ above.';
  return `${lines.join('\n')}\n\n${verdict}\n`;
}
