import type { TagName, Tags } from './catalogue.ts';

/** The identity of a series: the same for the same tags in any order, different for any other tags. */
export function seriesKey(metric: string, tags: Tags): string {
  const pairs = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([metric, pairs]);
}

/** Whether a series' tags include all of a selector's. */
export function matches(tags: Tags, selector: Tags): boolean {
  return Object.entries(selector).every(([name, value]) => tags[name as TagName] === value);
}
