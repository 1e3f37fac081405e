import type { Shard } from '../../fleet/share.ts';
import { formatDuration } from '../../scenarios/units.ts';

/** The most processes that share a run. */
const MAX_SHARDS = 10_000;
/** A start further away than this is a slip of the finger: a wrong day, or milliseconds taken for seconds. */
const MAX_WAIT_MS = 24 * 3_600_000;

/** `2/4` as people count, from 1; throws an Error of half a sentence. */
export function parseShard(text: string): Shard {
  const [, number, count] = /^(\d{1,5})\/(\d{1,5})$/.exec(text.trim()) ?? [];
  if (number === undefined)
    throw new Error(`"${text}" is not a shard; write its number and how many there are, as in 2/4`);
  const shard = { index: Number(number) - 1, count: Number(count) };
  if (shard.count < 1 || shard.count > MAX_SHARDS)
    throw new Error(`there are 1 to ${MAX_SHARDS} shards, not ${count}`);
  if (shard.index < 0 || shard.index >= shard.count)
    throw new Error(`${text} is not a shard: they are numbered from 1 to ${shard.count}`);
  return shard;
}

/** `2/4`. */
export function formatShard({ index, count }: Shard): string {
  return `${index + 1}/${count}`;
}

/**
 * The moment at which all shards begin: a time with its zone (`2026-11-23T18:00:00Z`), or seconds since the epoch (`date +%s`).
 * @returns milliseconds since the epoch; whole seconds, because figures are those of whole seconds
 * @throws Error of half a sentence
 */
export function parseStartAt(text: string, nowMs: number): number {
  const trimmed = text.trim();
  const epoch = /^\d{9,11}$/.test(trimmed);
  const hasZone = /T\d\d:\d\d.*(?:Z|[+-]\d\d:?\d\d)$/i.test(trimmed);
  const wallMs = epoch ? Number(trimmed) * 1_000 : hasZone ? Date.parse(trimmed) : Number.NaN;
  if (!Number.isFinite(wallMs))
    throw new Error(
      `"${text}" is not a moment; write a time with its zone, as in 2026-11-23T18:00:00Z, or seconds since 1970, as date +%s prints them`,
    );
  const startMs = Math.ceil(wallMs / 1_000) * 1_000;
  if (startMs <= nowMs)
    throw new Error(`${text} was ${formatDuration(roughly(nowMs - startMs))} ago; name a moment to come`);
  if (startMs - nowMs > MAX_WAIT_MS)
    throw new Error(`${text} is more than ${formatDuration(MAX_WAIT_MS)} away; name a moment within a day`);
  return startMs;
}

function roughly(ms: number): number {
  return Math.max(1, Math.round(ms / 1_000)) * 1_000;
}
