import { withoutSecrets } from '../core/secrets.ts';
import type { Endpoint } from './connect.ts';
import { describeHttpRefusal } from './http-refusal.ts';
import { getRequest, type HttpTarget, redirectTarget } from './http-request.ts';
import type { HttpHead, HttpResponseSink } from './http-response.ts';
import type { Failure } from './reason.ts';
import { Elsewhere, Ending, SocketViewer } from './socket-viewer.ts';
import type { ViewerOptions } from './viewer.ts';

/** As many as browsers' fetch follows is 20; a live stream that needs more than this is a loop. */
const MAX_REDIRECTS = 5;

/**
 * What viewers have in common whose question is one GET (HTTP-FLV, and WS-FLV, which goes on as a WebSocket): asking,
 * refusals, and redirects (as load balancers send them), which are followed, each on a new connection; the session's
 * times run on.
 */
export abstract class HttpViewer extends SocketViewer implements HttpResponseSink {
  readonly #asked: HttpTarget;
  #target: HttpTarget;
  #redirects = 0;

  /** Throws an Error of one sentence if a header cannot be used. */
  constructor(options: ViewerOptions, asked: HttpTarget) {
    super(options);
    this.#asked = asked;
    this.#target = asked;
    getRequest(asked, options.headers);
  }

  /** An answer that is neither a redirect nor an error. */
  protected abstract answered(head: HttpHead): void;
  abstract body(bytes: Uint8Array, start: number, end: number): void;

  protected endpoint(): Endpoint {
    return this.#target.endpoint;
  }

  protected override afresh(): void {
    this.#target = this.#asked;
    this.#redirects = 0;
  }

  /** Sends the request, with the headers that the protocol needs. */
  protected ask(protocolHeaders: Readonly<Record<string, string>> = {}): void {
    this.write([getRequest(this.#target, this.options.headers, this.#asked, protocolHeaders)]);
  }

  head(head: HttpHead): void {
    const { status } = head;
    if (status >= 300 && status < 400 && status !== 304) this.#redirect(head);
    if (status >= 304) throw new Ending(describeHttpRefusal(head, this.where, this.shownPath));
    this.answered(head);
  }

  protected nothingCame(): Failure {
    return {
      reason: 'no-media',
      detail: `${this.where} answered and ended without any audio or video; check that ${this.shownPath} is being published and that its signature is valid`,
    };
  }

  /** Without the query, which may hold a signature: sentences end up in reports. */
  protected get shownPath(): string {
    return this.#target.path.replace(/\?.*$/, '');
  }

  #redirect({ status, headers }: HttpHead): never {
    const location = headers.get('location');
    const next = location === undefined ? null : redirectTarget(this.#target, location, this.options.tls);
    if (next === null || ++this.#redirects > MAX_REDIRECTS) {
      const why =
        location === undefined
          ? 'without saying where'
          : next === null
            ? `to ${JSON.stringify(withoutSecrets(location).replace(/\?.*$/, ''))}, which is no HTTP URL`
            : `again after ${MAX_REDIRECTS} redirects`;
      throw new Ending({
        reason: 'http-redirect',
        detail: `${this.where} redirected (${status}) ${why}; check the server's balancing rules`,
      });
    }
    this.#target = next;
    throw new Elsewhere();
  }
}
