/** `docs/metrics.md`, made from the catalogue so that the two cannot disagree. */
import {
  catalogue,
  hlsViolations,
  type Metric,
  type MetricSubject,
  reasons,
  tagNames,
  tsViolations,
} from './catalogue.ts';

const chapters: Record<MetricSubject, { title: string; intro: string }> = {
  viewer: {
    title: "A viewer's session",
    intro:
      'Measured by every simulated viewer. Times are taken with a monotonic clock from the intended start, so that a start that came late counts against the figures.',
  },
  publisher: { title: 'A publisher', intro: 'Measured by every publisher that streamgauge runs.' },
  stream: { title: 'A stream, looked at by a probe', intro: 'Few streams, looked at deeply.' },
  target: {
    title: 'The server under test, about itself',
    intro:
      'Read once a second beside the viewers: from /proc where the target runs on this machine, by process id or by the port that it listens on, with all its child processes; or from a Prometheus address. Sockets and bytes are read more seldom where there are thousands (docs/server-figures.md).',
  },
  generator: {
    title: 'The generator, about itself',
    intro:
      'Whether the other figures may be believed. A second in which a worker lags or is out of CPU is invalid; a run with more than 5 % of them is inconclusive.',
  },
};

/** The whole document as Markdown. */
export function renderMetricsDoc(): string {
  const subjects = Object.keys(chapters) as MetricSubject[];
  return `${[
    '# Metrics',
    'Made from `metrics/catalogue.ts` by `npx vitest run --project unit metrics/metrics-doc -u`; do not edit.',
    'Definitions follow CTA-2066 where it has one.',
    ...subjects.flatMap(renderChapter),
    '## Types',
    [
      '| Type | Holds | Thresholds may use |',
      '|---|---|---|',
      '| trend | many samples a second, in a mergeable histogram: percentiles within 0.5 % | `avg` `med` `min` `max` `count` `p(N)` |',
      '| counter | a sum of increments; `rate` is per second over the run | `count` `rate` |',
      '| gauge | a sampled state: the last sample, and min, mean and max of all | `value` `avg` `min` `max` |',
      '| ratio | the ratio of two sums, never a mean of ratios | `value` `rate` (the same) |',
    ].join('\n'),
    'A percentile is taken by nearest rank: the smallest sample that at least N % of all samples do not exceed.',
    'A threshold on a metric without data is not met. A counter that nobody incremented reads 0 as long as something else was measured under the same tags.',
    '## Tags',
    `A closed list, none of them unbounded: ${words(tagNames)}.`,
    `Values of \`reason\` on session metrics: ${words(reasons)}.`,
    `On \`hls_violations\`: ${words(hlsViolations)}. On \`ts_violations\`: ${words(tsViolations)}.`,
  ].join('\n\n')}\n`;
}

function renderChapter(subject: MetricSubject): string[] {
  const { title, intro } = chapters[subject];
  const rows = catalogue.filter((metric) => metric.subject === subject).map(renderRow);
  return [
    `## ${title}`,
    intro,
    ['| Metric | Type | Unit | Meaning | Tags |', '|---|---|---|---|---|', ...rows].join('\n'),
  ];
}

function renderRow({ name, type, unit, help, tags, numerator, denominator }: Metric): string {
  const sums = numerator ? ` Σ ${numerator} / Σ ${denominator}.` : '';
  return `| \`${name}\` | ${type} | ${unit} | ${help}${sums} | ${tags.join(' ')} |`;
}

function words(list: readonly string[]): string {
  return list.map((word) => `\`${word}\``).join(' ');
}
