import { HttpFlvPublisher } from './http-flv-publisher.ts';
import type { Publisher, PublisherOptions } from './publisher.ts';
import { RtmpPublisher } from './rtmp-publisher.ts';

/**
 * The publisher that a URL asks for.
 * @throws Error with one sentence when the URL cannot be used
 */
export function createPublisher(options: PublisherOptions): Publisher {
  return /^https?:/i.test(options.url) ? new HttpFlvPublisher(options) : new RtmpPublisher(options);
}
