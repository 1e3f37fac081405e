import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { RtmpServerSession } from '../core/rtmp/server-session.ts';
import { Registry } from '../metrics/registry.ts';
import type { SessionRecord } from '../metrics/summary.ts';
import { builtEntry } from '../tests/kit/built-entry.ts';
import { freePort } from '../tests/kit/free-port.ts';
import { startSocketServer } from '../tests/kit/scripted-server.ts';
import { Fleet } from './fleet.ts';
import type { FleetPlan } from './plan.ts';
import { Publishers } from './publishers.ts';

// Real threads, real sockets; what a viewer does with media is the clients' tests' business.

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that takes connections and says nothing. */
async function silentServer(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

function planFor(port: number, viewers: number, durationMs: number): FleetPlan {
  const streams = [1, 2].map((n) => ({
    protocol: 'http-flv' as const,
    name: `live/${n}`,
    url: `http://127.0.0.1:${port}/live/${n}.flv`,
  }));
  return {
    cohorts: [
      {
        name: 'flv',
        streams,
        shape: { kind: 'viewers', startViewers: viewers, stages: [{ durationMs, viewers }] },
        startMs: 0,
        watch: null,
        player: 'plain',
      },
    ],
    seed: 1,
    clockBoundMs: 2,
  };
}

function launch(plan: FleetPlan, workers: number) {
  const registry = new Registry();
  const records: SessionRecord[] = [];
  const nodes = new Set<string>();
  const fleet = new Fleet({
    entry: builtEntry('fleet/viewer-worker'),
    workers,
    plan,
    second: ({ points, node }) => {
      registry.absorb(points);
      nodes.add(node);
    },
    session: (record) => records.push(record),
  });
  return { fleet, registry, records, nodes };
}

describe('a fleet', () => {
  test('whose viewers all fail is over before its time, and every session is told', async () => {
    const { fleet, registry, records, nodes } = launch(planFor(await freePort(), 5, 60_000), 2);
    await fleet.ready();
    fleet.start(Date.now());
    await fleet.finished();
    await fleet.stop();
    expect(records.map(({ result, reason, tags }) => [result, reason, tags.stream]).sort()).toEqual([
      ['failed', 'refused', 'live/1'],
      ['failed', 'refused', 'live/1'],
      ['failed', 'refused', 'live/1'],
      ['failed', 'refused', 'live/2'],
      ['failed', 'refused', 'live/2'],
    ]);
    expect(registry.total('sessions_failed', { reason: 'refused' })?.values(1).count).toBe(5);
    expect(registry.total('start_failure_ratio')?.values(1).value).toBe(1);
    expect([...nodes].sort()).toEqual(['viewers-1', 'viewers-2']);
  });

  test('that is stopped ends its sessions and its threads', async () => {
    const { fleet, records, registry } = launch(planFor(await silentServer(), 3, 60_000), 1);
    await fleet.ready();
    fleet.start(Date.now());
    await expect.poll(() => fleet.states().connecting + fleet.states().starting, { timeout: 5000 }).toBe(3);
    expect(fleet.active()).toEqual([
      { tags: { protocol: 'http-flv', stream: 'live/1', cohort: 'flv' }, count: 2 },
      { tags: { protocol: 'http-flv', stream: 'live/2', cohort: 'flv' }, count: 1 },
    ]);
    await fleet.stop();
    expect(records.map(({ result, phase }) => `${result} ${phase}`)).toEqual(
      Array(3).fill('ended before-first-frame'),
    );
    expect(registry.total('exit_before_start_ratio')?.values(1).value).toBe(1);
    await expect(fleet.finished()).resolves.toBeUndefined();
  });

  test('whose thread cannot be loaded says so instead of waiting', async () => {
    const fleet = new Fleet({
      entry: builtEntry('fleet/no-such-worker'),
      workers: 1,
      plan: planFor(1, 1, 1000),
      second: () => {},
      session: () => {},
    });
    await expect(fleet.ready()).rejects.toThrow('Cannot find module');
    await expect(fleet.finished()).rejects.toThrow('Cannot find module');
    await fleet.stop();
  });
});

test('a publisher that cannot publish is told with its reason, and its thread can be stopped', async () => {
  const port = await freePort();
  const told: string[] = [];
  const publishers = new Publishers({
    entry: builtEntry('fleet/publisher-worker'),
    plan: {
      publishers: [
        {
          number: 1,
          stream: 'live/a',
          url: `rtmp://127.0.0.1:${port}/live/a`,
          source: {
            kind: 'file',
            path: '/nowhere.flv',
            width: 64,
            height: 64,
            fps: 5,
            bitsPerSecond: 128_000,
            gopMs: 1000,
          },
        },
      ],
    },
    second: () => {},
    retrying: ({ reason }) => told.push(`retrying ${reason}`),
    failed: ({ reason }) => told.push(`failed ${reason}`),
  });
  const outcome = await publishers.start(Date.now());
  // The file is not there: its publisher gives up, whatever the server does.
  expect(outcome).toMatchObject({ stream: 'live/a' });
  expect(outcome?.detail).toContain('/nowhere.flv');
  expect(publishers.awaited).toEqual(['live/a']);
  expect(publishers.obstacle).toEqual(outcome);
  await publishers.stop();
  expect(told.at(-1)).toMatch(/^failed/);
});

test('a stream that goes to two servers is up when both have it', async () => {
  const server = await startSocketServer((socket) => {
    const session = new RtmpServerSession({
      random: (count) => new Uint8Array(count),
      write: (pieces) => socket.write(Buffer.concat(pieces)),
      event: ({ kind }) => {
        if (kind !== 'ended') session.accept();
      },
    });
    socket.on('data', (bytes) => session.receive(bytes));
  });
  const source = {
    kind: 'recording' as const,
    ...{ width: 64, height: 64, fps: 5, bitsPerSecond: 128_000, gopMs: 1_000 },
  };
  const ports = [server.port, await freePort()];
  const publishers = new Publishers({
    entry: builtEntry('fleet/publisher-worker'),
    plan: {
      publishers: ports.map((port, index) => ({
        number: index + 1,
        stream: 'live/a',
        url: `rtmp://127.0.0.1:${port}/live/a`,
        source,
      })),
    },
    second: () => {},
    retrying: () => {},
    failed: () => {},
  });
  let isUp = false;
  void publishers.start(Date.now()).then(() => {
    isUp = true;
  });
  await expect.poll(() => publishers.awaited, { timeout: 15_000 }).toEqual(['live/a']);
  await expect.poll(() => publishers.obstacle, { timeout: 15_000 }).toMatchObject({ reason: 'refused' });
  expect(isUp).toBe(false);
  await publishers.stop();
  await server.stop();
});
