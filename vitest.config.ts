import { defineConfig } from 'vitest/config';

// Two projects: unit tests run in parallel; end-to-end tests measure time, so they run one file at a time, and with
// them those tests that stand beside their source and must keep up with real time.
const inRealTime = [
  'clients/sources/testcard.test.ts',
  'server/ingest/supervisor.test.ts',
  'server/ingest/hardening/clean-stop.test.ts',
];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{core,metrics,ffmpeg,clients,fleet,server,probes,sinks,scenarios,dashboards,web,cli,bench}/**/*.test.ts',
          ],
          exclude: inRealTime,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          globalSetup: ['tests/kit/build-once.ts'],
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['tests/**/*.test.ts', ...inRealTime],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          maxConcurrency: 4,
          // On a shared machine a measurement may meet a busy second: it is measured once more there.
          retry: process.env['CI'] ? 1 : 0,
          globalSetup: ['tests/kit/build-once.ts'],
        },
      },
    ],
  },
});
