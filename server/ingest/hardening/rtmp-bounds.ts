/**
 * Defect 1 on RTMP: bounds before bytes. node-media-server's parser allocates whatever length a header names, for
 * each of 65,000 chunk streams, and throws out of the socket's event (which ends the process) on commands it does
 * not expect. Here every length is checked first, and whatever is thrown ends that one connection.
 */
import type NodeMediaServer from 'node-media-server';
import { ProtocolError } from '../../../core/media.ts';
import type { Peer } from './peer.ts';

type RtmpSession = NodeMediaServer.RtmpSession;

/** RTMP 1.0, 5.2.1: the version byte of C0. */
const rtmpVersion = 3;
/** Far above what encoders use (5 or 6), far below what hurts. */
const maxChunkStreams = 32;
/** Commands, metadata and control messages; all that who is not a publisher may send. */
const maxCommandBytes = 65_536;
/** RTMP 1.0, 5.4.1: at least 1, and the first bit is zero. */
const maxChunkBytes = 0x7fffffff;
const handshakeNotBegun = 0;

/**
 * @param broken called with what is wrong; the connection is of no use then
 * @param maxMessageBytes limit for a publisher's messages
 */
export function boundRtmp(peer: Peer, maxMessageBytes: number, broken: (error: Error) => void): void {
  const session = peer.session as RtmpSession;
  const { rtmp, socket } = session;
  // An FLV parser with a buffer of 1 MiB that RTMP never uses: thousands of idle connections would hold gigabytes.
  rtmp.flv = null;
  boundMessages(peer, rtmp, maxMessageBytes);
  socket.off('data', session.onData);
  socket.on('data', (bytes: Buffer) => {
    // Refused, or gone: what still comes is of no interest.
    if (socket.writableEnded) return;
    try {
      if (rtmp.handshakeState === handshakeNotBegun && bytes[0] !== rtmpVersion)
        throw new ProtocolError('RTMP_VERSION', `expected version ${rtmpVersion}, got ${bytes[0]}`);
      session.onData(bytes);
    } catch (error) {
      broken(error as Error);
    }
  });
}

function boundMessages(peer: Peer, rtmp: NodeMediaServer.Rtmp, maxMessageBytes: number): void {
  const { packetParse, packetAlloc, controlHandler } = rtmp;
  rtmp.packetParse = () => {
    packetParse.call(rtmp);
    if (rtmp.inPackets.size > maxChunkStreams)
      throw new ProtocolError('RTMP_CHUNK_STREAMS', `more than ${maxChunkStreams} chunk streams`);
  };
  rtmp.packetAlloc = () => {
    const limit = peer.role === 'publisher' ? maxMessageBytes : maxCommandBytes;
    const { length } = rtmp.parserPacket.header;
    if (length > limit)
      throw new ProtocolError(
        'RTMP_MESSAGE_TOO_LARGE',
        `a message of ${length} bytes; the limit is ${limit}`,
      );
    packetAlloc.call(rtmp);
  };
  rtmp.controlHandler = () => {
    controlHandler.call(rtmp);
    if (rtmp.inChunkSize < 1 || rtmp.inChunkSize > maxChunkBytes)
      throw new ProtocolError('RTMP_CHUNK_SIZE', `a chunk size of ${rtmp.inChunkSize}`);
  };
}
