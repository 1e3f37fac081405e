const MAX_STREAMS = 1_000;

/** Names of streams in an answer of the API: `["live/a"]`, `[{"name":"live/a"}]`, or either under `streams`. Sorted. */
export function readStreamList(answer: unknown): string[] {
  const list = isObject(answer) ? answer['streams'] : answer;
  if (!Array.isArray(list)) return [];
  const names = list.map((entry: unknown) => (isObject(entry) ? entry['name'] : entry));
  return [...new Set(names.filter((name) => typeof name === 'string'))].sort().slice(0, MAX_STREAMS);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
