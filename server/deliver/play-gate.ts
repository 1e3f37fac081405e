/**
 * Who may play: the one place where a request for playlists, segments, parts, init segments and keys is let through or not.
 * One signature of `/app/name` is good for all of a stream, its rungs included; playlists carry it on to what they name.
 */
import { type GateOptions, gateRules } from '../gate/gate-options.ts';
import { checkHotlink, type PageHeaders } from '../gate/hotlink.ts';
import { checkSignature, signUrl } from '../gate/sign.ts';

export interface Refusal {
  readonly status: 401 | 403;
  /** Stable, for logs and counters. */
  readonly reason: string;
  readonly sentence: string;
}

export interface PlayGate {
  /** @param stream `live/room` @param sign the query's; null where there was none */
  check(stream: string, sign: string | null, page: PageHeaders): Refusal | null;
  /** No signature is needed. */
  readonly isOpen: boolean;
}

/** Of a rung: `live/room` for `live/room_720p`. Null for what is none. @param rungs `720p` … */
export function sourceOf(stream: string, rungs: readonly string[]): string | null {
  const rung = rungs.find((name) => stream.endsWith(`_${name}`));
  return rung === undefined ? null : stream.slice(0, -rung.length - 1);
}

const sentences = {
  missing: 'This stream needs a signature: ?sign=EXPIRES-MD5.',
  wrong: 'The signature is not valid for this stream.',
  expired: 'The signature has expired.',
  lifetime: 'The signature is valid for longer than this server allows.',
} as const;

/** @param nowS seconds since the epoch */
export function createPlayGate(options: GateOptions, rungs: readonly string[], nowS: () => number): PlayGate {
  const { signatures, hotlink } = gateRules(options);
  const isOpen = signatures.play.secrets.length === 0;
  return {
    isOpen,
    check: (stream, sign, page) => {
      if (checkHotlink(page, hotlink) !== null)
        return {
          status: 403,
          reason: 'hotlink',
          sentence: 'The page that this is played on is not allowed.',
        };
      if (isOpen) return null;
      // A rung's own signature, or its source's, whose multivariant playlist names it.
      const names = [stream, sourceOf(stream, rungs)].filter((name) => name !== null);
      const faults = names.map((name) => checkSignature(sign, `/${name}`, signatures.play, nowS()));
      if (faults.includes(null)) return null;
      const fault = faults.find((one) => one !== 'wrong') ?? 'wrong';
      return {
        status: fault === 'missing' ? 401 : 403,
        reason: `signature-${fault}`,
        sentence: sentences[fault],
      };
    },
  };
}

const PULL_VALID_S = 60;

/** Where the ingest has the stream; signed as one part of the stack, or else as a viewer where those need it. */
export function signedPullUrl(
  ingestUrl: string,
  stream: string,
  { internalSecret, gate }: { readonly internalSecret: string | undefined; readonly gate: GateOptions },
  wallMs: number,
): string {
  const url = `${ingestUrl}/${stream}.flv`;
  const { secrets, maxLifetimeS } = gateRules(gate).signatures.play;
  const secret = internalSecret ?? secrets[0];
  if (secret === undefined) return url;
  return signUrl(url, secret, wallMs / 1_000 + Math.min(PULL_VALID_S, maxLifetimeS ?? PULL_VALID_S));
}
