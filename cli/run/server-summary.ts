import type { MetricName } from '../../metrics/catalogue.ts';
import type { Registry } from '../../metrics/registry.ts';
import type { ServerSummary } from '../../metrics/summary.ts';

const figures: Readonly<Record<string, MetricName>> = {
  cpu: 'target_cpu',
  rssBytes: 'target_rss_bytes',
  sockets: 'target_sockets',
  sentBps: 'target_sent_bps',
  receivedBps: 'target_received_bps',
  threads: 'target_threads',
  fds: 'target_fds',
  fdUsedRatio: 'target_fd_used_ratio',
};

/**
 * The target's figures over the run: the mean of each under its name, the highest one second under `…Max`.
 * @param readFrom what they were read from, for people
 */
export function serverSummary(registry: Registry, readFrom: readonly string[]): ServerSummary {
  const summary: Record<string, number | string | null> = {};
  for (const [name, metric] of Object.entries(figures)) {
    // Of a target that is read here and tells of itself, what was seen here counts.
    const total = registry.total(metric, { node: 'target' }) ?? registry.total(metric);
    if (total === null) continue;
    summary[name] = total.read('avg', 0);
    summary[`${name}Max`] = total.read('max', 0);
  }
  if (readFrom.length > 0) summary['readFrom'] = readFrom.join('; ');
  return summary;
}
