/** Ctrl-C at any moment: no process is left behind, and what happened so far can be read. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Summary } from '../metrics/summary.ts';
import { type RunningCli, startCli } from './kit/cli.ts';

let folder: string;
let running: RunningCli | null = null;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-interruption-'));
});
afterEach(async () => {
  await running?.stop();
  running = null;
  await rm(folder, { recursive: true, force: true });
});

const scenario = `name: interrupted
target: reference
publishers:
  - { stream: "live/a", source: testcard, bitrate: 300k, gop: 1s, size: 320x180 }
viewers:
  - { name: flv, protocol: http-flv, stream: "live/a", executor: constant-viewers, viewers: 3, duration: 60s }
  - { name: rtmp, protocol: rtmp, stream: "live/a", executor: constant-viewers, viewers: 3, duration: 60s }
thresholds:
  first_frame_ms: [ "p(95)<5000" ]
`;

/** All living processes that come from the run, found by the environment that they inherited: `pid command`. */
function offspring(mark: string): string[] {
  const read = (pid: string, what: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${what}`, 'utf8');
    } catch {
      return ''; // gone meanwhile
    }
  };
  return readdirSync('/proc')
    .filter(
      (pid) =>
        /^\d+$/.test(pid) && read(pid, 'environ').split('\0').includes(`STREAMGAUGE_TEST_MARK=${mark}`),
    )
    .map((pid) => `${pid} ${read(pid, 'cmdline').replaceAll('\0', ' ')}`);
}

async function start(): Promise<{ mark: string; out: string }> {
  const file = path.join(folder, 'scenario.yaml');
  await writeFile(file, scenario);
  const mark = path.basename(folder);
  const out = path.join(folder, 'out');
  running = startCli(['run', file, '--out', out, '--json'], { env: { STREAMGAUGE_TEST_MARK: mark } });
  return { mark, out };
}

const linux = process.platform === 'linux';

describe('Ctrl-C', () => {
  // From before anything is started to the middle of the run.
  it.each([50, 300, 700, 1_200, 2_000, 3_500, 9_000])('after %i ms', async (afterMs) => {
    const { mark, out } = await start();
    await new Promise((wake) => setTimeout(wake, afterMs));
    running!.child.kill('SIGINT');
    const startedMs = performance.now();
    const { code, signal, stderr } = await running!.done;
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    // Before Node has begun to listen for signals, the signal itself ends it: nothing was said, and there is nothing to
    // report yet. How long that takes is the machine's business, but not for ever.
    if (signal === 'SIGINT' && stderr === '' && afterMs < 3_000) return;
    expect({ code, signal }).toEqual({ code: 105, signal: null });
    expect(stderr).not.toMatch(/\n\s+at .*:\d+/);
    if (linux) expect(offspring(mark)).toEqual([]);
    if (afterMs < 2_000 && !existsSync(path.join(out, 'summary.json'))) return;
    const summary = JSON.parse(await readFile(path.join(out, 'summary.json'), 'utf8')) as Summary;
    expect(summary).toMatchObject({ exitCode: 105, verdict: 'error' });
    for (const file of ['report.html', 'summary.md', 'junit.xml', 'run.duckdb', 'scenario.json']) {
      expect(existsSync(path.join(out, file)), file).toBe(true);
    }
    if (afterMs >= 9_000) {
      // Long enough to have seen pictures: the report tells of all six viewers.
      expect(
        summary.metrics.find(({ name, tags }) => name === 'first_frame_ms' && Object.keys(tags).length === 0)
          ?.values.count,
      ).toBe(6);
      expect(await readFile(path.join(out, 'report.html'), 'utf8')).toContain('live/a');
    }
  });

  it('a killed command leaves no process behind either', async () => {
    const { mark } = await start();
    await new Promise((wake) => setTimeout(wake, 5_000));
    running!.child.kill('SIGKILL');
    await running!.done;
    if (!linux) return;
    await expect.poll(() => offspring(mark), { timeout: 8_000 }).toEqual([]);
  });
});
