/** The newcomer's first minute: `npm start` as it stands, on real media, to a verdict and a report. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { Summary } from '../metrics/summary.ts';
import { repositoryRoot } from './kit/built-entry.ts';

// A machine that is busy with something else makes a run inconclusive, and that is right: then it is run again.
it('npm start ends by itself with a passing report', { timeout: 120_000, retry: 2 }, async () => {
  const out = await mkdtemp(path.join(tmpdir(), 'streamgauge-newcomer-'));
  try {
    const startedMs = performance.now();
    const child = spawn('npm', ['start', '--', '--out', out], {
      cwd: repositoryRoot(),
      env: { ...process.env, CI: 'true' },
      // Nobody is there to answer a question.
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (text: Buffer) => {
      said += text.toString();
    });
    child.stderr.on('data', (text: Buffer) => {
      said += text.toString();
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, said }).toEqual({
      code: 0,
      said: expect.stringMatching(/Passed \(exit code 0\).*report\.html/s),
    });
    expect(performance.now() - startedMs).toBeLessThan(120_000);
    expect((await readdir(out)).sort()).toEqual([
      'junit.xml',
      'report.html',
      'run.duckdb',
      'scenario.json',
      'summary.json',
      'summary.md',
    ]);
    const summary = JSON.parse(await readFile(path.join(out, 'summary.json'), 'utf8')) as Summary;
    expect(summary).toMatchObject({ verdict: 'pass', exitCode: 0, run: { name: 'smoke' } });
    const whole = (name: string) =>
      summary.metrics.find((metric) => metric.name === name && Object.keys(metric.tags).length === 0)?.values;
    expect(whole('sessions_started')?.count).toBe(40);
    expect(whole('first_frame_ms')?.count).toBe(40);
    // Once a second for each of forty viewers, through the stamp in every frame.
    expect(whole('latency_ms')?.count).toBeGreaterThan(40 * 20);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
});
