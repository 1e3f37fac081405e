/**
 * Who may publish or play what: one pure decision for RTMP, HTTP-FLV and WS-FLV (defects 1, 4 and 5).
 *
 * It is taken before node-media-server hears of the request, so a refused one leaves no trace in it: no event, no
 * empty stream, no session.
 */
import { checkSignature } from '../../gate/sign.ts';
import { nameRule, type StreamPath } from './stream-path.ts';

export type Role = 'publish' | 'play';
export type StreamState = 'idle' | 'publishing' | 'reconnecting';

export type RefusalReason =
  | 'bad-name'
  | 'signature-missing'
  | 'signature-wrong'
  | 'signature-expired'
  | 'signature-lifetime'
  | 'not-found'
  | 'already-published';

/** How a request is turned down, in the words of each protocol. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly httpStatus: 400 | 401 | 403 | 404 | 409;
  readonly rtmpCode: string;
  /** One ASCII sentence (node-media-server's AMF0 writer counts characters, not bytes). */
  readonly sentence: string;
}

export interface AdmissionRules {
  /** Signatures are demanded for a role exactly when its secret is set. */
  readonly secrets: Readonly<Partial<Record<Role, string>>>;
  stateOf(path: StreamPath): StreamState;
  /** Seconds since the epoch. */
  nowS(): number;
}

/**
 * @param path null: the names were not valid
 * @param signature the `sign` value of the query, null when there was none
 * @returns null when the request may go on
 */
export function admit(
  role: Role,
  path: StreamPath | null,
  signature: string | null,
  rules: AdmissionRules,
): Refusal | null {
  if (path === null) return refusal(role, 'bad-name', 400, `Bad stream name: ${nameRule}.`);
  const secret = rules.secrets[role];
  // Signatures come before existence: who may not play a stream is not told whether it is there.
  if (secret !== undefined) {
    const fault = checkSignature(signature, path, secret, rules.nowS());
    if (fault === 'missing')
      return refusal(
        role,
        'signature-missing',
        401,
        `To ${role} ${path} a signed URL (?sign=...) is needed.`,
      );
    if (fault !== null)
      return refusal(role, `signature-${fault}`, 403, `The signature of the URL for ${path} is ${fault}.`);
  }
  const state = rules.stateOf(path);
  if (role === 'play' && state === 'idle')
    return refusal(role, 'not-found', 404, `No stream ${path} is being published.`);
  if (role === 'publish' && state === 'publishing')
    return refusal(role, 'already-published', 409, `The stream ${path} already has a publisher.`);
  return null;
}

/** RTMP's codes: RTMP 1.0 leaves them open; these are the ones of Adobe's servers that players and encoders know. */
function refusal(
  role: Role,
  reason: RefusalReason,
  httpStatus: Refusal['httpStatus'],
  sentence: string,
): Refusal {
  const stream = role === 'play' ? 'NetStream.Play' : 'NetStream.Publish';
  const unauthorized = httpStatus === 401 || httpStatus === 403;
  const rtmpCode = unauthorized
    ? `${stream}.Unauthorized`
    : role === 'play'
      ? 'NetStream.Play.StreamNotFound'
      : 'NetStream.Publish.BadName';
  return { reason, httpStatus, rtmpCode, sentence };
}
