/**
 * Who may publish or play what: one decision for RTMP, HTTP-FLV and WS-FLV (defects 1, 4 and 5).
 *
 * It is taken before node-media-server hears of the request, so a refused one leaves no trace in it: no event, no
 * empty stream, no session.
 */
import { checkHotlink, type HotlinkRules, type PageHeaders } from '../../gate/hotlink.ts';
import { type LimitFault, type Limits, limitStatus } from '../../gate/limits.ts';
import { checkSignature, type SignatureFault, type SignatureRules } from '../../gate/sign.ts';
import { nameRule, type StreamPath } from './stream-path.ts';

export type Role = 'publish' | 'play';
export type StreamState = 'idle' | 'publishing' | 'reconnecting';

export type RefusalReason =
  | 'bad-name'
  | `signature-${SignatureFault}`
  | 'hotlink'
  | 'not-found'
  | 'already-published'
  | LimitFault
  /** Not a stream's path at all. */
  | 'no-such-path'
  | 'bad-method'
  /** What is no HTTP, is too large, or takes too long. */
  | 'bad-request'
  /** A TLS handshake that came to nothing. */
  | 'bad-tls';

/** How a request is turned down, in the words of each protocol. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly httpStatus: 400 | 401 | 403 | 404 | 409 | 429 | 503;
  readonly rtmpCode: string;
  /** One ASCII sentence (node-media-server's AMF0 writer counts characters, not bytes). */
  readonly sentence: string;
}

export interface Entrance {
  readonly role: Role;
  /** null: the names were not valid. */
  readonly path: StreamPath | null;
  /** The `sign` value of the query, null when there was none. */
  readonly signature: string | null;
  /** Of the client, as the socket tells it. */
  readonly address: string | undefined;
  /** Where a browser says it is; null on RTMP, which no browser speaks. */
  readonly page: PageHeaders | null;
}

export interface AdmissionRules {
  /** Signatures are demanded for a role exactly when it has secrets. */
  readonly signatures: Readonly<Record<Role, SignatureRules>>;
  /** Signs what the parts of the stack ask of each other: neither limits nor lists of pages are for them. */
  readonly internalSecret: string | null;
  readonly hotlink: HotlinkRules;
  readonly limits: Limits;
  stateOf(path: StreamPath): StreamState;
  /** Seconds since the epoch. */
  nowS(): number;
}

export type Admission =
  | { readonly refusal: Refusal }
  /** `release` is to be called when the connection has gone. */
  | { readonly refusal: null; readonly path: StreamPath; readonly release: () => void };

/** Refuses, or lets in and counts. */
export function admit(entrance: Entrance, rules: AdmissionRules): Admission {
  const { role, path, address } = entrance;
  if (path === null) return { refusal: refusal(role, 'bad-name', 400, `Bad stream name: ${nameRule}.`) };
  const internal = isInternal(entrance.signature, path, rules);
  const refused =
    // Who may not play a stream is not told whether it is there: that comes last but one.
    (internal ? null : (signatureRefusal(entrance, path, rules) ?? pageRefusal(entrance, rules))) ??
    stateRefusal(role, path, rules.stateOf(path)) ??
    (internal ? null : limitRefusal(role, path, rules.limits.fault(role, path, address)));
  if (refused !== null) return { refusal: refused };
  return { refusal: null, path, release: internal ? () => {} : rules.limits.take(role, path, address) };
}

function isInternal(signature: string | null, path: StreamPath, rules: AdmissionRules): boolean {
  const { internalSecret, nowS } = rules;
  return internalSecret !== null && checkSignature(signature, path, internalSecret, nowS()) === null;
}

function signatureRefusal(
  { role, signature }: Entrance,
  path: StreamPath,
  rules: AdmissionRules,
): Refusal | null {
  const signatures = rules.signatures[role];
  if (signatures.secrets.length === 0) return null;
  const fault = checkSignature(signature, path, signatures, rules.nowS());
  if (fault === null) return null;
  if (fault === 'missing')
    return refusal(role, 'signature-missing', 401, `To ${role} ${path} a signed URL (?sign=...) is needed.`);
  const sentence =
    fault === 'lifetime'
      ? `The signature of the URL for ${path} is good for longer than is allowed here.`
      : `The signature of the URL for ${path} is ${fault}.`;
  return refusal(role, `signature-${fault}`, 403, sentence);
}

function pageRefusal({ role, page }: Entrance, { hotlink }: AdmissionRules): Refusal | null {
  if (role === 'publish' || page === null || checkHotlink(page, hotlink) === null) return null;
  return refusal(role, 'hotlink', 403, 'The page that this request comes from may not play streams of here.');
}

function stateRefusal(role: Role, path: StreamPath, state: StreamState): Refusal | null {
  if (role === 'play' && state === 'idle')
    return refusal(role, 'not-found', 404, `No stream ${path} is being published.`);
  if (role === 'publish' && state === 'publishing')
    return refusal(role, 'already-published', 409, `The stream ${path} already has a publisher.`);
  return null;
}

function limitRefusal(role: Role, path: StreamPath, fault: LimitFault | null): Refusal | null {
  if (fault === null) return null;
  const whom = role === 'play' ? 'viewers' : 'publishers';
  const sentences: Record<LimitFault, string> = {
    'stream-full': `The stream ${path} has as many viewers as it may have.`,
    'address-full': `There are as many ${whom} at this address as there may be.`,
    'server-full': `The server has as many ${whom} as it may have.`,
  };
  return refusal(role, fault, limitStatus(fault), sentences[fault]);
}

/** RTMP's codes: RTMP 1.0 leaves them open; these are the ones of Adobe's servers that players and encoders know. */
function refusal(
  role: Role,
  reason: RefusalReason,
  httpStatus: Refusal['httpStatus'],
  sentence: string,
): Refusal {
  return { reason, httpStatus, rtmpCode: rtmpCode(role, httpStatus), sentence };
}

function rtmpCode(role: Role, httpStatus: Refusal['httpStatus']): string {
  const stream = role === 'play' ? 'NetStream.Play' : 'NetStream.Publish';
  if (httpStatus === 401 || httpStatus === 403) return `${stream}.Unauthorized`;
  if (httpStatus === 429 || httpStatus === 503) return `${stream}.Failed`;
  return role === 'play' ? `${stream}.StreamNotFound` : `${stream}.BadName`;
}
