import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Answer, CAPACITY_SCHEMA, type CapacityReport } from '../../metrics/capacity.ts';
import { aLevel } from '../../tests/kit/a-level.ts';
import { curvesOf } from './curves.ts';
import { writeCapacityJson, writeCapacityReports } from './files.ts';
import { renderCapacityMarkdown } from './markdown.ts';
import { renderCapacityPage } from './page.ts';
import { answerWords, detailWords, loadWords } from './words.ts';

const answer: Answer = {
  outcome: 'found',
  capacity: 1_480,
  low: 1_480,
  high: 1_510,
  confidence: 'high',
  doubts: [],
  repeats: { good: { agreed: 2, of: 2 }, bad: { agreed: 2, of: 2 } },
  knee: { load: 1_400, figure: 'firstFrameP95Ms', value: 220 },
  limit: {
    load: 1_510,
    crossed: [
      { metric: 'stall_ratio', tags: {}, expression: 'value<0.01', observed: 0.034, ok: false },
      { metric: 'first_frame_ms', tags: {}, expression: 'p(95)<3000', observed: 4_100, ok: false },
    ],
    objections: [],
    shortage: {
      of: 'server',
      resource: 'CPU',
      used: 0.98,
      sentence: "The server's CPU was at 98 % of a core.",
    },
  },
};

const report: CapacityReport = {
  schema: CAPACITY_SCHEMA,
  run: {
    id: '20261123-181500-capacity',
    name: 'capacity',
    startedAt: '2026-11-23T18:15:00.000Z',
    version: '0.2.0',
    host: { name: 'host', os: 'linux x64', cpu: 'a processor', cpus: 8, memoryBytes: 1e10, node: 'v20' },
    target: 'http://host/live/<a>.flv',
    durationMs: 600_000,
  },
  of: 'viewers',
  state: 'done',
  failure: null,
  exitCode: 0,
  require: null,
  search: {
    start: 10,
    max: 10_000,
    granule: 1,
    step: { kind: 'factor', by: 2 },
    resolution: { kind: 'share', by: 0.02 },
    agree: 2,
    patience: 3,
    maxLevels: 80,
  },
  hold: { rampMs: 10_000, minMs: 20_000, maxMs: 60_000, windowMs: 5_000, restMs: 2_000 },
  folder: '/',
  fingerprint: 'x',
  thresholds: ['stall_ratio: value<0.01'],
  levels: [
    aLevel({ number: 1, load: 1_400, figures: { firstFrameP95Ms: 220, stallRatio: 0, receivedBps: 9e8 } }),
    aLevel({ number: 2, load: 1_510, verdict: 'bad', figures: { firstFrameP95Ms: 4_100, stallRatio: 0.04 } }),
    aLevel({ number: 3, load: 1_480, figures: { firstFrameP95Ms: 240, stallRatio: 0.002 } }),
    aLevel({ number: 4, load: 1_480, figures: { firstFrameP95Ms: 260, stallRatio: 0.004 } }),
    aLevel({ number: 5, load: 2_000, verdict: 'inconclusive', figures: { firstFrameP95Ms: 9_999 } }),
  ],
  answer,
};
const withAnswer = (changes: Partial<Answer>): CapacityReport => ({
  ...report,
  answer: { ...answer, ...changes },
});

describe('words', () => {
  it('a person understands the answer', () => {
    expect(answerWords(report)).toEqual({
      word: '1,480 viewers',
      sentence: 'This server carries 1,480 viewers (1,510 were too many).',
    });
    expect(detailWords(report)).toEqual([
      'First to cross, at 1,510 viewers: Stalled time was 3.4 %; it must be < 1 %. So did first frame, 95th percentile (4,100 ms).',
      "What was short there: The server's CPU was at 98 % of a core.",
      'The knee is at 1,400 viewers: from there on first frame, 95th percentile (220 ms) rises faster than the load.',
      'Confidence: high (repeats that agreed: 2 of 2 at the capacity, 2 of 2 above it).',
    ]);
  });

  it('where repeats did not agree, the interval is told', () => {
    expect(answerWords(withAnswer({ low: 1_450, high: 1_560 })).sentence).toBe(
      'This server carries 1,480 viewers (the limit lies between 1,450 and 1,560).',
    );
  });

  it.each([
    [
      { outcome: 'at-least', high: null, limit: null },
      /at least 1,480 viewers, the largest load that was allowed/,
    ],
    [{ outcome: 'generator', high: null }, /at least 1,480 viewers; above that the load generator/],
    [{ outcome: 'generator', capacity: null }, /from the smallest load on/],
    [{ outcome: 'none', capacity: null }, /^Not even the smallest load, 1,510 viewers/],
  ] as [Partial<Answer>, RegExp][])('%o', (changes, sentence) => {
    expect(answerWords(withAnswer(changes)).sentence).toMatch(sentence);
  });

  it('a search that is not over says what is known so far', () => {
    expect(answerWords({ ...report, state: 'stopped' }).sentence).toBe(
      'The search is not at its end. So far: at least 1,480 viewers.',
    );
    expect(answerWords({ ...report, state: 'failed', failure: 'It broke.', answer: null }).sentence).toBe(
      'The search could not go on. It broke.',
    );
  });

  it('a server that cannot be read is not blamed', () => {
    const text = detailWords(withAnswer({ limit: { ...answer.limit!, shortage: null } })).join('\n');
    expect(text).toContain("not known, because the server's own figures could not be read");
  });

  it('where the generator was the limit nothing is said of what the server was short of', () => {
    const limit = { ...answer.limit!, crossed: [], shortage: null };
    expect(detailWords(withAnswer({ outcome: 'generator', limit })).join(' ')).not.toContain('short');
  });

  it('loads', () => {
    expect(loadWords(1, 'viewers')).toBe('1 viewer');
    expect(loadWords(2.5, 'arrival-rate')).toBe('2.5 new sessions per second');
  });
});

it('curves: by load, repeats as their mean, without levels of a busy generator and lines without data', () => {
  const [times, shares] = curvesOf(report);
  expect(times!.loads).toEqual([1_400, 1_480, 1_510]);
  expect(times!.lines).toEqual([{ label: 'first frame, p95', values: [220, 250, 4_100] }]);
  expect(shares!.lines[0]!.values[1]).toBeCloseTo(0.3);
});

it('Markdown: the answer, and a row for each level; names from outside cannot do anything', () => {
  const text = renderCapacityMarkdown(report);
  expect(text).toMatch(/^# capacity: 1,480 viewers\n\nThis server carries 1,480 viewers/);
  expect(text).toContain('| 2 | 1,510 | too much | 20 s | 4,100 ms |');
  expect(text).toContain('&lt;a&gt;');
});

it('HTML: opens offline, and nothing from outside gets into it unescaped', () => {
  const page = renderCapacityPage(report, { script: '/* uPlot */', style: '' });
  expect(page).toContain('<strong>1,480 viewers</strong>');
  expect(page).toContain('"label":"carried: 1,480 viewers"');
  expect(page).toContain('"label":"knee: 1,400 viewers"');
  expect(page).not.toContain('<a>');
  expect(page).not.toMatch(/(?:src|href)=/);
});

it('files are written whole, and nothing else is left', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-capacity-'));
  try {
    await writeCapacityJson(folder, report);
    await writeCapacityReports(folder, report);
    expect((await readdir(folder)).sort()).toEqual(['capacity.html', 'capacity.json', 'capacity.md']);
    expect(JSON.parse(await readFile(path.join(folder, 'capacity.json'), 'utf8'))).toEqual(report);
    await expect(writeCapacityJson(path.join(folder, 'none'), report)).rejects.toThrow(
      /^Cannot write ".*capacity.json"/,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
