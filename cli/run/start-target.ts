import type { ServerSummary } from '../../metrics/summary.ts';
import type { TargetAddresses } from '../../scenarios/addresses.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { startReferenceStack } from '../../server/reference-stack.ts';
import type { Closing } from './closing.ts';

/** The server under test while a run goes on. */
export interface Target {
  readonly addresses: TargetAddresses;
  /** Its own figures since its start, where they can be read. */
  readonly figures: () => Promise<ServerSummary>;
}

const STOP_LIMIT_MS = 8_000;

/** Starts the reference stack on free ports where the scenario wants it; another target is taken as it is. */
export async function startTarget(
  scenario: Scenario,
  entryPath: (name: string) => string,
  closing: Closing,
): Promise<Target> {
  const { target } = scenario;
  if (target !== 'reference') return { addresses: target ?? {}, figures: async () => ({}) };
  const starting = startReferenceStack({
    entries: {
      ingest: entryPath('server/ingest/process'),
      deliver: entryPath('server/deliver/process'),
    },
    config: { ingest: { rtmpPort: 0, httpPort: 0 } },
  });
  // Also when the run is stopped while it is still starting.
  closing.add('the reference stack', STOP_LIMIT_MS, () =>
    starting.then(
      (stack) => stack.stop(),
      () => {},
    ),
  );
  const stack = await starting;
  return {
    addresses: { rtmp: stack.rtmpUrl, http: stack.httpUrl, hls: stack.hlsUrl ?? undefined },
    figures: async () => {
      const { cpuMs, uptimeMs, rssBytes } = await stack.stats();
      return { cpu: uptimeMs > 0 ? cpuMs / uptimeMs : null, rssBytes };
    },
  };
}
