import net from 'node:net';
import { createViewer } from '../clients/create-viewer.ts';
import { systemClock } from '../clients/system-clock.ts';
import type { Viewer, ViewerObserver } from '../clients/viewer.ts';
import { playerProfiles } from '../core/player/profile.ts';
import { upgradeFields, webSocketKey } from '../core/websocket/handshake.ts';

/** What a loop that understands nothing sends to be served like a viewer. */

export type Protocol = 'http-flv' | 'ws-flv' | 'rtmp';

export const urlOf: Record<Protocol, (port: number) => string> = {
  'http-flv': (port) => `http://127.0.0.1:${port}/live/a.flv`,
  'ws-flv': (port) => `ws://127.0.0.1:${port}/live/a.flv`,
  rtmp: (port) => `rtmp://127.0.0.1:${port}/live/a`,
};

/** What asks the server for the stream. */
export function requestsOf(protocol: Protocol, port: number): Promise<Uint8Array[]> | Uint8Array[] {
  if (protocol === 'rtmp') return recordRequests(port);
  const upgrade = Object.entries(upgradeFields(webSocketKey(new Uint8Array(16))));
  const headers = [['host', 'a'], ...(protocol === 'ws-flv' ? upgrade : [])];
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return [Buffer.from(`GET /live/a.flv HTTP/1.1\r\n${lines}\r\n`)];
}

/** What one of our viewers sends until it plays. */
function recordRequests(port: number): Promise<Uint8Array[]> {
  return new Promise((resolve) => {
    const sent: Uint8Array[] = [];
    const relay = net.createServer((client) => {
      const upstream = net.connect(port, '127.0.0.1');
      // The viewer leaves in the middle of the stream: what was on its way meets a closed socket.
      for (const socket of [client, upstream]) socket.on('error', () => {});
      client.on('data', (bytes) => {
        sent.push(bytes);
        upstream.write(bytes);
      });
      upstream.on('data', (bytes) => client.write(bytes));
      client.on('close', () => upstream.destroy());
    });
    relay.listen(0, '127.0.0.1', () => {
      const { port: relayPort } = relay.address() as net.AddressInfo;
      const viewer = newViewer('rtmp', relayPort, {
        ...counter(),
        startup: () => {
          viewer.stop();
          relay.close();
          resolve(sent);
        },
      });
      viewer.start();
    });
  });
}

export function newViewer(protocol: Protocol, port: number, observer: ViewerObserver): Viewer {
  return createViewer({
    url: urlOf[protocol](port),
    player: playerProfiles['mpegts.js'],
    clock: systemClock,
    observer,
    intendedStartMs: systemClock.nowMs(),
  });
}

/** Listens to everything, as a run does, and keeps next to nothing. */
export function counter(): ViewerObserver {
  let sum = 0;
  const add = (ms: number): void => {
    sum += ms;
  };
  return {
    connected: add,
    firstByte: add,
    firstMedia: add,
    firstFrame: add,
    startup: add,
    joinLag: add,
    latency: add,
    delivery: add,
    stalled: add,
    stallEnded: add,
    reconnected: add,
    progress: ({ watchedMs }) => add(watchedMs),
    ended: ({ detail }) => {
      if (detail !== 'the viewer left') throw new Error(`${detail} (${sum})`);
    },
  };
}
