import { z } from 'zod';
import { nearestWord } from '../metrics/nearest-word.ts';
import {
  formatBitRate,
  formatDuration,
  formatPictureSize,
  parseBitRate,
  parseDuration,
  parsePictureSize,
  UnitError,
} from './units.ts';
import {
  behaviourNames,
  faultKinds,
  linkPresetNames,
  playerNames,
  protocols,
  publishProtocols,
} from './words.ts';

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
          .meta({ description: 'Where HTTP-FLV, WS-FLV and HLS are served', examples: ['http://host:8000'] })
          .optional(),
        hls: z
          .string()
          .meta({
            description:
              'Where HLS is served, if elsewhere than under http; with {stream} in it the whole address of a stream',
            examples: ['http://cdn:8080', 'http://cdn/{stream}/master.m3u8'],
          })
          .optional(),
        pid: z
          .int()
          .min(1)
          .optional()
          .meta({ description: 'Its process on this machine, for its figures; children belong to it' }),
        port: z
          .int()
          .min(1)
          .max(65_535)
          .optional()
          .meta({ description: 'Or a port that it listens on here. Default: that of its addresses' }),
        metrics: z
          .string()
          .regex(/^https?:\/\/[^\s/]+/, {
            error: 'must be an http(s) address, as in http://host:9100/metrics',
          })
          .optional()
          .meta({
            description: 'Prometheus page with its figures',
            examples: ['http://host:9100/metrics'],
          }),
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

/** A length of time: always the same, or by a law. */
const lengthLaw = (description: string, example: string) =>
  z
    .union(
      [
        someDuration('Always the same'),
        z.strictObject({ median: someDuration('Half are shorter'), p95: someDuration('95 % are shorter') }),
      ],
      { error: `must be a duration, as in ${example}, or { median: 10s, p95: 60s }` },
    )
    .meta({ description });

export const publisherSchema = z.strictObject({
  stream: streams('What is published, one publisher each').optional(),
  protocol: z.enum(publishProtocols).optional().meta({
    description: 'With stream: rtmp (the default), or http-flv, which is a POST to the http address',
  }),
  url: streams('Full rtmp(s):// or http(s)://….flv addresses, instead of stream and target').optional(),
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
  ramp: duration('Time over which the streams begin, evenly; viewers come after it').prefault('0s'),
  churn: z
    .strictObject({
      up: lengthLaw('How long a stream is published', '2m'),
      down: lengthLaw('How long it is away', '10s'),
    })
    .optional()
    .meta({ description: 'Streams that come and go, with a goodbye, from the first viewer on' }),
});

export const faultSchema = z.strictObject({
  at: duration('When, from the first viewer on'),
  kind: z.enum(faultKinds).meta({
    description:
      'publisher-drop: the connection of its publisher is cut, with no goodbye. publisher-stop: the publisher says goodbye.',
  }),
  stream: streams('Which of the published streams'),
  for: someDuration('When it comes back. Default of publisher-stop: not at all').optional(),
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

const cutKind = z.enum(['silence', 'reset']).default('silence').meta({
  description:
    'silence: nothing passes, and then all goes on where it was. reset: it begins with every connection of the viewer broken',
});
const cutFor = duration('For how long nothing passes; with reset it may be left out').optional();

/** The network between a viewer and everything else. What its parts may be together is checked in `check-link.ts`. */
const linkSchema = z.strictObject({
  down: bitRate('Bandwidth towards the viewer').optional(),
  up: bitRate('Bandwidth from the viewer').optional(),
  delay: duration('One way, in each direction: a round trip takes twice as long').optional(),
  jitter: duration('The delay varies by so much up and down').optional(),
  cuts: z
    .union(
      [
        z
          .array(
            z.strictObject({
              at: duration("From the session's start"),
              for: cutFor,
              kind: cutKind,
            }),
          )
          .min(1),
        z.strictObject({
          every: someDuration('Again and again; each viewer begins at a moment of its own'),
          for: cutFor,
          kind: cutKind,
        }),
      ],
      { error: 'must be a list, as in [{ at: 10s, for: 3s }], or { every: 60s, for: 2s }' },
    )
    .optional()
    .meta({ description: 'When nothing passes in either direction' }),
  trace: z
    .string()
    .min(1)
    .optional()
    .meta({
      description:
        'Instead of down: a file of bandwidth over time, repeated; CSV of seconds,kbit/s, JSON, or Mahimahi',
      examples: ['train.csv'],
    }),
});

const hlsOptions = z.strictObject({
  lowLatency: z.boolean().default(true).meta({
    description: 'Parts, blocking reload, preload hints and delta updates, where the server offers them',
  }),
  quality: z
    .enum(['auto', 'lowest', 'highest'])
    .default('auto')
    .meta({ description: 'auto: by throughput, as hls.js does. lowest, highest: always that variant' }),
  maxHeight: z.int().min(1).optional().meta({ description: 'Variants with a larger picture are not chosen' }),
  maxBitrate: bitRate('Variants with more (BANDWIDTH) are not chosen').optional(),
  maxLatency: someDuration(
    'Further behind the live edge than this a viewer jumps forward (hls.js: liveMaxLatencyDuration). Default: never',
  ).optional(),
  cmcd: z
    .union([z.boolean(), z.enum(['query', 'headers'])])
    .default(false)
    .meta({
      description:
        'Tell the server about the player (CTA-5004, CMCD): true and query: in the URL; headers: in headers',
    }),
});

/** What viewers do other than watch one stream from beginning to end. */
export const behaviourSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('normal').meta({ description: 'Watches from beginning to end' }) }),
  z.strictObject({
    kind: z
      .literal('zapper')
      .meta({ description: 'Goes to another stream again and again; each is a session' }),
    every: lengthLaw('How long it stays with one', '10s').prefault({ median: '10s', p95: '1m' }),
  }),
  z.strictObject({
    kind: z.literal('slow-reader').meta({ description: 'Reads more slowly than the stream comes' }),
    rate: bitRate('How fast it reads'),
  }),
  z.strictObject({
    kind: z.literal('pause-and-return').meta({ description: 'Watches, pauses, watches on, again and again' }),
    after: lengthLaw('Watched before each pause', '30s').prefault('30s'),
    for: lengthLaw('How long a pause lasts', '10s').prefault('10s'),
    return: z.enum(['continue', 'live', 'reconnect']).default('continue').meta({
      description:
        'continue: where it was. live: with the newest picture. reconnect: the connection is closed for the pause',
    }),
  }),
  z.strictObject({
    kind: z.literal('connect-only').meta({ description: 'Connects and leaves, and watches nothing' }),
    handshake: z.boolean().default(false).meta({ description: "With RTMP's or WebSocket's handshake" }),
    hold: duration('How long it stays connected').prefault('0s'),
  }),
  z.strictObject({
    kind: z
      .literal('idle')
      .meta({ description: 'Connects, says nothing, and stays until the server closes' }),
  }),
]);

/** `is "zaper", which is no behaviour; did you mean "zapper"?` */
function wrongBehaviour(input: unknown): string {
  const forms = `a name (${behaviourNames.join(', ')}) or a group of keys, as in { kind: slow-reader, rate: 300k }`;
  if (input === 'slow-reader') return 'must say its rate: { kind: slow-reader, rate: 300k }';
  if (typeof input !== 'string') return `must be ${forms}`;
  const near = nearestWord(input, [...behaviourNames, 'slow-reader']);
  return `is "${input}", which is no behaviour; ${near === null ? `it is ${forms}` : `did you mean "${near}"?`}`;
}

const cohortBase = {
  name: name('Tag of this cohort in every figure. Default: the protocol').optional(),
  protocol: z.enum(protocols).optional().meta({
    description: 'With stream: how it is watched. With url: only where the address does not tell',
  }),
  stream: streams('What is watched').optional(),
  url: streams('Full addresses, instead of protocol, stream and target').optional(),
  popularity: z
    .union(
      [
        z.enum(['uniform', 'zipf']),
        z.strictObject({
          zipf: z.number().min(0).max(10).meta({ description: 'Exponent s: rank k has a share like 1/k^s' }),
        }),
      ],
      { error: 'must be uniform, zipf (exponent 1) or { zipf: 1.2 }' },
    )
    .default('uniform')
    .meta({
      description:
        'uniform: dealt out evenly. zipf: the first streams of the list have most of the viewers, by the law 1/k',
    }),
  behaviour: z
    .union([z.enum(behaviourNames), behaviourSchema], { error: ({ input }) => wrongBehaviour(input) })
    .default('normal')
    .meta({ description: 'What these viewers do' }),
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
  link: z
    .union([z.enum(linkPresetNames), linkSchema], { error: ({ input }) => wrongLink(input) })
    .optional()
    .meta({
      description:
        'The network of each viewer: a name, or bandwidth, delay, cuts. Default: as fast as the machine',
    }),
  hls: hlsOptions.optional().meta({ description: 'How viewers of HLS choose and ask' }),
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

function wrongLink(input: unknown): string {
  if (typeof input !== 'string')
    return `must be a name (${linkPresetNames.join(', ')}) or a group of keys, as in { down: 3mbit, delay: 40ms }`;
  const near = nearestWord(input, linkPresetNames);
  return `is "${input}", which is no link; ${near === null ? `there are ${linkPresetNames.join(', ')}` : `did you mean "${near}"?`}`;
}

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
  sourceAddresses: z
    .union([z.string(), z.array(z.string()).min(1)], {
      error:
        'must be an address, a range, as in 127.0.0.2-127.0.0.9, a block, as in 10.0.7.0/28, or a list of them',
    })
    .optional()
    .meta({
      description:
        'Addresses of this machine that viewers connect from, in turn: one has about 28,000 ports for each server port',
      examples: ['127.0.0.2-127.0.0.9'],
    }),
  insecureSkipTLSVerify: z.boolean().default(false).meta({ description: 'Accept any TLS certificate' }),
  ntp: z
    .string()
    .regex(/^[\w.:[\]-]{1,255}$/, { error: 'must be a host or host:port of an NTP server' })
    .optional()
    .meta({
      description:
        'NTP server that this clock is compared with where streams are published elsewhere. Default: what chrony says, if it runs here',
      examples: ['pool.ntp.org'],
    }),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(1)
    .meta({
      description: 'Of all that is random (session lengths, who watches what): the same seed, the same run',
    }),
});

export const scenarioSchema = z.strictObject({
  $schema: z.string().optional(),
  name: name('Names the run and its folder'),
  description: z.string().optional(),
  target: targetSchema.optional(),
  publishers: z.array(publisherSchema).max(1000).default([]),
  faults: z
    .array(faultSchema)
    .max(1000)
    .default([])
    .meta({ description: 'What is done on purpose, and when' }),
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
export type ScenarioLink = NonNullable<ScenarioCohort['link']>;
export type ScenarioPublisher = z.output<typeof publisherSchema>;
export type ScenarioFault = z.output<typeof faultSchema>;
export type ScenarioOptions = z.output<typeof optionsSchema>;
export type ScenarioBehaviour = z.output<typeof behaviourSchema>;
export type Executor = ScenarioCohort['executor'];
export type { Protocol } from './words.ts';
