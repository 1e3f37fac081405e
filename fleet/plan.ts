import type { HlsOptions, ReconnectPolicy, Timeouts, TlsOptions } from '../clients/viewer.ts';
import type { LinkProfile } from '../core/link/profile.ts';
import type { Protocol } from '../scenarios/schema.ts';
import type { Behaviour } from './behaviour.ts';
import type { LoadShape } from './load-shape.ts';
import type { Popularity } from './popularity.ts';
import type { SessionLength } from './session-length.ts';
import type { Shard } from './share.ts';

/**
 * What a fleet is told to do: plain data that crosses thread borders. Whoever plans (the command line) has resolved
 * everything: addresses, shapes, defaults.
 */
export interface FleetPlan {
  readonly cohorts: readonly FleetCohort[];
  /** Of the session lengths, and of who watches what. */
  readonly seed: number;
  /** Which of several processes that share the plan this one is. Left out: there is one. */
  readonly shard?: Shard;
  /** Addresses of this machine to connect from: start n uses address n modulo their number. Left out: the system's choice. */
  readonly sourceAddresses?: readonly string[];
  /** How far the clock that stamps the frames may be off from ours; 0 where this machine publishes. Goes into `latency_uncertainty_ms`. */
  readonly clockBoundMs: number;
}

export interface FleetCohort {
  readonly name: string;
  readonly streams: readonly FleetStream[];
  /** Who watches which of them. Left out: uniform. */
  readonly popularity?: Popularity;
  readonly shape: LoadShape;
  /** Left out: they watch, from beginning to end. */
  readonly behaviour?: Behaviour;
  /** From the start of the run. */
  readonly startMs: number;
  /** `null`: to the end of the shape. */
  readonly watch: SessionLength | null;
  readonly player: string;
  /** `null`: never. Left out: the client's default. */
  readonly reconnect?: ReconnectPolicy | null;
  readonly timeouts?: Partial<Timeouts>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: TlsOptions;
  readonly hls?: HlsOptions;
  /** Each viewer has a link of its own like this. Left out: none, as fast as the machine. */
  readonly link?: LinkProfile;
}

export interface FleetStream {
  readonly protocol: Protocol;
  /** The tag: application and name, never a query (it may hold a signature). */
  readonly name: string;
  readonly url: string;
}
