import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** A page in a browser, and what it did that a good page does not. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors on its console, and what its scripts threw. */
  readonly errors: string[];
  /** Origins that it asked for anything: `http://127.0.0.1:8080`. */
  readonly origins: Set<string>;
}

/** Debian's Chromium, without a window. */
export function startBrowser(executablePath: string): Promise<Browser> {
  // Its sandbox wants what containers do not give, and it only opens pages of ours.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** Opens an empty page with a cookie jar of its own. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors: string[] = [];
  const origins = new Set<string>();
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    // Media that the page hands to its own video element.
    if (protocol !== 'blob:' && protocol !== 'data:') origins.add(origin);
  });
  page.on('websocket', (socket) => origins.add(new URL(socket.url()).origin));
  return { page, errors, origins };
}
