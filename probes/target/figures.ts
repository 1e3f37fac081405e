import type { MetricName, Tags } from '../../metrics/catalogue.ts';
import type { Registry } from '../../metrics/registry.ts';

/** What is known of a target at one moment; what is not known is left out. */
export interface TargetFigures {
  /** CPU time over wall time since the last look; 1 is one core. */
  readonly cpu?: number;
  readonly rssBytes?: number;
  readonly threads?: number;
  readonly fds?: number;
  /** Open descriptors over their limit, of the process that is nearest to it. */
  readonly fdUsedRatio?: number;
  readonly sockets?: number;
  readonly sentBps?: number;
  readonly receivedBps?: number;
}

const metrics: Record<keyof TargetFigures, MetricName> = {
  cpu: 'target_cpu',
  rssBytes: 'target_rss_bytes',
  threads: 'target_threads',
  fds: 'target_fds',
  fdUsedRatio: 'target_fd_used_ratio',
  sockets: 'target_sockets',
  sentBps: 'target_sent_bps',
  receivedBps: 'target_received_bps',
};

/** Adds what is known to the registry. */
export function addFigures(registry: Registry, tags: Tags, figures: TargetFigures): void {
  for (const [name, value] of Object.entries(figures) as [keyof TargetFigures, number][])
    registry.series(metrics[name], tags).add(value);
}

/** Where figures of a target come from. */
export interface FiguresSource {
  /** Tag of its figures. */
  readonly node: string;
  /** For people: `nginx (process 812 and 2 children)`. */
  readonly description: string;
  /** What is known now. Never rejects: what cannot be read is left out, and told once through `complaint`. */
  sample(nowMs: number): Promise<TargetFigures>;
  /** One sentence on what could not be read since the last call; `null`: nothing new. */
  complaint(): string | null;
}
