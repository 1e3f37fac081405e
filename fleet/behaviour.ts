import type { ConnectOnly } from '../clients/viewer.ts';
import type { SessionLength } from './session-length.ts';

/**
 * What the viewers of a cohort do other than watch one stream from beginning to end.
 *
 *     zapper             ├ stream 3 ┤├ stream 1 ────┤├ stream 7 ┤      each piece is a session of its own
 *     pause-and-return   ├ watch ───┤  pause  ├ watch ───┤  pause  …   one session
 *     connect-only       ├ connects, holds, leaves      idle  ├ connects, says nothing
 *
 * (A slow reader watches like any other, over a slow link.)
 */
export type Behaviour =
  | { readonly kind: 'zapper'; readonly every: SessionLength }
  | {
      readonly kind: 'pause-and-return';
      /** Watched before each pause. */
      readonly after: SessionLength;
      readonly pause: SessionLength;
      /** `reconnect`: the connection is closed meanwhile. */
      readonly return: 'continue' | 'live' | 'reconnect';
    }
  | ConnectOnly;

/** Whether its visitors watch anything; of others there are connections to count, and no picture to wait for. */
export function watches(behaviour: Behaviour | undefined): boolean {
  return behaviour?.kind !== 'connect-only' && behaviour?.kind !== 'idle';
}

/**
 * Whether who does this goes on after a session that failed: a zapper zaps on, a flood does not mind. Others have given
 * up, and stay away.
 */
export function isUndeterred(behaviour: Behaviour | undefined): boolean {
  return behaviour?.kind === 'zapper' || behaviour?.kind === 'connect-only';
}
