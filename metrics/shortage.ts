/**
 * What a thread of the generator was short of in a second that is not valid:
 * - `cpu`                it used a whole core itself
 * - `waiting-for-cpu`    it was ready to run and others had the processors
 * - `garbage-collection` collecting garbage held it up
 * - `memory`             the same, and its heap is nearly full
 * - `blocked`            one piece of its own work held it up
 * - `suspended`          it neither ran nor waited for a processor: it, or the whole machine, was stopped, or it waited for a disk
 */
export const busyCauses = [
  'cpu',
  'waiting-for-cpu',
  'garbage-collection',
  'memory',
  'blocked',
  'suspended',
] as const;
export type BusyCause = (typeof busyCauses)[number];

/** What makes a run inconclusive: the generator was short of it, or could not trust it. */
export type Shortage = BusyCause | 'ports' | 'file-descriptors' | 'clock' | 'source';

/** Why a run is not to be believed: what was short, and one sentence with how much and what helps. */
export interface GeneratorDoubt {
  readonly shortage: Shortage;
  readonly sentence: string;
}
