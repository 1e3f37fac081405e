/**
 * Defect 1 on HTTP-FLV and WS-FLV publishers: bounds before bytes, and whatever the parser throws ends that one
 * connection. A viewer gets neither a parser nor its buffer of 1 MiB, and what it sends is ignored.
 */
import type NodeMediaServer from 'node-media-server';
import { ProtocolError } from '../../../core/media.ts';
import type { Peer } from './peer.ts';
import { finishPublish } from './stream.ts';

type FlvSession = NodeMediaServer.FlvSession;

const none = Buffer.alloc(0);

/**
 * @param broken called with what is wrong; the connection is of no use then
 * @param maxMessageBytes limit for one tag
 */
export function boundFlv(peer: Peer, maxMessageBytes: number, broken: (error: Error) => void): void {
  const session = peer.session as FlvSession;
  const { req, res, flv } = session;
  const { parserTagAlloc } = flv;
  // It grows with the first tag: most publishers never need the whole of it, and viewers nothing.
  flv.parserTagData = none;
  flv.parserTagCapacity = 0;
  flv.parserTagAlloc = (bytes) => {
    if (bytes > maxMessageBytes)
      throw new ProtocolError(
        'FLV_TAG_TOO_LARGE',
        `a tag of ${bytes} bytes; the limit is ${maxMessageBytes}`,
      );
    parserTagAlloc.call(flv, bytes);
  };

  const receive = (bytes: Buffer) => {
    try {
      session.onData(bytes);
    } catch (error) {
      broken(error as Error);
    }
  };
  if ('writableEnded' in res) {
    req.off('data', session.onData);
    if (peer.role === 'publisher') {
      req.on('data', receive);
      // The end of the body is a goodbye.
      req.on('end', () => {
        finishPublish(session.broadcast, session);
        res.end();
      });
    } else req.resume();
  } else {
    res.off('message', session.onData);
    if (peer.role === 'publisher') res.on('message', receive);
  }
}
