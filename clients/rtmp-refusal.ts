import type { Failure } from './reason.ts';

/** Words about permission, and not those that look like it in names of streams ("design", "author"). */
const PERMISSION = /(?:\b|un|not)auth(?!ors?\b)|\bsign(?:ed|ature)?\b|forbidden|denied|permission|token/i;
/** A server that repeats what it was asked for repeats its query, which may hold a signature. */
const QUERY_FIELD = /([?&](?!reason=)[\w.-]+=)[^\s&"'()[\],;]+/g;

/**
 * What an RTMP server's "no" means. Servers agree on few codes, so the description counts too: an unsigned or wrongly
 * signed request is refused with words such as "auth", "sign", "forbidden".
 */
export function describeRefusal(code: string, description: string, what: string): Failure {
  const said =
    [code, description]
      .filter((words) => words !== '')
      .join(': ')
      .replace(QUERY_FIELD, '$1…') || 'no reason given';
  // Names of the query's fields are the caller's words, not the server's.
  const words = `${code} ${description.replace(QUERY_FIELD, '')}`;
  if (/StreamNotFound|not[ _-]?found|no such stream/i.test(words)) {
    return {
      reason: 'not-found',
      detail: `${what} does not exist (${said}); check its name and that it is being published`,
    };
  }
  if (PERMISSION.test(words)) {
    return {
      reason: 'auth',
      detail: `${what} was refused for want of permission (${said}); check user, password or signature`,
    };
  }
  if (/BadName|already (publish|exist|in use)|duplicate|occupied/i.test(words)) {
    return {
      reason: 'rtmp-refused',
      detail: `${what} is already being published by somebody else (${said}); choose another name or end the other publisher`,
    };
  }
  return { reason: 'rtmp-refused', detail: `${what} was refused by the server (${said})` };
}
