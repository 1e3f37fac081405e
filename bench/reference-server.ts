import net from 'node:net';
import path from 'node:path';
import { RtmpClientSession } from '../core/rtmp/client-session.ts';
import { parseRtmpUrl } from '../core/rtmp/url.ts';
import { startIngest } from '../server/ingest/supervisor.ts';
import { aacConfig, avcConfig } from '../tests/kit/scripted-media.ts';
import { playLive } from './live-server.ts';

/** The reference server (node-media-server in a process of its own) with the stream of `playLive` as `live/a`. */
export async function startReferenceServer(
  protocol: 'http-flv' | 'ws-flv' | 'rtmp',
  videoBits: number,
): Promise<number> {
  const root = process.env['STREAMGAUGE_ROOT'] ?? process.cwd();
  const ingest = await startIngest({ entry: path.join(root, 'dist/server/ingest/process.js') });
  process.once('disconnect', () => ingest.stop());
  await new Promise<void>((resolve) => {
    const socket = net.connect({ port: ingest.rtmpPort, host: '127.0.0.1', noDelay: true });
    const session = new RtmpClientSession({
      url: parseRtmpUrl(`${ingest.rtmpUrl}/live/a`),
      mode: 'publish',
      random: (count) => new Uint8Array(count),
      write: (pieces) => socket.write(Buffer.concat(pieces)),
      event: (event) => {
        if (event.kind !== 'started') return;
        for (const { type, timestampMs, body } of [avcConfig(), aacConfig()]) {
          session.sendTag(type, timestampMs, body);
        }
        playLive(videoBits, ({ type, timestampMs, body }) => session.sendTag(type, timestampMs, body));
        resolve();
      },
    });
    socket.once('connect', () => session.start());
    socket.on('data', (bytes) => session.receive(bytes));
  });
  return protocol === 'rtmp' ? ingest.rtmpPort : ingest.httpPort;
}
