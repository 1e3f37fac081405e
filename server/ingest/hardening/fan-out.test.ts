import type NodeMediaServer from 'node-media-server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { builtEntry } from '../../../tests/kit/built-entry.ts';
import { publish, request, until } from '../fixtures/test-peers.ts';
import { fixture, kinds, startServer } from '../fixtures/test-servers.ts';
import { FanOut } from './fan-out.ts';
import type { Peer } from './peer.ts';
import type { SlowViewers } from './slow-viewers.ts';

type Session = NodeMediaServer.Session;
type Packet = NodeMediaServer.Packet;

/** A session as far as the fan-out sees one: an RTMP one, whose socket remembers each write. */
function viewer(id: string) {
  const writes: string[] = [];
  const socket = {
    writable: true,
    writableLength: 0,
    write: (bytes: Buffer) => writes.push(bytes.toString('latin1')),
    once: () => {},
  };
  const session = { id, protocol: 'rtmp', socket, rtmp: {}, outBytes: 0 } as unknown as Session;
  return { session, writes };
}

const none: Pick<SlowViewers, 'evicts'> = { evicts: () => false };

describe('the fan-out', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** What node-media-server does with each message: give it to each subscriber, and our hook is told after it. */
  function send(fanOut: FanOut, kind: 'audio' | 'video', text: string): void {
    fanOut.forEach((subscriber) => {
      subscriber.sendBuffer(Buffer.from(text));
    });
    fanOut.sent({ codec_type: kind === 'audio' ? 8 : 9 } as Packet);
  }

  it('holds sound until a picture comes, and then writes both at once to each viewer', () => {
    const fanOut = new FanOut(none as SlowViewers, 40);
    const [a, b] = [viewer('a'), viewer('b')];
    fanOut.set('a', a.session).set('b', b.session);
    send(fanOut, 'audio', 's1 ');
    send(fanOut, 'audio', 's2 ');
    expect(a.writes).toEqual([]);
    send(fanOut, 'video', 'p1');
    send(fanOut, 'video', 'p2');
    expect(a.writes).toEqual(['s1 s2 p1', 'p2']);
    expect(b.writes).toEqual(a.writes);
    expect(a.session.outBytes).toBe(10);
  });

  it('holds sound no longer than it may', () => {
    const fanOut = new FanOut(none as SlowViewers, 40);
    const { session, writes } = viewer('a');
    fanOut.set('a', session);
    send(fanOut, 'audio', 's1 ');
    vi.advanceTimersByTime(30);
    send(fanOut, 'audio', 's2');
    vi.advanceTimersByTime(9);
    expect(writes).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(writes).toEqual(['s1 s2']);
    vi.advanceTimersByTime(1_000);
    expect(writes).toHaveLength(1);
  });

  it('holds nothing when it is told so, and keeps nothing for nobody', () => {
    const fanOut = new FanOut(none as SlowViewers, 0);
    send(fanOut, 'audio', 'unheard');
    const { session, writes } = viewer('a');
    fanOut.set('a', session);
    send(fanOut, 'audio', 's1');
    expect(writes).toEqual(['s1']);
  });

  it('forgets a viewer that left, was taken, or was evicted', () => {
    const evicted = new Set<string>();
    const evicts = ({ session }: Peer) => evicted.has(session.id);
    const fanOut = new FanOut({ evicts } as SlowViewers, 0);
    const [a, b, c] = [viewer('a'), viewer('b'), viewer('c')];
    fanOut.set('a', a.session).set('b', b.session).set('c', c.session);
    fanOut.delete('a');
    evicted.add('b');
    send(fanOut, 'video', 'p1');
    expect([a.writes, b.writes, c.writes]).toEqual([[], [], ['p1']]);
    expect([...fanOut.keys()]).toEqual(['c']);
    expect(fanOut.takeAll()).toEqual([c.session]);
    send(fanOut, 'video', 'p2');
    expect(c.writes).toEqual(['p1']);
  });
});

describe.each(kinds)('%s server: defect 9, one write per message and viewer', (kind) => {
  it('shows in the number of HTTP chunks', async () => {
    const server = await startServer(kind, builtEntry('server/ingest/process'));
    // Faster than real time, to have many messages soon; paced all the same.
    const publisher = publish(fixture('live.flv'), `rtmp://127.0.0.1:${server.rtmpPort}/live/x`, [
      '-readrate',
      '4',
    ]);
    try {
      await until('the stream was published', () => server.events.length > 0);
      const viewer = request(server.httpPort, '/live/x.flv');
      await until('some seconds of media came', () => viewer.bytesReceived > 70_000);
      const chunks = chunkSizes(viewer.bytes);
      viewer.end();
      // 25 pictures and 44 pieces of sound each second: a chunk for each, or one for each picture.
      const average = chunks.reduce((sum, bytes) => sum + bytes, 0) / chunks.length;
      if (kind === 'plain') expect(average).toBeLessThan(900);
      else expect(average).toBeGreaterThan(1_200);
    } finally {
      await publisher.end();
      await server.dispose();
    }
  });
});

/** Sizes of the chunks of a chunked HTTP answer; the last may be cut. */
function chunkSizes(answer: Buffer): number[] {
  const sizes: number[] = [];
  let at = answer.indexOf('\r\n\r\n') + 4;
  for (;;) {
    const end = answer.indexOf('\r\n', at);
    if (end < 0) return sizes;
    const bytes = Number.parseInt(answer.toString('latin1', at, end), 16);
    sizes.push(bytes);
    at = end + 2 + bytes + 2;
  }
}
