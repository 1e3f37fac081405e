import { z } from 'zod';
import {
  formatBitRate,
  formatDuration,
  formatPictureSize,
  parseBitRate,
  parseDuration,
  parsePictureSize,
  UnitError,
} from './units.ts';
import { playerNames, protocols } from './words.ts';

/**
 * The scenario: what is published, who watches, and what must hold. One schema serves the check of a file, the types
 * of `defineScenario`, and the JSON Schema for editors (`scenario.schema.json`).
 *
 * Only what this version carries out is in it; words of what is planned are refused with a sentence that says so
 * (`words.ts`) and never ignored. Quantities are codecs: `"30s"` in the file is 30 000
 * in the program, and a resolved scenario is written back in the units it came in.
 */

/** A quantity with a unit: text in the file, a number (or a pair) in the program. */
function quantity<T>(
  value: z.ZodType<T, T>,
  parse: (text: string) => T,
  format: (value: T) => string,
  description: string,
  examples: string[],
) {
  const text = z
    .string({
      error: (issue) =>
        issue.input === undefined
          ? undefined
          : (sentenceOf(() => parse(String(issue.input))) ?? `must be text, as in ${examples[0]}`),
    })
    .meta({ description, examples });
  return z.codec(text, value, {
    decode: (input, context) => {
      try {
        return parse(input);
      } catch (error) {
        if (!(error instanceof UnitError)) throw error;
        context.issues.push({ code: 'custom', message: error.message, input });
        return z.NEVER;
      }
    },
    encode: format,
  });
}

function sentenceOf(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return error instanceof UnitError ? error.message : undefined;
  }
}

const duration = (description: string) =>
  quantity(z.number().min(0), parseDuration, formatDuration, description, ['500ms', '30s', '5m']);
const someDuration = (description: string) =>
  duration(description).refine((ms) => ms > 0, { error: 'must be longer than 0' });
const bitRate = (description: string) =>
  quantity(z.number().positive(), parseBitRate, formatBitRate, description, ['600k', '3mbit']);
const pictureSize = (description: string) =>
  quantity(
    z.object({ width: z.number(), height: z.number() }),
    parsePictureSize,
    formatPictureSize,
    description,
    ['640x360', '1280x720'],
  );

/** A metric's tag value and part of a file name: letters, digits, dot, dash, underscore. */
const name = (description: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
      error: 'must be 1 to 64 letters, digits, dots, dashes or underscores, and begin with a letter or digit',
    })
    .meta({ description });

const count = (description: string) => z.int().min(1).max(1_000_000).meta({ description });
const arrivalRate = (description: string) => z.number().min(0).max(1_000_000).meta({ description });

const streams = (description: string) =>
  z
    .union([z.string(), z.array(z.string()).min(1)], {
      error: 'must be a stream pattern, as in live/room-{1..20}, or a list of them',
    })
    .meta({ description, examples: ['live/room-{1..20}'] });

export const targetSchema = z
  .union(
    [
      z.literal('reference'),
      z.strictObject({
        rtmp: z
          .string()
          .meta({ description: 'Where RTMP is spoken', examples: ['rtmp://host:1935'] })
          .optional(),
        http: z
          .string()
          .meta({ description: 'Where HTTP-FLV and WS-FLV are served', examples: ['http://host:8000'] })
          .optional(),
      }),
    ],
    {
      error:
        'must be "reference" (the reference stack, started for the run) or { rtmp: rtmp://host:1935, http: http://host:8000 }',
    },
  )
  .meta({
    description: 'The server under test. Not needed where every cohort has a url and nothing is published.',
  });

export const publisherSchema = z.strictObject({
  stream: streams('What is published, one publisher each').optional(),
  url: streams('Full rtmp:// addresses, instead of stream and target').optional(),
  source: z
    .string()
    .min(1)
    .default('testcard')
    .meta({
      description:
        'testcard: a moving picture with sound, encoded live, one encoder per stream. recording: the test card encoded once and replayed, for many streams. Anything else: a media file or address that ffmpeg reads, played as live and in a loop; its picture is its own.',
      examples: ['testcard', 'recording', 'talk.mp4'],
    }),
  size: pictureSize('Picture size').prefault('640x360'),
  fps: z.int().min(1).max(120).default(25).meta({ description: 'Pictures per second' }),
  bitrate: bitRate('Picture and sound together').prefault('600k'),
  gop: someDuration('Distance of key pictures').prefault('2s'),
});

const reconnectPolicy = z.strictObject({
  maxAttempts: z.int().min(1).max(1000).optional().meta({ description: 'In a row' }),
  maxElapsed: duration('No attempt later than this after the loss').optional(),
  firstDelay: duration('Wait before the first attempt; doubled for each further one').optional(),
  maxDelay: duration('Longest wait between attempts').optional(),
  jitter: z.number().min(0).max(1).optional().meta({ description: 'Share of the wait that is random' }),
  beforeFirstFrame: z
    .boolean()
    .optional()
    .meta({ description: 'Try again even where no picture was shown yet' }),
});

const timeouts = z.strictObject({
  connect: someDuration('Name and TCP connection').optional(),
  tls: someDuration('TLS handshake').optional(),
  handshake: someDuration('RTMP: handshake, connect and createStream; WS-FLV: the upgrade').optional(),
  firstByte: someDuration('First byte of the answer').optional(),
  firstMedia: someDuration('First audio or video').optional(),
  firstFrame: someDuration('First decodable key picture').optional(),
  silence: someDuration('Longest silence in mid-stream').optional(),
});

const cohortBase = {
  name: name('Tag of this cohort in every figure. Default: the protocol').optional(),
  protocol: z.enum(protocols).optional().meta({ description: 'With stream: how it is watched' }),
  stream: streams('What is watched; viewers are dealt out evenly').optional(),
  url: streams('Full addresses, instead of protocol, stream and target').optional(),
  startTime: duration('When the cohort begins, from the start of the run').prefault('0s'),
  watch: z
    .union(
      [
        someDuration('Every session lasts this long'),
        z.strictObject({
          median: someDuration('Half of the sessions are shorter'),
          p95: someDuration('95 % are shorter'),
        }),
      ],
      { error: 'must be a duration, as in 45s, or { median: 45s, p95: 5m }' },
    )
    .optional()
    .meta({
      description: 'How long a session lasts (a log-normal law through median and p95). Default: to the end.',
    }),
  player: z
    .enum(playerNames)
    .default('mpegts.js')
    .meta({ description: 'Whose rules for starting, stalling and catching up hold' }),
  reconnect: z
    .union([z.boolean(), reconnectPolicy], {
      error: 'must be true, false or { maxAttempts: 5, firstDelay: 250ms, … }',
    })
    .default(true)
    .meta({ description: 'Whether and how a viewer comes back after its connection was lost' }),
  timeouts: timeouts.optional().meta({ description: 'How long each phase may take' }),
  headers: z
    .record(z.string(), z.string())
    .refine((headers) => Object.entries(headers).every(isSendable), {
      // Not the value, which may be a secret.
      error: ({ input }) =>
        `${JSON.stringify(Object.entries(input as Record<string, string>).find((header) => !isSendable(header))?.[0])} cannot be sent: HTTP does not allow all of its characters`,
    })
    .optional()
    .meta({ description: 'Extra HTTP request headers' }),
};

/** RFC 9110, 5.1 and 5.5: a name is a token, a value is visible characters and blanks. */
function isSendable([name, value]: readonly [string, string]): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

const stage = (target: z.ZodType<number>) =>
  z.strictObject({ duration: duration('How long it takes to get there; 0s: a jump'), target });
const timeUnit = someDuration('What the rates count per').prefault('1s');
const maxViewers = count('Most sessions at a time; a start above that is a dropped start').default(100_000);

export const cohortSchema = z.discriminatedUnion('executor', [
  z.strictObject({
    ...cohortBase,
    executor: z.literal('constant-viewers').meta({ description: 'A number of viewers, all the time' }),
    viewers: count('How many'),
    duration: someDuration('For how long'),
    ramp: duration('Time over which they come, evenly').prefault('0s'),
  }),
  z.strictObject({
    ...cohortBase,
    executor: z.literal('ramping-viewers').meta({ description: 'A number of viewers that follows stages' }),
    startViewers: z.int().min(0).max(1_000_000).default(0).meta({ description: 'How many at first' }),
    stages: z.array(stage(z.int().min(0).max(1_000_000).meta({ description: 'Viewers at its end' }))).min(1),
  }),
  z.strictObject({
    ...cohortBase,
    executor: z
      .literal('constant-arrival-rate')
      .meta({ description: 'New sessions at a rate, whether or not the server keeps up' }),
    rate: arrivalRate('New sessions per timeUnit').refine((rate) => rate > 0, {
      error: 'must be more than 0',
    }),
    timeUnit,
    duration: someDuration('For how long'),
    maxViewers,
  }),
  z.strictObject({
    ...cohortBase,
    executor: z
      .literal('ramping-arrival-rate')
      .meta({ description: 'New sessions at a rate that follows stages' }),
    startRate: arrivalRate('New sessions per timeUnit at first').default(0),
    timeUnit,
    stages: z.array(stage(arrivalRate('Rate at its end'))).min(1),
    maxViewers,
  }),
]);

export const optionsSchema = z.strictObject({
  setupTimeout: someDuration('Longest wait for the target and the streams to be up').prefault('30s'),
  workers: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .meta({ description: 'Threads that run viewers. Default: by their number and the cores' }),
  insecureSkipTLSVerify: z.boolean().default(false).meta({ description: 'Accept any TLS certificate' }),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(1)
    .meta({ description: 'Of the random session lengths: the same seed, the same lengths' }),
});

export const scenarioSchema = z.strictObject({
  $schema: z.string().optional(),
  name: name('Names the run and its folder'),
  description: z.string().optional(),
  target: targetSchema.optional(),
  publishers: z.array(publisherSchema).max(1000).default([]),
  viewers: z.array(cohortSchema).min(1).max(1000),
  thresholds: z
    .record(
      z.string(),
      z.union([z.string(), z.array(z.string()).min(1)], {
        error: 'must be an expression, as in "p(95)<1500", or a list of them',
      }),
    )
    .default({})
    .meta({
      description: 'What must hold, by metric and optional tag selector',
      examples: [{ first_frame_ms: ['p(95)<1500'] }],
    }),
  options: optionsSchema.prefault({}),
});

/** A scenario as it is written in a file. */
export type ScenarioInput = z.input<typeof scenarioSchema>;
/** A scenario with every default filled in and every quantity a number. */
export type Scenario = z.output<typeof scenarioSchema>;
export type ScenarioCohort = z.output<typeof cohortSchema>;
export type ScenarioPublisher = z.output<typeof publisherSchema>;
export type ScenarioOptions = z.output<typeof optionsSchema>;
export type Executor = ScenarioCohort['executor'];
export type { Protocol } from './words.ts';
