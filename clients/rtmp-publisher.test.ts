import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { RtmpServerSession } from '../core/rtmp/server-session.ts';
import {
  collectTags,
  describePublisher,
  type PublishBehaviour,
  type PublishServer,
  type ReceivedTag,
} from '../tests/kit/publisher-contract.ts';
import { RtmpPublisher } from './rtmp-publisher.ts';

class RtmpServer implements PublishServer {
  readonly received: ReceivedTag[][] = [];
  readonly #sockets: Socket[] = [];
  readonly #server: net.Server;
  goodbyes = 0;

  constructor(behaviours: readonly PublishBehaviour[]) {
    this.#server = net.createServer((socket) => {
      const behaviour = behaviours[Math.min(this.#sockets.length, behaviours.length - 1)];
      this.#sockets.push(socket);
      socket.on('error', () => {});
      const tags: ReceivedTag[] = [];
      this.received.push(tags);
      if (behaviour === 'silence') return;
      if (behaviour === 'garbage') {
        socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'.padEnd(4_000, '!'));
        return;
      }
      const session: RtmpServerSession = new RtmpServerSession({
        sink: collectTags(tags),
        random: (bytes) => new Uint8Array(bytes),
        write: (pieces) => {
          for (const piece of pieces) socket.write(Buffer.from(piece));
        },
        event: ({ kind }) => {
          if (kind === 'ended') this.goodbyes += 1;
          else if (kind === 'publish' && behaviour === 'refuse-name')
            session.refuse('NetStream.Publish.BadName', 'Stream already publishing');
          else if (kind === 'publish' && behaviour === 'refuse-sign')
            session.refuse('NetStream.Publish.Unauthorized', 'Authorization required.');
          else {
            session.accept();
            if (kind === 'publish' && behaviour === 'never-read') socket.pause();
          }
        },
      });
      socket.on('data', (bytes) => session.receive(bytes));
    });
  }

  get connections(): number {
    return this.#sockets.length;
  }

  reset(connection: number): void {
    this.#sockets[connection]?.resetAndDestroy();
  }

  end(connection: number): void {
    this.#sockets[connection]?.end();
  }

  read(connection: number): void {
    this.#sockets[connection]?.resume();
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `rtmp://127.0.0.1:${(this.#server.address() as AddressInfo).port}/live/a?sign=secret`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describePublisher({
  name: 'RTMP',
  serve: async (behaviours) => {
    const server = new RtmpServer(behaviours);
    return { server, url: await server.listen() };
  },
  create: (options) => new RtmpPublisher(options),
  taken: { reason: 'rtmp-refused', detail: /^Publishing live\/a to .* is already being published/ },
  unauthorized: /^Publishing live\/a to 127\.0\.0\.1:\d+ was refused/,
  garbage: /does not speak RTMP as expected \(RTMP_[A-Z_]+: /,
  silence: /did not permit publishing within 8000 ms/,
  wrongUrl: { url: 'http://h/live/a', error: /not an RTMP URL/ },
});
