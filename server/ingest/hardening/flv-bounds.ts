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
/** FLV 10.1, E.2: how a file begins; and E.4.1: the types of tags. */
const signature = Buffer.from('FLV', 'latin1');
const tagTypes = [8, 9, 18];

/**
 * @param broken called with what is wrong; the connection is of no use then
 * @param maxTagBytes limit for one tag
 */
export function boundFlv(peer: Peer, maxTagBytes: number, broken: (error: Error) => void): void {
  const session = peer.session as FlvSession;
  const { req, res } = session;
  const overHttp = 'writableEnded' in res;
  boundTags(session, maxTagBytes);
  if (overHttp) req.off('data', session.onData);
  else res.off('message', session.onData);

  if (peer.role === 'publisher') {
    const receive = receiver(session, broken);
    if (overHttp) {
      req.on('data', receive);
      // The end of the body is a goodbye.
      req.on('end', () => {
        finishPublish(session.broadcast, session);
        res.end();
      });
    } else res.on('message', receive);
  } else if (overHttp) req.resume();
}

function receiver(session: FlvSession, broken: (error: Error) => void): (bytes: Buffer) => void {
  let seen = 0;
  return (bytes) => {
    try {
      for (let i = 0; i < bytes.length && seen < signature.length; i++)
        if (bytes[i] !== signature[seen++])
          throw new ProtocolError('FLV_SIGNATURE', 'expected "FLV" at the beginning');
      session.onData(bytes);
    } catch (error) {
      broken(error as Error);
    }
  };
}

function boundTags({ flv }: FlvSession, maxTagBytes: number): void {
  const { parserTagAlloc } = flv;
  // Memory comes with the first tag: most publishers never need the whole MiB, and viewers none of it.
  flv.parserTagData = none;
  flv.parserTagCapacity = 0;
  flv.parserTagAlloc = (bytes) => {
    if (!tagTypes.includes(flv.parserTagType))
      throw new ProtocolError('FLV_TAG_TYPE', `expected a tag of type 8, 9 or 18, got ${flv.parserTagType}`);
    if (bytes > maxTagBytes)
      throw new ProtocolError('FLV_TAG_TOO_LARGE', `a tag of ${bytes} bytes; the limit is ${maxTagBytes}`);
    parserTagAlloc.call(flv, bytes);
  };
}
