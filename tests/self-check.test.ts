/** A generator that is starved on purpose says so, and which resource was short: exit code 96, whatever the thresholds say. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os, { setPriority, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, type RunningCli, startCli, summaryOf, valuesOf } from './kit/cli.ts';
import { endProcess } from './kit/end-process.ts';
import { startTruthServer, type TruthServer } from './kit/truth-server.ts';

let server: TruthServer;
let folder: string;
let running: RunningCli | null = null;
const rivals: ChildProcess[] = [];
beforeAll(async () => {
  server = await startTruthServer({ fps: 25, gopFrames: 25, frameBytes: 4_000 });
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-self-check-'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await endRivals();
  await running?.stop();
  running = null;
});

function watch(name: string, duration: string): RunningCli {
  running = startCli([
    'watch',
    `http://127.0.0.1:${server.httpPort}/live/a.flv`,
    ...['--viewers', '20', '--duration', duration, '--threshold', 'first_frame_ms:p(95)<60000'],
    ...['--out', path.join(folder, name), '--json'],
  ]);
  return running;
}

/** One processor that this process may use. */
function processor(): string {
  const allowed = /^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  if (allowed === undefined) throw new Error('no list of allowed processors');
  return allowed;
}

/** Runs a program on one processor to its end. */
async function pin(pid: number, cpu: string): Promise<void> {
  const taskset = spawn('taskset', ['-a', '-c', '-p', cpu, String(pid)], { stdio: 'ignore' });
  const code = await new Promise((resolve, reject) => {
    taskset.once('error', reject);
    taskset.once('exit', resolve);
  });
  if (code !== 0) throw new Error(`taskset ended with ${code}`);
}

/**
 * Leaves a program next to nothing of a processor: all its threads are put on one, with the lowest priority, beside
 * eight others that never rest. A thread that has run for 1 ms then waits for half a second; how fast the machine is
 * does not matter.
 */
async function starve(pid: number): Promise<void> {
  const cpu = processor();
  await pin(pid, cpu);
  for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), 19);
  for (let i = 0; i < 8; i++)
    rivals.push(spawn('taskset', ['-c', cpu, 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' }));
}

async function endRivals(): Promise<void> {
  await Promise.all(rivals.splice(0).map((rival) => endProcess(rival)));
}

const wait = (ms: number) => new Promise((wake) => setTimeout(wake, ms));

describe.skipIf(process.platform !== 'linux')('the generator about itself', () => {
  // Where other programs have the processors it has no room, and must say just that: then this is no control.
  it('is believed where it has room', async ({ skip }) => {
    const result: CliResult = await watch('fed', '22s').done;
    const { generator, verdict } = summaryOf(result);
    const crowded = os.loadavg()[0]! > os.availableParallelism();
    if (crowded && result.code === 96) {
      expect(generator.shortOf).toEqual(['waiting-for-cpu']);
      process.stderr.write(
        '\nSKIPPED: the control of the self-check, because other programs use this machine\n',
      );
      skip();
    }
    expect({ code: result.code, verdict, reasons: generator.reasons }).toEqual({
      code: 0,
      verdict: 'pass',
      reasons: [],
    });
    expect(generator.expectedBytesRatio).toBeGreaterThan(0.9);
    expect(generator.expectedBytesRatio).toBeLessThan(1.1);
    expect(generator.fdUsedRatio).toBeGreaterThan(0);
    expect(generator.socketBacklogBytes).toBeGreaterThanOrEqual(0);
  });

  it('is not believed where others have the processor, and says that', async () => {
    const cli = watch('starved', '22s');
    await cli.sees(/20 of 20 viewers playing/);
    await starve(cli.child.pid!);
    await wait(6_000);
    await endRivals();
    const result = await cli.done;
    const summary = summaryOf(result);
    const { generator, verdict } = summary;
    expect({ code: result.code, verdict }).toEqual({ code: 96, verdict: 'inconclusive' });
    expect(generator.shortOf).toContain('waiting-for-cpu');
    expect(generator.reasons.join(' ')).toMatch(
      /too busy in \d+ of \d+ worker-seconds .* Processors were short: viewers-1 was ready to run and had to wait for one in \d+ seconds?, up to \d+ ms, while other programs used up to \d/,
    );
    expect(generator.busySeconds?.['waiting-for-cpu']).toBeGreaterThanOrEqual(3);
    // What it measured meanwhile is there, apart from what is believed.
    const apart = generator.apart?.find(({ name }) => name === 'latency_ms');
    expect(apart?.values.count).toBeGreaterThan(0);
    expect(valuesOf(summary, 'latency_ms').count).toBeGreaterThan(0);
    // It was late itself, by far; what is believed was not.
    expect(apart?.values.max).toBeGreaterThan(valuesOf(summary, 'latency_ms').med ?? 0);
    expect(generator.invalidSeconds).toBeGreaterThanOrEqual(3);
  });
});
