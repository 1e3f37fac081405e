import type { ViewerState } from '../clients/viewer.ts';

/** How many viewers are in which state. */
export type ViewerStates = Record<ViewerState, number>;

export function noStates(): ViewerStates {
  return { connecting: 0, starting: 0, playing: 0, stalled: 0, paused: 0, reconnecting: 0, ended: 0 };
}

export function addStates(into: ViewerStates, more: Readonly<ViewerStates>): void {
  for (const state of Object.keys(into) as ViewerState[]) into[state] += more[state];
}
