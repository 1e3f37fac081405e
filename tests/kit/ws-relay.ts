import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

/** Serves what an HTTP-FLV server serves under the same path as WS-FLV: each piece as it comes is one binary message. */
export async function startWsRelay(httpPort: number): Promise<{ port: number; stop(): Promise<void> }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  server.on('connection', (socket, { url }) => {
    const request = http.get({ host: '127.0.0.1', port: httpPort, path: url }, (answer) => {
      if (answer.statusCode !== 200) socket.close();
      answer.on('data', (piece: Buffer) => socket.send(piece));
      answer.on('end', () => socket.close());
      answer.on('error', () => socket.terminate());
    });
    request.on('error', () => socket.terminate());
    socket.on('error', () => {});
    socket.on('close', () => request.destroy());
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      for (const socket of server.clients) socket.terminate();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
