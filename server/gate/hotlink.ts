/**
 * Hot-link protection: pages of strangers may not play our streams. A browser says in `Origin` or `Referer` on whose
 * page it is, and a page cannot make it say anything else; any other program can say what it likes, so this keeps
 * out other people's sites, not other people's programs. For those there are signatures.
 */

export interface HotlinkRules {
  /**
   * Pages that may play: `example.com` (any scheme and port), `*.example.com` (what is below it, not itself), or an
   * origin, `https://example.com:8443` (exactly that). The page's host being the server's own is always fine.
   * null: everybody may.
   */
  readonly allowedOrigins: readonly string[] | null;
  /**
   * Whether who names no page may play. Players that are no browser name none; nor does a page that sets
   * `Referrer-Policy: no-referrer`, as long as it plays in a way that sends no `Origin` (an HLS `<video src>` does so, the
   * requests of mpegts.js and hls.js, and every WebSocket, always send one).
   */
  readonly emptyReferer: 'allow' | 'refuse';
}

/** The headers of a request that tell whose page it comes from. */
export interface PageHeaders {
  readonly origin?: string | undefined;
  readonly referer?: string | undefined;
  /** The server's own name, as the client calls it. */
  readonly host?: string | undefined;
}

export const allowEveryPage: HotlinkRules = { allowedOrigins: null, emptyReferer: 'allow' };

/** What an entry of `allowedOrigins` looks like. */
export const allowedOriginPattern =
  /^(?:https?:\/\/)?(?:\*\.)?(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Whether the page that a request comes from may play. @returns what is wrong; null is nothing */
export function checkHotlink(page: PageHeaders, rules: HotlinkRules): 'hotlink' | null {
  const { allowedOrigins, emptyReferer } = rules;
  if (allowedOrigins === null) return null;
  // Origin is the surer one: no policy of a page leaves it out of a request across origins.
  const said = page.origin ?? page.referer ?? '';
  if (said === '') return emptyReferer === 'allow' ? null : 'hotlink';
  const url = webUrl(said);
  // `Origin: null` is a page that hides (a sandboxed frame, a file): a stranger, not nobody.
  if (url === null) return 'hotlink';
  if (page.host !== undefined && webUrl(`http://${page.host}`)?.hostname === url.hostname) return null;
  return allowedOrigins.some((allowed) => fits(url, allowed.toLowerCase())) ? null : 'hotlink';
}

function fits(page: URL, allowed: string): boolean {
  if (allowed.includes('://')) return webUrl(allowed)?.origin === page.origin;
  if (allowed.startsWith('*.')) return page.hostname.endsWith(allowed.slice(1));
  return page.hostname === allowed || page.host === allowed;
}

function webUrl(text: string): URL | null {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return null;
  return new URL(text);
}
