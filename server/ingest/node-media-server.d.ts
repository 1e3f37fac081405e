/**
 * The parts of node-media-server 4.4.3 that the hardening touches, as read in its source (it ships no types).
 * Nothing here may be used with another version: `pinned-version.ts` refuses one.
 */

declare module 'node-media-server' {
  import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
  import type { Socket, Server as TcpServer } from 'node:net';

  namespace NodeMediaServer {
    interface Config {
      bind: string;
      /** The port only has to be non-zero for the listener to be made; listening is ours. */
      rtmp: { port: number };
      http: { port: number };
      webadmin: { enable: boolean };
    }

    /** `src/core/avpacket.js`: one audio, video or script message. `data` may be longer than `size`. */
    interface Packet {
      codec_id: number;
      /** 8 audio, 9 video, 18 script (AMF0), 15 script (AMF3). */
      codec_type: number;
      /** 0 audio configuration, 1 audio, 2 video configuration, 3 key frame, 4 other frame, 5 script, 6 video metadata. */
      flags: number;
      dts: number;
      pts: number;
      size: number;
      data: Buffer;
    }

    /** `src/session/base_session.js`: a publisher or a viewer. */
    interface Session {
      readonly id: string;
      /** `address:port`. */
      readonly ip: string;
      isPublisher: boolean;
      readonly protocol: 'rtmp' | 'flv';
      streamPath: string;
      createTime: number;
      inBytes: number;
      outBytes: number;
      videoWidth: number;
      videoHeight: number;
      videoFramerate: number;
      broadcast: Broadcast;
      onData: (bytes: Buffer) => void;
      onClose: () => void;
      sendBuffer(bytes: Buffer): void;
    }

    /** `src/session/rtmp_session.js`. */
    interface RtmpSession extends Session {
      readonly protocol: 'rtmp';
      readonly socket: Socket;
      readonly rtmp: Rtmp;
    }

    /** `src/session/flv_session.js`: `res` is a response (HTTP-FLV) or a WebSocket (WS-FLV). */
    interface FlvSession extends Session {
      readonly protocol: 'flv';
      readonly req: IncomingMessage;
      readonly res: ServerResponse | WebSocket;
      readonly flv: {
        readonly parserTagType: number;
        parserTagData: Buffer;
        parserTagCapacity: number;
        parserTagAlloc(bytes: number): void;
      };
    }

    /** What of the `ws` package's WebSocket is used. */
    interface WebSocket {
      readonly bufferedAmount: number;
      readonly readyState: number;
      readonly OPEN: number;
      on(event: 'message', listener: (bytes: Buffer) => void): void;
      off(event: 'message', listener: (bytes: Buffer) => void): void;
      close(code: number, reason: string): void;
      terminate(): void;
    }

    /** `src/protocol/rtmp.js`: the connection's parser and its replies. */
    interface Rtmp {
      handshakeState: number;
      inChunkSize: number;
      readonly outChunkSize: number;
      readonly inPackets: Map<number, unknown>;
      parserPacket: {
        readonly header: { readonly length: number; readonly type: number; readonly stream_id: number };
      };
      streamApp: unknown;
      streamId: number;
      flv: unknown;
      onPacketCallback: (packet: Packet) => void;
      packetAlloc(): void;
      packetParse(): void;
      controlHandler(): void;
      onConnect(command: Command): void;
      onPublish(command: Command): void;
      onPlay(command: Command): void;
      onDeleteStream(command: Command): void;
      setChunkSize(bytes: number): void;
      sendStreamStatus(event: number, streamId: number): void;
      sendStatusMessage(streamId: number, level: string, code: string, description: string): void;
      sendInvokeMessage(streamId: number, command: Record<string, unknown>): void;
    }

    /** A decoded AMF0 command; every value comes from the peer and may be anything. */
    interface Command {
      transId?: unknown;
      cmdObj?: unknown;
      streamName?: unknown;
    }

    /** `src/server/broadcast_server.js`: one stream with its publisher, its viewers and the cached start of a session. */
    interface Broadcast {
      readonly streamPath: string;
      publisher: Session | null;
      subscribers: Map<string, Session>;
      readonly flvHeader: Buffer;
      flvMetaData: Buffer | null;
      rtmpMetaData: Buffer | null;
      flvGopCache: Set<Buffer> | null;
      rtmpGopCache: Set<Buffer> | null;
      publishGraceMs: number;
      postPlay: (session: Session) => string | null;
      postPublish: (session: Session) => string | null;
      donePublish: (session: Session) => void;
      _finishPublish: () => void;
      /** Added to the times of audio (8) and video (9) since the publisher came back. */
      _dtsOffset: Record<number, number>;
      broadcastMessage: (packet: Packet) => void;
      getPublishStatus(): 'publishing' | 'reconnecting' | 'idle';
    }

    interface WebSocketServer {
      options: { maxPayload: number };
    }
  }

  class NodeMediaServer {
    constructor(config: NodeMediaServer.Config);
    readonly rtmpServer: { readonly tcpServer: TcpServer; handleRequest(socket: Socket): void };
    readonly httpServer: {
      readonly httpServer: HttpServer;
      readonly wsServer: NodeMediaServer.WebSocketServer;
    };
    on(event: string, listener: (session: NodeMediaServer.Session) => void): void;
    stop(): Promise<void>;
  }

  export = NodeMediaServer;
}

declare module 'node-media-server/src/core/context.js' {
  const context: {
    sessions: Map<string, import('node-media-server').Session>;
    broadcasts: Map<string, import('node-media-server').Broadcast>;
  };
  export = context;
}

declare module 'node-media-server/src/core/logger.js' {
  const logger: { log: (message: unknown, level?: unknown) => void };
  export = logger;
}
