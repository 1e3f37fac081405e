import type net from 'node:net';
import { readVideoHead, videoHead } from '../../core/flv/video-head.ts';
import { type MediaTag, TAG_AUDIO, TAG_VIDEO } from '../../core/media.ts';
import type { MediaSample, SampleTrack } from '../../core/media-sample.ts';
import { TsMuxer } from '../../core/mpegts/muxer.ts';
import { aacConfig, avcConfig } from './scripted-media.ts';
import {
  type OnViewer,
  type ScriptedServer,
  type ScriptedServerOptions,
  type ScriptedSession,
  startSocketServer,
} from './scripted-server.ts';

/**
 * A scripted HLS server, for the suite that all viewers pass: each `send` is a segment. It holds playlists until there is something new
 * (blocking reload), so that nothing waits for a clock. A session is told from another by its path, to which it is redirected.
 */
export async function startHlsServer(
  onViewer: OnViewer,
  options: ScriptedServerOptions = {},
): Promise<ScriptedServer> {
  const sessions = new Map<string, HlsSession>();
  let count = 0;
  const server = await startSocketServer((socket) => {
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const request = text.slice(0, end);
        text = text.slice(end + 4);
        const target = request.split(' ', 2)[1] ?? '';
        const [, name = ''] = /^\/live\/(\d+)\//.exec(target) ?? [];
        const session = sessions.get(name);
        if (session?.takes(target)) session.ask(socket, target);
        else {
          const begun = new HlsSession(String(++count), socket, request);
          sessions.set(String(count), begun);
          onViewer(begun);
        }
      }
    });
  }, options);
  const url = `http${options.tls ? 's' : ''}://${server.url}/live/a.m3u8`;
  return Object.defineProperty(server, 'url', { value: url });
}

const TRACKS: readonly SampleTrack[] = [
  { kind: 'video', codec: 'h264', config: avcConfig().body.subarray(5) },
  { kind: 'audio', codec: 'aac', config: aacConfig().body.subarray(2) },
];
const head = videoHead();

class HlsSession implements ScriptedSession {
  readonly asked: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly #name: string;
  readonly #first: net.Socket;
  readonly #sockets = new Set<net.Socket>();
  readonly #segments: { readonly bytes: Uint8Array; readonly seconds: number }[] = [];
  #waiting: { readonly socket: net.Socket; readonly sequence: number }[] = [];
  #ended = false;
  #over: 'close' | 'reset' | null = null;
  #refusals = 0;

  constructor(name: string, socket: net.Socket, request: string) {
    const [requestLine = '', ...lines] = request.split('\r\n');
    this.asked = requestLine.split(' ')[1] ?? '';
    this.headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    );
    this.#name = name;
    this.#first = socket;
    this.#sockets.add(socket);
  }

  /** After it was closed: the same request once more on a fresh connection, which fares no better. Later ones are another session's. */
  takes(target: string): boolean {
    if (this.#over === null) return true;
    return target.includes('_HLS_') && this.#refusals++ === 0;
  }

  ask(socket: net.Socket, target: string): void {
    this.#sockets.add(socket);
    if (this.#over === 'close') socket.end();
    else if (this.#over === 'reset') socket.resetAndDestroy();
    else if (target.includes('.m3u8')) {
      this.#waiting.push({ socket, sequence: Number(/_HLS_msn=(\d+)/.exec(target)?.[1] ?? -1) });
      this.#answer();
    } else {
      const { bytes } = this.#segments[Number(/(\d+)\.ts/.exec(target)?.[1])]!;
      respond(socket, 'HTTP/1.1 200 OK', bytes);
    }
  }

  accept(): void {
    respond(this.#first, `HTTP/1.1 302 Found\r\nlocation: /live/${this.#name}/a.m3u8`, new Uint8Array(0));
  }

  send(...tags: MediaTag[]): void {
    if (tags.some(({ type }) => type !== TAG_AUDIO && type !== TAG_VIDEO)) {
      this.#add(new Uint8Array(200_000).fill(7), 1);
      return;
    }
    const samples = tags.flatMap((tag) => sampleOf(tag) ?? []);
    if (samples.length === 0) return;
    this.#add(new TsMuxer(TRACKS).mux(samples, true), (40 * samples.length) / 1_000);
  }

  endStream(): void {
    this.#ended = true;
    this.#answer();
  }

  close(): void {
    this.#over = 'close';
    for (const socket of this.#sockets) socket.end();
  }

  reset(): void {
    this.#over = 'reset';
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #add(bytes: Uint8Array, seconds: number): void {
    this.#segments.push({ bytes, seconds });
    this.#answer();
  }

  #answer(): void {
    const isDue = ({ sequence }: { sequence: number }) => this.#ended || sequence < this.#segments.length;
    const due = this.#waiting.filter(isDue);
    this.#waiting = this.#waiting.filter((one) => !isDue(one));
    const list = this.#segments.map(({ seconds }, i) => `#EXTINF:${seconds},\n${i}.ts\n`).join('');
    const text = `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n${list}${this.#ended ? '#EXT-X-ENDLIST\n' : ''}`;
    for (const { socket } of due) respond(socket, 'HTTP/1.1 200 OK', Buffer.from(text));
  }
}

function respond(socket: net.Socket, head: string, body: Uint8Array): void {
  socket.write(Buffer.concat([Buffer.from(`${head}\r\ncontent-length: ${body.length}\r\n\r\n`), body]));
}

function sampleOf({ type, timestampMs, body }: MediaTag): MediaSample | null {
  if (type === TAG_AUDIO) {
    if (body[1] === 0) return null;
    return {
      kind: 'audio',
      dtsMs: timestampMs,
      ptsMs: timestampMs,
      key: true,
      durationMs: 40,
      data: body.subarray(2),
    };
  }
  if (!readVideoHead(body, 0, body.length, head) || head.packet !== 'frames') return null;
  return {
    kind: 'video',
    dtsMs: timestampMs,
    ptsMs: timestampMs + head.compositionMs,
    key: head.frame === 'key',
    durationMs: 40,
    data: body.subarray(head.dataOffset),
  };
}
