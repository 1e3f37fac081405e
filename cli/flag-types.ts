import { parseBitRate, parseDuration, parsePictureSize } from '../scenarios/units.ts';

/** Flags with units, for yargs' `coerce`. A flag that was left out stays so. */

export const durationFlag = (describe: string, defaultDescription?: string) => ({
  type: 'string' as const,
  describe,
  ...(defaultDescription !== undefined && { defaultDescription }),
  requiresArg: true,
  coerce: (text: string | undefined) => (text === undefined ? undefined : parseDuration(text)),
});

export const bitRateFlag = (describe: string, defaultDescription?: string) => ({
  type: 'string' as const,
  describe,
  ...(defaultDescription !== undefined && { defaultDescription }),
  requiresArg: true,
  coerce: (text: string | undefined) => (text === undefined ? undefined : parseBitRate(text)),
});

export const pictureSizeFlag = (describe: string, defaultDescription?: string) => ({
  type: 'string' as const,
  describe,
  ...(defaultDescription !== undefined && { defaultDescription }),
  requiresArg: true,
  coerce: (text: string | undefined) => (text === undefined ? undefined : parsePictureSize(text)),
});

/** A whole number within bounds. */
export const countFlag = (describe: string, least: number, most: number, defaultDescription?: string) => ({
  type: 'number' as const,
  describe,
  requiresArg: true,
  ...(defaultDescription !== undefined && { defaultDescription }),
  coerce: (number: number | undefined) => {
    if (number === undefined) return undefined;
    if (!Number.isInteger(number)) throw new Error('a whole number is wanted');
    if (number < least || number > most) throw new Error(`${number} is not from ${least} to ${most}`);
    return number;
  },
});

/** A flag that may be given several times, one value each (it does not swallow the words after it). */
export const repeatedFlag = (describe: string) => ({
  type: 'string' as const,
  array: true as const,
  nargs: 1,
  describe,
});

export const jsonFlag = (what: string) => ({
  type: 'boolean' as const,
  default: false,
  describe: `Print ${what} as JSON on standard output, and nothing else there`,
});

/** Where a run's figures also go. The address may hold a password, so it can come from the environment instead. */
export const influxdbFlag = {
  type: 'string' as const,
  requiresArg: true,
  describe: 'Also write the figures to http://[user:password@]host:8086/database',
  defaultDescription: 'STREAMGAUGE_INFLUXDB of the environment',
};

/** The flag's value, or that of the environment. An empty variable is none, and an empty flag turns it off. */
export function influxdbOf(flag: string | undefined, environment = process.env): string | undefined {
  return (flag ?? environment['STREAMGAUGE_INFLUXDB']) || undefined;
}

/** `--no-target-figures`. */
export const targetFiguresFlag = {
  type: 'boolean',
  default: true,
  describe: 'Read CPU, memory and traffic of the target where it runs here (--no-target-figures: do not)',
} as const;
