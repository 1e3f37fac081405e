/** The section `deliver` of the configuration. */
import { z } from 'zod';
import { defaultDeliverOptions as deliver } from './deliver-options.ts';

const milliseconds = z.int().min(0).max(3_600_000);
/** The first segment must have room beside the one that is being made, in each container. */
const MIN_STREAM_BYTES = 4_194_304;

export const deliverSchema = z
  .strictObject({
    /** Nothing said: 8080, or any that is free where `ingest.httpPort` is. */
    port: z.int().min(0).max(65_535).optional(),
    hls: z
      .strictObject({
        containers: z
          .array(z.enum(['fmp4', 'ts']))
          .min(1)
          .max(2)
          .default([...deliver.hls.containers]),
        segmentMs: milliseconds.min(500).max(30_000).default(deliver.hls.segmentMs),
        partMs: milliseconds.max(5_000).default(deliver.hls.partMs),
        windowSegments: z.int().min(3).max(1_000).default(deliver.hls.windowSegments),
        encrypt: z.boolean().default(deliver.hls.encrypt),
        segmentsPerKey: z.int().min(1).max(100_000).default(deliver.hls.segmentsPerKey),
      })
      .prefault({}),
    maxStreams: z.int().min(1).max(10_000).default(deliver.maxStreams),
    maxStreamBytes: z.int().min(MIN_STREAM_BYTES).default(deliver.maxStreamBytes),
    maxBytes: z.int().min(MIN_STREAM_BYTES).default(deliver.maxBytes),
    republishGraceMs: milliseconds.default(deliver.republishGraceMs),
    keepEndedMs: milliseconds.default(deliver.keepEndedMs),
    pullIdleMs: milliseconds.min(1_000).default(deliver.pullIdleMs),
    maxConnections: z.int().min(1).default(deliver.maxConnections),
    requestTimeoutMs: milliseconds.min(1_000).default(deliver.requestTimeoutMs),
    keepAliveMs: milliseconds.min(1_000).default(deliver.keepAliveMs),
    sendTimeoutMs: milliseconds.min(1_000).default(deliver.sendTimeoutMs),
    drainMs: milliseconds.default(deliver.drainMs),
    stopTimeoutMs: milliseconds.min(100).default(5_000),
  })
  .prefault({});
