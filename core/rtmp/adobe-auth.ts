import type { RtmpUrl } from './url.ts';

/** What the answer needs from outside of pure code. */
export interface AdobeAuthTools {
  md5(bytes: Uint8Array): Uint8Array;
  /** Eight random hexadecimal digits: our own challenge. */
  readonly challenge: string;
}

const utf8 = new TextEncoder();

/**
 * What user and password of an RTMP URL mean to Flash Media Encoder, OBS, ffmpeg and the servers they talk to
 * (Adobe Media Server, Wowza): "authmod=adobe", in no specification. The server refuses `connect`, closes, and says
 * in the description what it wants; the client connects again with the answer in the query of app and tcUrl:
 *
 *     connect app                          → … code=403 need auth; authmod=adobe …
 *     connect app?authmod=adobe&user=U     → … ?reason=needauth&user=U&salt=S&challenge=C&opaque=O
 *     connect app?…&challenge=X&response=R → accepted, or ?reason=authfailed
 *
 * Gives the URL for the next attempt, made from the one of the *first* attempt and the description of the last
 * refusal; null when the refusal is about something else, has no answer, or the URL names no user. A server that
 * repeats its question would be answered for ever: two answers are enough for anybody.
 */
export function answerAdobeAuth(url: RtmpUrl, description: string, tools: AdobeAuthTools): RtmpUrl | null {
  const { user, password = '' } = url;
  if (user === undefined || !/\bauthmod\s*=\s*adobe\b/.test(description)) return null;
  const question = readQuery(description);
  if (question === null) {
    return description.includes('need auth') ? withQuery(url, `?authmod=adobe&user=${user}`) : null;
  }
  const salt = question.get('salt');
  if (question.get('reason') !== 'needauth' || salt === undefined) return null;
  const opaque = question.get('opaque');
  const digest = (text: string) => toBase64(tools.md5(utf8.encode(text)));
  const secret = digest(user + salt + password);
  const response = digest(secret + (opaque ?? question.get('challenge') ?? '') + tools.challenge);
  const answer = `?authmod=adobe&user=${user}&challenge=${tools.challenge}&response=${response}`;
  return withQuery(url, opaque === undefined ? answer : `${answer}&opaque=${opaque}`);
}

/** The parameters behind "?" in the description. Base64 in them ends with "=", so each is cut at its first "=". */
function readQuery(description: string): Map<string, string> | null {
  const start = description.indexOf('?');
  if (start < 0) return null;
  const parameters = description
    .slice(start + 1)
    .trim()
    .split('&');
  return new Map(
    parameters.map((parameter) => {
      const equals = parameter.indexOf('=');
      return equals < 0 ? [parameter, ''] : [parameter.slice(0, equals), parameter.slice(equals + 1)];
    }),
  );
}

function withQuery(url: RtmpUrl, query: string): RtmpUrl {
  return { ...url, app: url.app + query, tcUrl: url.tcUrl + query };
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
