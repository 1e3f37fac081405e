/** The section `transcode` of the server's configuration; docs/server.md describes each key. */
import { z } from 'zod';
import { bitratePattern } from './bitrate.ts';
import { encoderNames } from './encoders.ts';
import { AUDIO_RUNG } from './rung-names.ts';
import { defaultTranscodeOptions as defaults, rungName } from './transcode-options.ts';

const milliseconds = z.int().min(0).max(3_600_000);
const bitrate = z.string().regex(bitratePattern, 'expected a rate like 800k, 2.5M or 3mbit');
const rungs = z
  .array(
    z.strictObject({
      /** Becomes a part of the stream's name. */
      name: z
        .string()
        .regex(/^[A-Za-z0-9-]{1,32}$/, 'expected 1 to 32 letters, digits and "-"')
        .optional(),
      height: z.int().min(64).max(4_320),
      bitrate: bitrate.optional(),
      fps: z.number().min(1).max(240).optional(),
      audioBitrate: bitrate.optional(),
    }),
  )
  .max(8)
  .superRefine((list, context) => {
    const seen = new Set([AUDIO_RUNG]);
    for (const [index, rung] of list.entries()) {
      const name = rungName(rung);
      if (seen.has(name))
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `the name ${name} is taken by another rung`,
        });
      seen.add(name);
    }
  });

export const transcodeSchema = z
  .strictObject({
    rungs: rungs.default([...defaults.rungs]),
    audioOnly: z.boolean().default(defaults.audioOnly),
    streams: z.string().min(1).max(256).default(defaults.streams),
    encoder: z.enum(encoderNames).default(defaults.encoder),
    preset: z
      .string()
      .regex(/^[a-z]{1,16}$/)
      .default(defaults.preset),
    device: z.string().startsWith('/').max(256).default(defaults.device),
    maxLadders: z.int().min(1).max(1_000).default(defaults.maxLadders),
    slowAfterMs: milliseconds.min(1_000).default(defaults.slowAfterMs),
    stopTimeoutMs: milliseconds.min(100).default(defaults.stopTimeoutMs),
  })
  .prefault({});
