/**
 * Why a session failed: the closed list behind every `reason` tag, so that the number of series stays bounded.
 * The metrics catalogue repeats it (a test checks that they agree). Each ending has one of these and one sentence.
 */
export const reasons = [
  /** Nobody listens at the address (ECONNREFUSED), or no route leads there. */
  'refused',
  /** The TCP connection was not made in time. */
  'connect-timeout',
  /** The host name could not be resolved, or not in time. */
  'dns',
  /** The peer or something between cut the connection (ECONNRESET, EPIPE, time-out in the kernel). */
  'reset',
  /** The TLS handshake failed: certificate, version, or no TLS at all on that port. */
  'tls',
  /** Login or signature is wrong or missing: HTTP 401/403, an RTMP refusal that says so. */
  'auth',
  /** No such stream: HTTP 404/410, `NetStream.Play.StreamNotFound`. */
  'not-found',
  'http-4xx',
  'http-5xx',
  /** More redirects than are followed, a redirect to another kind of URL, or one with no target. */
  'http-redirect',
  /** The server answered but sent no audio or video, or stopped sending it. */
  'no-media',
  /** Video came, but no key picture that a decoder could start with. */
  'no-key-frame',
  /** The bytes are not the media format that they should be. */
  'bad-media',
  /** Bytes came, but too slowly to be of use: a dripping answer, a key picture that never got complete. */
  'too-slow',
  /** The server said that the publisher has left. */
  'publisher-gone',
  /** The server closed the connection in good order and said nothing. */
  'closed',
  /** The RTMP server refused `connect`, `createStream`, `play` or `publish` for another reason than the above. */
  'rtmp-refused',
  /** The answer is not the protocol that was asked for: not HTTP, not RTMP, a web page instead of a stream. */
  'bad-response',
  /** The connection was made, and then the peer said nothing. */
  'first-byte-timeout',
  /** Not the server's fault: this machine ran out of ports, file descriptors or memory. */
  'generator-limit',
] as const;

export type Reason = (typeof reasons)[number];

/** Reasons that mean that nobody answered at the address: the target was not reached at all. */
export const nobodyAnswered: ReadonlySet<string> = new Set<Reason>([
  'refused',
  'connect-timeout',
  'dns',
  'first-byte-timeout',
]);

/** How a session, or one attempt of it, came to grief. */
export interface Failure {
  readonly reason: Reason;
  /** One clear sentence: what happened, where, and what may help. */
  readonly detail: string;
}

/**
 * Whether a failure may pass: servers restart, publishers come back under the same name, networks recover. A wrong
 * password, a certificate or a peer that speaks another language will be as wrong the next time.
 */
export function isWorthRetrying(reason: Reason): boolean {
  switch (reason) {
    case 'refused':
    case 'connect-timeout':
    case 'dns':
    case 'reset':
    case 'not-found':
    case 'http-5xx':
    case 'no-media':
    case 'no-key-frame':
    case 'too-slow':
    case 'publisher-gone':
    case 'closed':
    case 'rtmp-refused':
    case 'first-byte-timeout':
      return true;
    case 'tls':
    case 'auth':
    case 'http-4xx':
    case 'http-redirect':
    case 'bad-media':
    case 'bad-response':
    case 'generator-limit':
      return false;
  }
}
