/**
 * Which starts of a schedule are whose, when shards (processes, on as many machines) and the workers in each of them
 * (threads) share it:
 *
 *     start     0   1   2   3   4   5   6   7      2 shards, the first with 2 workers, the second with 1
 *     shard     0   1   0   1   0   1   0   1      index mod shards
 *     worker    0   0   1   0   0   0   1   0      (index div shards) mod workers of that shard
 *
 * Every start has one owner whatever the numbers, and the owner of a start changes nothing about it: its time, stream
 * and session length follow from its index alone. So all shards together are exactly the run that one alone would be.
 */
export interface Share {
  readonly shard: number;
  readonly shards: number;
  readonly worker: number;
  /** Of this shard; others may have other numbers of them. */
  readonly workers: number;
}

/** One process of several that carry out the same plan. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** The share of one worker; `shard` left out: the plan is not shared with other processes. */
export function shareOf(shard: Shard | undefined, worker: number, workers: number): Share {
  return { shard: shard?.index ?? 0, shards: shard?.count ?? 1, worker, workers };
}

/** Whether a start, by its index in the whole schedule, is one of this share. */
export function isMine(index: number, { shard, shards, worker, workers }: Share): boolean {
  return index % shards === shard && Math.floor(index / shards) % workers === worker;
}

/** This share of a total (a bound on viewers): the shares add up to it, and none is more than one off another's. */
export function portionOf(total: number, { shard, shards, worker, workers }: Share): number {
  return portion(portion(total, shard, shards), worker, workers);
}

/** What falls on one shard of a total. */
export function shardPortion(total: number, shard: Shard | undefined): number {
  return shard ? portion(total, shard.index, shard.count) : total;
}

function portion(total: number, part: number, parts: number): number {
  if (total === Number.POSITIVE_INFINITY) return total;
  return Math.floor(total / parts) + (part < total % parts ? 1 : 0);
}
