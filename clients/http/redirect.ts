import { withoutSecrets } from '../../core/secrets.ts';

export interface RedirectPolicy {
  readonly redirects: number;
  readonly urlChars: number;
  readonly allowDowngrade: boolean;
}

/**
 * Where a `Location` leads (RFC 9110, 15.4): an absolute URL without fragment, or why it is not followed, as it follows
 * "host:port redirected". `visited`: all that was asked for so far, the last one last.
 */
export function followRedirect(
  location: string | undefined,
  visited: readonly string[],
  { redirects, urlChars, allowDowngrade }: RedirectPolicy,
): { readonly url: string } | { readonly refused: string } {
  if (location === undefined) return { refused: 'without saying where' };
  const from = visited.at(-1)!;
  const shown = JSON.stringify(withoutSecrets(location).replace(/\?.*$/, '').slice(0, 200));
  let next: URL;
  try {
    next = new URL(location, from);
  } catch {
    return { refused: `to ${shown}, which is no URL` };
  }
  const { protocol } = next;
  if (protocol !== 'http:' && protocol !== 'https:') {
    return { refused: `to ${shown}, which is no HTTP URL` };
  }
  if (next.href.length > urlChars) return { refused: 'to an endless URL' };
  if (protocol === 'http:' && /^https:/i.test(from) && !allowDowngrade) {
    return { refused: `from https to ${shown}, which players refuse to follow` };
  }
  const url = withoutFragment(next.href);
  if (visited.includes(url)) return { refused: `in a circle, back to ${shown}` };
  if (visited.length > redirects) return { refused: `again after ${redirects} redirects` };
  return { url };
}

export function withoutFragment(url: string): string {
  const hash = url.indexOf('#');
  return hash < 0 ? url : url.slice(0, hash);
}
