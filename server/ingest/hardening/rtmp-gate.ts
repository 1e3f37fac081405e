/**
 * What stands in front of node-media-server's RTMP commands (defects 1, 4 and 5). It answers `publish` and `play`
 * with success before it looks whether that can be; here the question comes first, and the refusal is RTMP's.
 */
import { parse as parseQuery } from 'node:querystring';
import type NodeMediaServer from 'node-media-server';
import type { Logger } from 'pino';
import { ProtocolError } from '../../../core/media.ts';
import { type AdmissionRules, admit, type Refusal, type Role } from './admission.ts';
import type { Counters } from './counters.ts';
import { endSocket, onceClosed, type Peer } from './peer.ts';
import { noteRefusal } from './refusal-note.ts';
import { finishPublish } from './stream.ts';
import { nameRule, type StreamPath, streamPathOf } from './stream-path.ts';

type RtmpSession = NodeMediaServer.RtmpSession;
type Command = NodeMediaServer.Command;

const connectRejected = 'NetConnection.Connect.Rejected';

export interface RtmpGateOptions {
  readonly rules: AdmissionRules;
  readonly counters: Counters;
  readonly log: Logger;
  /** To be told just before a publisher is let through. */
  publishing(path: StreamPath, remoteAddress: string | undefined): void;
}

export function guardRtmp(peer: Peer, options: RtmpGateOptions): void {
  const session = peer.session as RtmpSession;
  const { rtmp, socket } = session;
  const { onConnect, onPublish, onPlay } = rtmp;

  rtmp.onConnect = (command) => {
    const fault = connectFault(command);
    if (fault === null) {
      onConnect.call(rtmp, command);
      return;
    }
    noteRefusal(options, {
      reason: 'bad-name',
      role: null,
      stream: null,
      transport: 'rtmp',
      answer: connectRejected,
      peer: session.ip,
    });
    // node-media-server's messages are not chunked at RTMP's initial 128 bytes, so its size has to be told first.
    rtmp.setChunkSize(rtmp.outChunkSize);
    rtmp.sendInvokeMessage(0, {
      cmd: '_error',
      transId: typeof command.transId === 'number' ? command.transId : 0,
      cmdObj: null,
      info: { level: 'error', code: connectRejected, description: fault },
    });
    endSocket(socket);
  };

  rtmp.onPublish = (command) => {
    const path = enter(peer, 'publish', command, options);
    if (path === null) return;
    options.publishing(path, socket.remoteAddress);
    peer.role = 'publisher';
    onPublish.call(rtmp, command);
  };

  rtmp.onPlay = (command) => {
    if (enter(peer, 'play', command, options) === null) return;
    peer.role = 'viewer';
    // The replies, the codec set-up and the cached pictures: one write.
    socket.cork();
    onPlay.call(rtmp, command);
    socket.uncork();
  };

  // A publisher that says it is done does not come back: its viewers need not wait for it.
  rtmp.onDeleteStream = () => {
    if (peer.role === 'publisher') finishPublish(session.broadcast, session);
    if (peer.role !== 'new') endSocket(socket);
  };

  // Only a stream's own publisher feeds it: else a viewer, or a second publisher, could.
  rtmp.onPacketCallback = (packet) => {
    if (session.broadcast.publisher === session) session.broadcast.broadcastMessage(packet);
  };
}

/** The stream that the command may have; null when it was refused, and the peer was told. */
function enter(peer: Peer, role: Role, command: Command, options: RtmpGateOptions): StreamPath | null {
  const session = peer.session as RtmpSession;
  const { rtmp } = session;
  // node-media-server would forget the first stream, and its publisher would stay registered for ever.
  if (peer.role !== 'new')
    throw new ProtocolError(
      'RTMP_SECOND_STREAM',
      'one stream per connection was expected, and a second came',
    );
  if (typeof rtmp.streamApp !== 'string')
    throw new ProtocolError('RTMP_NOT_CONNECTED', `"connect" was expected, and "${role}" came`);
  const [name, query] = typeof command.streamName === 'string' ? command.streamName.split('?') : [null];
  const { sign } = parseQuery(query ?? '');
  const path = streamPathOf(rtmp.streamApp, name);
  const signature = (Array.isArray(sign) ? sign[0] : sign) ?? null;
  const { remoteAddress: address } = peer.socket;
  const admission = admit({ role, path, signature, address, page: null }, options.rules);
  if (admission.refusal === null) {
    onceClosed(peer.socket, admission.release);
    return path;
  }
  const { reason, rtmpCode } = admission.refusal;
  noteRefusal(options, { reason, role, stream: path, transport: 'rtmp', answer: rtmpCode, peer: session.ip });
  refuse(session, admission.refusal);
  return null;
}

function refuse({ rtmp, socket }: RtmpSession, { rtmpCode, sentence }: Refusal): void {
  rtmp.sendStatusMessage(rtmp.parserPacket.header.stream_id, 'error', rtmpCode, sentence);
  endSocket(socket);
}

/** What is wrong with a `connect` command; null is nothing. */
function connectFault({ cmdObj }: Command): string | null {
  const { app, tcUrl } = (cmdObj ?? {}) as { app?: unknown; tcUrl?: unknown };
  if (streamPathOf(app, 'any') === null) return `Bad application name: ${nameRule}.`;
  // node-media-server reads the host from it, and throws if it cannot.
  return typeof tcUrl === 'string' && URL.canParse(tcUrl) ? null : 'Bad tcUrl: a URL is expected.';
}
