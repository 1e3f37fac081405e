/**
 * How many may publish and play at once: per stream, per client address, and as a whole. Who is above a limit is
 * turned away before anything is made for it; who is in never notices.
 *
 * One object counts for all protocols of a process. What other processes count (viewers of HLS are in another one
 * than those of FLV and RTMP) comes in as a `ViewerCounts` now and then and is added to what is counted here.
 */

/** null: no limit. */
export interface LimitRules {
  readonly viewers: number | null;
  readonly viewersPerStream: number | null;
  readonly viewersPerAddress: number | null;
  readonly publishers: number | null;
  readonly publishersPerAddress: number | null;
}

export const noLimits: LimitRules = {
  viewers: null,
  viewersPerStream: null,
  viewersPerAddress: null,
  publishers: null,
  publishersPerAddress: null,
};

/** Which limit is reached. */
export type LimitFault = 'stream-full' | 'address-full' | 'server-full';

export type LimitedRole = 'publish' | 'play';

/** How long who was turned away should wait, in seconds: HTTP's `Retry-After`. */
export const retryAfterS = 5;

/** The status of HTTP: 429 is "you are too many", 503 is "there are too many". */
export function limitStatus(fault: LimitFault): 429 | 503 {
  return fault === 'address-full' ? 429 : 503;
}

/** One process's viewers, for the others to reckon with. Plain data. */
export interface ViewerCounts {
  readonly viewers: number;
  readonly streams: Readonly<Record<string, number>>;
  readonly addresses: Readonly<Record<string, number>>;
}

export class Limits {
  readonly #rules: LimitRules;
  /** Entries only for who is there now, and only where there is a limit: the maps are as bounded as connections are. */
  readonly #streams = new Map<string, number>();
  readonly #viewerAddresses = new Map<string, number>();
  readonly #publisherAddresses = new Map<string, number>();
  #viewers = 0;
  #publishers = 0;
  #elsewhere: { viewers: number; streams: Map<string, number>; addresses: Map<string, number> } = {
    viewers: 0,
    streams: new Map(),
    addresses: new Map(),
  };

  constructor(rules: LimitRules) {
    this.#rules = rules;
  }

  /**
   * Which limit one more would break; null is none.
   * @param streamPath `/app/name` @param address as the socket tells it
   */
  fault(role: LimitedRole, streamPath: string, address: string | undefined): LimitFault | null {
    const rules = this.#rules;
    const client = addressKey(address);
    if (role === 'publish') {
      if (isFull(rules.publishersPerAddress, this.#publisherAddresses.get(client))) return 'address-full';
      return isFull(rules.publishers, this.#publishers) ? 'server-full' : null;
    }
    const { viewers, streams, addresses } = this.#elsewhere;
    // The narrowest first: it is the one whose reason helps.
    if (isFull(rules.viewersPerAddress, this.#viewerAddresses.get(client), addresses.get(client)))
      return 'address-full';
    if (isFull(rules.viewersPerStream, this.#streams.get(streamPath), streams.get(streamPath)))
      return 'stream-full';
    return isFull(rules.viewers, this.#viewers, viewers) ? 'server-full' : null;
  }

  /**
   * Counts one more, whether or not there is room: ask `fault` first, with nothing in between.
   * @returns to be called when it has gone; a second call does nothing
   */
  take(role: LimitedRole, streamPath: string, address: string | undefined): () => void {
    const client = addressKey(address);
    this.#count(role, streamPath, client, 1);
    let there = true;
    return () => {
      if (!there) return;
      there = false;
      this.#count(role, streamPath, client, -1);
    };
  }

  /** The viewers counted here. Streams and addresses are in it only where a limit needs them. */
  get counts(): ViewerCounts {
    return {
      viewers: this.#viewers,
      streams: Object.fromEntries(this.#streams),
      addresses: Object.fromEntries(this.#viewerAddresses),
    };
  }

  /** What all others count, instead of what they counted before. */
  set elsewhere(counts: ViewerCounts) {
    this.#elsewhere = {
      viewers: counts.viewers,
      streams: new Map(Object.entries(counts.streams)),
      addresses: new Map(Object.entries(counts.addresses)),
    };
  }

  #count(role: LimitedRole, streamPath: string, client: string, by: 1 | -1): void {
    const rules = this.#rules;
    if (role === 'publish') {
      this.#publishers += by;
      if (rules.publishersPerAddress !== null) change(this.#publisherAddresses, client, by);
      return;
    }
    this.#viewers += by;
    if (rules.viewersPerStream !== null) change(this.#streams, streamPath, by);
    if (rules.viewersPerAddress !== null) change(this.#viewerAddresses, client, by);
  }
}

/**
 * What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which is the least that one
 * subscriber has (RFC 6177, 2). An IPv4 address within IPv6 (`::ffff:192.0.2.1`) is that IPv4 address.
 */
export function addressKey(address: string | undefined): string {
  if (address === undefined) return '';
  const plain = address
    .toLowerCase()
    .replace(/^::ffff:(?=\d+\.)/, '')
    .replace(/%.*$/, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(Math.max(0, missing)).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

function isFull(limit: number | null, here = 0, elsewhere = 0): boolean {
  return limit !== null && here + elsewhere >= limit;
}

function change(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
