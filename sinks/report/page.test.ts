import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Summary } from '../../metrics/summary.ts';
import { hostileNames } from '../sink-contract.ts';
import { makeSyntheticRun, type SyntheticOptions } from '../synthetic-run.ts';
import { renderReport } from './page.ts';
import { pageScript } from './page-script.ts';
import { plotsOf } from './plots.ts';
import { Timeline } from './timeline.ts';

const library = { script: 'var uPlot = function () {}; // </script> in a comment', style: '.uplot {}' };

function pageOf(options: SyntheticOptions, change: Partial<Summary> = {}): string {
  const { run, seconds, summary } = makeSyntheticRun(options);
  const timeline = new Timeline(Date.parse(run.startedAt));
  for (const points of seconds) timeline.add(points);
  return renderReport({ ...summary, ...change }, plotsOf(timeline), library);
}

/** What a reader sees, as lines. */
function textOf(page: string): string {
  return page
    .replace(/<(script|style|title)\b.*?<\/\1>/gs, '')
    .replace(/<[^>]+>/g, '\n')
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/\s*\n\s*/g, '\n');
}

describe('report.html', () => {
  it('says the verdict and its reason before anything else', () => {
    const text = textOf(pageOf({ seconds: 10, thresholds: [['latency_ms{protocol:rtmp}', 'max<10']] }));
    expect(text.trim().split('\n').slice(0, 5)).toEqual([
      'Streamgauge report',
      'evening-peak',
      '2026-11-23 18:00:00 UTC, 10 s, against reference stack',
      'Failed',
      expect.stringMatching(
        /^1 of 1 threshold was crossed\. Latency, highest \(rtmp\) was 1,0\d\d ms; it must be < 10 ms\. 40 viewer sessions in 10 s, none failed\.$/,
      ),
    ]);
  });

  it('shows thresholds, streams, failures, faults, errors, generator and environment', () => {
    const text = textOf(pageOf({ viewersPerStream: 40 }));
    for (const piece of [
      'Thresholds',
      'Streams',
      'Failed sessions',
      'Faults made on purpose',
      'Over time',
      'Errors',
      'Load generator',
      'Environment',
      'What the words mean',
    ]) {
      expect(text.split('\n')).toContain(piece);
    }
    for (const piece of [
      'http-flv · live/room-1',
      'not-found',
      'The server answered 404: there is no such stream.',
      'node-media-server 4.4.3',
      '2 × Some Processor at 2.4 GHz',
    ]) {
      expect(text.split('\n')).toContain(piece);
    }
  });

  it('says in plain words that there is no data', () => {
    const text = textOf(pageOf({ seconds: 0, thresholds: [] }));
    expect(text).toContain('No data: nothing was measured on any stream.');
    expect(text).toContain('No data: the load generator did not run for a whole second.');
    expect(text).toContain('No thresholds were set, so the run was not judged by any figure.');
    expect(text.match(/No data: this was not measured in this run\./g)).toHaveLength(7);
  });

  it('does not call thresholds met or crossed where they were not judged', () => {
    const lines = textOf(pageOf({ seconds: 5, invalidSeconds: 5 })).split('\n');
    expect(lines).toContain('Inconclusive');
    expect(lines.filter((line) => line === 'not judged')).toHaveLength(5);
    expect(lines.filter((line) => line === 'met' || line === 'crossed')).toEqual([]);
  });

  it('lets nothing hostile out of its text', () => {
    const hostile = hostileNames.join(' ');
    const page = pageOf(
      { seconds: 3, streams: hostileNames, protocols: hostileNames, name: hostile },
      {
        errors: [{ code: hostile, count: 1, example: hostile }],
        faults: [{ atMs: 0, kind: hostile, detail: hostile }],
        server: { [hostile]: hostile },
        generator: {
          valid: false,
          reasons: [hostile],
          cpu: 1,
          eventLoopLagMs: 1,
          seconds: 1,
          invalidSeconds: 1,
          droppedStarts: 0,
        },
      },
    );
    const scripts = page.match(/<script\b[^>]*>/g);
    expect(scripts).toEqual(['<script type="application/json" id="plot-data">', '<script>', '<script>']);
    const tags = page.replace(/<(script|style)\b[^>]*>.*?<\/\1>/gs, '').match(/<[a-z!/][^>]*>/gi) ?? [];
    expect(
      tags.filter((tag) =>
        /alert|onerror|evil|<img|constructor/i.test(
          tag.replace(/ data-head="[^"]*"| aria-label="[^"]*"/g, ''),
        ),
      ),
    ).toEqual([]);
    expect(page.includes('\u202e')).toBe(false);
  });

  it('lets the browser run its own two scripts and load nothing', () => {
    const page = pageOf({ seconds: 3 });
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replace(/&#39;/g, "'") ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-[\w+/]+=' 'sha256-[\w+/]+='$/,
    );
    const bodies = [...page.matchAll(/<script>(.*?)<\/script>/gs)].map(([, body = '']) => body);
    expect(bodies).toHaveLength(2);
    for (const body of bodies) expect(policy).toContain(createHash('sha256').update(body).digest('base64'));
  });

  it('has a script that a browser can read', () => {
    expect(() => new Script(pageScript)).not.toThrow();
  });
});
