/**
 * One connection of node-media-server, the same to the rest of the hardening whatever its transport is.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type NodeMediaServer from 'node-media-server';
import type { Batch } from './batch.ts';

type Session = NodeMediaServer.Session;
type RtmpSession = NodeMediaServer.RtmpSession;
type FlvSession = NodeMediaServer.FlvSession;
type WebSocket = NodeMediaServer.WebSocket;

export type Transport = 'rtmp' | 'http-flv' | 'ws-flv';
/** Why a connection that was well is closed. */
export type Ending = 'stream-ended' | 'server-stopping';

export interface Peer {
  readonly session: Session;
  readonly transport: Transport;
  readonly socket: Socket;
  /** An RTMP connection is `new` until it publishes or plays. */
  role: 'new' | 'publisher' | 'viewer';
  /** Bytes that wait in this process for the peer to read. */
  backlogBytes(): number;
  deliver(batch: Batch): void;
  /** Says goodbye in the protocol's words, after what is queued; cuts the connection if that takes too long. */
  end(ending: Ending): void;
}

/** How long a peer may take to read the goodbye and close. */
const lingerMs = 1_000;

/** RTMP 1.0, 7.1.7: user control event "stream EOF". */
const streamEof = 1;

const sentences: Record<Ending, string> = {
  'stream-ended': 'The publisher has gone.',
  'server-stopping': 'The server is stopping.',
};
/** RFC 6455, 7.4.1: normal closure, going away. */
const webSocketCodes: Record<Ending, number> = { 'stream-ended': 1000, 'server-stopping': 1001 };

const peers = new WeakMap<Session, Peer>();

/** The peer of a session; always the same one. */
export function peerOf(session: Session): Peer {
  let peer = peers.get(session);
  if (peer === undefined) {
    peer = session.protocol === 'rtmp' ? rtmpPeer(session as RtmpSession) : flvPeer(session as FlvSession);
    peers.set(session, peer);
  }
  return peer;
}

function rtmpPeer(session: RtmpSession): Peer {
  const { socket, rtmp } = session;
  const peer: Peer = {
    session,
    transport: 'rtmp',
    socket,
    role: 'new',
    backlogBytes: () => socket.writableLength,
    deliver(batch) {
      if (socket.writable) socket.write(batch.joined);
    },
    end(ending) {
      if (peer.role === 'viewer' && socket.writable) {
        rtmp.sendStatusMessage(rtmp.streamId, 'status', 'NetStream.Play.UnpublishNotify', sentences[ending]);
        rtmp.sendStreamStatus(streamEof, rtmp.streamId);
      }
      endSocket(socket);
    },
  };
  return peer;
}

function flvPeer(session: FlvSession): Peer {
  const { req, res } = session;
  const { socket } = req;
  const role = session.isPublisher ? 'publisher' : 'viewer';
  return 'writableEnded' in res
    ? httpPeer(session, role, socket, res)
    : webSocketPeer(session, role, socket, res);
}

function httpPeer(session: Session, role: Peer['role'], socket: Socket, res: ServerResponse): Peer {
  return {
    session,
    transport: 'http-flv',
    socket,
    role,
    backlogBytes: () => socket.writableLength,
    deliver(batch) {
      // Past the response object: it would frame the same bytes anew for each viewer. Its headers are out already.
      if (socket.writable && !res.writableEnded)
        socket.write(res.chunkedEncoding ? batch.httpChunk : batch.joined);
    },
    end() {
      res.end();
      destroyLater(socket);
    },
  };
}

function webSocketPeer(session: Session, role: Peer['role'], socket: Socket, ws: WebSocket): Peer {
  return {
    session,
    transport: 'ws-flv',
    socket,
    role,
    backlogBytes: () => ws.bufferedAmount,
    deliver(batch) {
      if (ws.readyState === ws.OPEN) socket.write(batch.webSocketFrames);
    },
    end(ending) {
      ws.close(webSocketCodes[ending], sentences[ending]);
      destroyLater(socket);
    },
  };
}

/** Calls back when the socket has closed, also when it has already: a request may be read from one that is gone. */
export function onceClosed(socket: Socket, closed: () => void): void {
  if (socket.closed) closed();
  else socket.once('close', closed);
}

/** Ends a socket once what is queued has gone out, or after a while whether or not it has. */
export function endSocket(socket: Socket): void {
  socket.end();
  destroyLater(socket);
}

function destroyLater(socket: Socket): void {
  setTimeout(() => socket.destroy(), lingerMs).unref();
}
