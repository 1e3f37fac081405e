import type { Failure, Reason } from './reason.ts';

/** A server that repeats what it was asked for repeats its query, which may hold a signature. */
const QUERY_FIELD = /([?&][\w.-]+=)[^\s&"']+/g;

/**
 * What a server's close frame (RFC 6455, section 7.4; IANA's registry of close codes) means to a viewer.
 * `code` is `null` where the frame had none; `stream`: without the query; `hasMedia`: audio or video had come.
 */
export function describeClosing(
  code: number | null,
  text: string,
  { where, stream, hasMedia }: { where: string; stream: string; hasMedia: boolean },
): Failure {
  const words = text === '' ? '' : `: ${JSON.stringify(text.replace(QUERY_FIELD, '$1…'))}`;
  const said = `${where} closed the WebSocket (${code === null ? 'no code' : `code ${code}`}${words})`;
  const reason = reasonOf(code);
  if (reason === 'auth') return { reason, detail: `${said}: not allowed; check user, password or signature` };
  if (reason === 'not-found') {
    return { reason, detail: `${said}: no stream ${stream}; check its name and that it is being published` };
  }
  // A server that closes in good order (node-media-server: without a code) has nothing to send, or no more.
  if (reason === 'publisher-gone') {
    return hasMedia
      ? { reason, detail: `${said}; the publisher has probably left` }
      : {
          reason: 'no-media',
          detail: `${said} before any audio or video; check that ${stream} is being published and that its signature is valid`,
        };
  }
  return { reason, detail: `${said}: ${meaningOf(code)}` };
}

function reasonOf(code: number | null): Reason {
  switch (code) {
    case null:
    case 1000:
      return 'publisher-gone';
    // Policy Violation; 3000 and 3003 are registered for it; 4000 + HTTP status is what many applications use.
    case 1008:
    case 3000:
    case 3003:
    case 4401:
    case 4403:
      return 'auth';
    case 4404:
    case 4410:
      return 'not-found';
    default:
      return 'closed';
  }
}

function meaningOf(code: number | null): string {
  switch (code) {
    case 1001:
    case 1012:
      return 'the server is going down or restarting';
    case 1011:
      return 'the server failed; look at its log and load';
    case 1013:
      return 'the server is too busy';
    default:
      return 'the server dropped this viewer; look at its log';
  }
}
