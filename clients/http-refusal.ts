import type { HttpHead } from './http-response.ts';
import type { Failure, Reason } from './reason.ts';

/**
 * What it means that an HTTP server's answer is not the one that was hoped for. `path`: without the query. `what` was
 * asked for: `stream`, or one of the files that make one up (`playlist`, `segment` …).
 */
export function describeHttpRefusal(
  { status, statusText }: HttpHead,
  where: string,
  path: string,
  what = 'stream',
): Failure {
  const answer = `${status} ${statusText}`.trim();
  const failure = (reason: Reason, meaning: string): Failure => ({
    reason,
    detail: `${where} answered ${answer} for ${path}: ${meaning}`,
  });
  if (status === 401 || status === 403) {
    return failure('auth', 'not allowed; check user and password, or the signature and its expiry');
  }
  if (status === 404 || status === 410) {
    const check =
      what === 'segment' || what === 'part'
        ? 'it is gone already, or the playlist names it too soon'
        : 'check its name and that it is being published';
    return failure('not-found', `there is no such ${what}; ${check}`);
  }
  if (status >= 400 && status < 500) return failure('http-4xx', 'the server does not accept the request');
  if (status >= 500 && status < 600) {
    return failure('http-5xx', 'the server failed; look at its log and load');
  }
  return failure('bad-response', `this is no answer to a request for a ${what}`);
}
