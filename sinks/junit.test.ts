import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Summary } from '../metrics/summary.ts';
import { renderJunit } from './junit.ts';
import { hostileNames } from './sink-contract.ts';
import { makeSyntheticRun } from './synthetic-run.ts';
import { parseXml } from './xml-reader.ts';

function casesOf(
  summary: Summary,
): [name: string | undefined, outcome: string | undefined, message: string | undefined][] {
  const [suite] = parseXml(renderJunit(summary)).children;
  return (suite?.children ?? []).map(({ attributes, children: [outcome] }) => [
    attributes['name'],
    outcome?.name,
    outcome?.attributes['message'],
  ]);
}

const thresholds = [
  ['first_frame_ms', 'p(95)<1500'],
  ['latency_ms{protocol:rtmp}', 'max<10'],
  ['qoe_score', 'p(5)>80'],
] as const;

describe('junit.xml', () => {
  it('has a case for the generator and one for each threshold', () => {
    const { summary } = makeSyntheticRun({ seconds: 6, thresholds });
    expect(casesOf(summary)).toEqual([
      ['load generator was not the limit', undefined, undefined],
      ['first_frame_ms p(95)<1500', undefined, undefined],
      [
        'latency_ms{protocol:rtmp} max<10',
        'failure',
        expect.stringMatching(/^Latency, highest \(rtmp\) was 1,\d+ ms; it must be < 10 ms\.$/),
      ],
      ['qoe_score p(5)>80', 'failure', 'QoE score, 5th percentile was never measured.'],
    ]);
    expect(parseXml(renderJunit(summary)).attributes).toEqual({
      name: 'evening-peak',
      tests: '4',
      failures: '2',
      errors: '0',
      skipped: '0',
      time: '6.000',
    });
  });

  it('judges no threshold of an inconclusive run', () => {
    const { summary } = makeSyntheticRun({ seconds: 6, thresholds, invalidSeconds: 6 });
    expect(summary.verdict).toBe('inconclusive');
    expect(casesOf(summary).map(([, outcome]) => outcome)).toEqual([
      'failure',
      'skipped',
      'skipped',
      'skipped',
    ]);
    expect(parseXml(renderJunit(summary)).attributes).toMatchObject({ failures: '1', skipped: '3' });
  });

  it('shows a run that broke as an error, with its sentence', () => {
    const { summary } = makeSyntheticRun({ seconds: 6, thresholds: [] });
    const broken: Summary = {
      ...summary,
      verdict: 'error',
      errors: [{ code: 'X', count: 1, example: 'Port 1935 is taken.' }],
    };
    expect(casesOf(broken)[0]).toEqual([
      'run completed',
      'error',
      'The run did not work, so nothing can be said about the server. Port 1935 is taken.',
    ]);
  });

  it('is well-formed whatever is in the names, for another parser too', ({ skip }) => {
    const { summary } = makeSyntheticRun({ seconds: 2, name: hostileNames.join('') });
    const hostile: Summary = {
      ...summary,
      thresholds: hostileNames.map((stream) => ({
        metric: 'latency_ms',
        tags: { stream },
        expression: 'avg<1',
        observed: 2,
        ok: false,
      })),
    };
    const xml = renderJunit(hostile);
    expect(parseXml(xml).children).toHaveLength(1);
    const python = spawnSync(
      'python3',
      [
        '-c',
        'import sys, xml.etree.ElementTree as e; print(len(list(e.parse(sys.stdin).getroot().iter("testcase"))))',
      ],
      { input: xml, encoding: 'utf8' },
    );
    if (python.error) return skip('python3 is absent: only our own reader looked at the XML');
    expect(python.stdout.trim()).toBe(String(hostileNames.length + 1));
  });
});
