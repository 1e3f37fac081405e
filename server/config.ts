/**
 * What the reference stack can be told, with every default: the YAML file of `streamgauge serve --config`
 * (docs/server.md describes each key; a test keeps the two in step).
 */
import { z } from 'zod';
import { deliverSchema } from './deliver/deliver-schema.ts';
import { allowedOriginPattern } from './gate/hotlink.ts';
import { defaultOriginOptions as defaults } from './ingest/origin-options.ts';
import { transcodeSchema } from './transcode/transcode-schema.ts';

const port = z.int().min(0).max(65_535);
const milliseconds = z.int().min(0).max(3_600_000);
/** Short ones can be guessed from one signed URL, since MD5 is fast. */
const secret = z.string().min(12).max(256);
/** The new one first, and the old one for as long as its URLs are about. */
const secrets = z.array(secret).min(1).max(2);
const most = z.int().min(1).max(10_000_000);
/** Two PEM files, or a certificate of our own, made at the start. */
const tls = z.union(
  [z.literal('development'), z.strictObject({ key: z.string().min(1), cert: z.string().min(1) })],
  { error: 'expected "development", or key and cert: the paths of two PEM files' },
);

export const serverConfigSchema = z.strictObject({
  /** Address to listen on. */
  host: z.string().min(1).default(defaults.host),
  /** Set: RTMPS, HTTPS and WSS too. */
  tls: tls.optional(),
  ingest: z
    .strictObject({
      rtmpPort: port.default(1935),
      httpPort: port.default(8000),
      rtmpsPort: port.default(1936),
      httpsPort: port.default(8443),
      gopCache: z.boolean().default(defaults.gopCache),
      audioHoldMs: milliseconds.max(1_000).default(defaults.audioHoldMs),
      publishGraceMs: milliseconds.default(defaults.publishGraceMs),
      publisherIdleMs: milliseconds.min(1_000).default(defaults.publisherIdleMs),
      requestTimeoutMs: milliseconds.min(1_000).default(defaults.requestTimeoutMs),
      maxViewerBacklogBytes: z.int().min(65_536).default(defaults.maxViewerBacklogBytes),
      maxMessageBytes: z.int().min(65_536).max(16_777_215).default(defaults.maxMessageBytes),
      maxConnections: z.int().min(1).default(defaults.maxConnections),
      stopTimeoutMs: milliseconds.min(100).default(5_000),
    })
    .prefault({}),
  gate: z
    .strictObject({
      publishSecret: secret.optional(),
      playSecret: secret.optional(),
      publishSecrets: secrets.optional(),
      playSecrets: secrets.optional(),
      maxLifetimeS: z.int().min(1).max(1_000_000_000).optional(),
      clockSkewS: z.int().min(0).max(3_600).default(5),
      allowedOrigins: z
        .array(
          z
            .string()
            .max(300)
            .regex(allowedOriginPattern, 'expected example.com, *.example.com or https://example.com:8443'),
        )
        .max(1_000)
        .optional(),
      emptyReferer: z.enum(['allow', 'refuse']).default('allow'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      viewers: most.optional(),
      viewersPerStream: most.optional(),
      viewersPerAddress: most.optional(),
      publishers: most.optional(),
      publishersPerAddress: most.optional(),
    })
    .prefault({}),
  transcode: transcodeSchema,
  deliver: deliverSchema,
  api: z
    .strictObject({
      /** Who knows it may read the JSON API. */
      token: secret.optional(),
    })
    .prefault({}),
});

/** Complete, with defaults filled in. */
export type ServerConfig = z.output<typeof serverConfigSchema>;
/** As a user gives it: every key may be left out. */
export type ServerConfigInput = z.input<typeof serverConfigSchema>;
