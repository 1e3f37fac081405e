/** The CPU budget: whether there is room for one more ladder. */
export interface RunningLadder {
  readonly stream: string;
  /** It works below real time now. */
  readonly strained: boolean;
}

/** @returns why not, as one sentence; null: it may start */
export function refuseLadder(running: readonly RunningLadder[], maxLadders: number): string | null {
  if (running.length >= maxLadders)
    return `${running.length} of at most ${maxLadders} ladders run (transcode.maxLadders)`;
  const strained = running.find((ladder) => ladder.strained);
  if (strained !== undefined)
    return `the ladder of ${strained.stream} is below real time: one more would choke both`;
  return null;
}
