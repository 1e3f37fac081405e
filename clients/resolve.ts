import dns from 'node:dns';
import type { LookupFunction } from 'node:net';

type Answer = Parameters<LookupFunction>[2];

/**
 * Resolves names for `net.connect`, one query at a time per name: connections that begin while a query for their host
 * is under way share its answer. Nothing is remembered after that, so a name whose answer changes is followed at once.
 *
 * Without this a thousand viewers that start in the same second would queue for libuv's four threads, and the
 * waiting would be measured as the server's connect time. `query` is `dns.lookup` outside tests.
 */
export function sharedLookup(query: typeof dns.lookup): LookupFunction {
  const waiting = new Map<string, Answer[]>();
  return (host, options, answer) => {
    const key = `${host} ${options.family ?? 0} ${options.hints ?? 0} ${options.all ?? false}`;
    const others = waiting.get(key);
    if (others) {
      others.push(answer);
      return;
    }
    const askers = [answer];
    waiting.set(key, askers);
    query(host, options, (error, address, family) => {
      waiting.delete(key);
      for (const asker of askers) asker(error, address as never, family);
    });
  };
}

export const lookup: LookupFunction = sharedLookup(dns.lookup);
