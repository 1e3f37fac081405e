import { buildIfStale } from '../../cli/setup/build.mjs';

/** Vitest global set-up: tests that start processes or workers start the bundled entries, so they must be fresh. */
export async function setup(): Promise<void> {
  await buildIfStale();
}
