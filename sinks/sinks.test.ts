import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { createDuckdbSink } from './duckdb.ts';
import { createJunitSink } from './junit.ts';
import { queryRun } from './query.ts';
import { createReportHtmlSink } from './report-html.ts';
import { createRunFolder } from './run-folder.ts';
import { describeSinkContract, type SinkUnderTest } from './sink-contract.ts';
import { createSummaryJsonSink, renderSummaryJson } from './summary-json.ts';
import { createSummaryMarkdownSink } from './summary-markdown.ts';
import { parseXml } from './xml-reader.ts';

type Inspect = SinkUnderTest['inspect'];
const read = (folder: string, file: string) => readFile(path.join(folder, file), 'utf8');

const inspectDuckdb: Inspect = async (folder, { seconds, sessions, summary }) => {
  const points = seconds.flat();
  const { rows } = await queryRun(
    folder,
    `SELECT (SELECT count(*) FROM series)::INT, (SELECT count(*) FROM sessions)::INT, (SELECT count(DISTINCT stream) FROM series)::INT,
            (SELECT verdict FROM runs), (SELECT id FROM runs), (SELECT lost FROM runs)::INT`,
  );
  const streams = new Set(points.flatMap(({ tags }) => tags.stream ?? []));
  expect(rows).toEqual([[points.length, sessions.length, streams.size, summary.verdict, summary.run.id, 0]]);
};

const inspectJson: Inspect = async (folder, { summary }) => {
  expect(await read(folder, 'summary.json')).toBe(renderSummaryJson(summary));
  const { scenario: _, ...run } = summary.run;
  // What JSON cannot write differently: no NaN, no undefined in it.
  expect(JSON.parse(await read(folder, 'summary.json'))).toEqual({ ...summary, run });
};

const inspectMarkdown: Inspect = async (folder, { summary }) => {
  const lines = (await read(folder, 'summary.md')).split('\n');
  expect(lines[0]).toMatch(
    { pass: /passed$/, fail: /failed$/, inconclusive: /inconclusive$/, error: /error$/ }[summary.verdict],
  );
  let columns = 0;
  for (const line of lines) {
    // Unescaped bars make cells: every row has as many as its table's head, whatever was in the names.
    const cells = line.startsWith('|') ? line.replace(/\\[\\|]/g, '').split('|').length - 2 : 0;
    if (columns > 0 && cells > 0) expect([line, cells]).toEqual([line, columns]);
    columns = cells;
  }
  expect(lines.filter((line) => /^\| (✅|❌)/u.test(line))).toHaveLength(summary.thresholds.length);
  expect(lines.filter((line) => /<[a-z!/]/i.test(line))).toEqual([]);
};

const inspectJunit: Inspect = async (folder, { summary }) => {
  const [suite] = parseXml(await read(folder, 'junit.xml')).children;
  const crossed = summary.verdict === 'fail' ? summary.thresholds.filter(({ ok }) => !ok).length : 0;
  expect(suite?.attributes).toMatchObject({
    tests: String(summary.thresholds.length + 1),
    failures: String(crossed),
  });
  expect(suite?.children.filter(({ name }) => name === 'testcase')).toHaveLength(
    summary.thresholds.length + 1,
  );
};

const inspectReport: Inspect = async (folder) => {
  const page = await read(folder, 'report.html');
  expect(page.slice(-8)).toBe('</html>\n');
  const outside = page.replace(/<(script|style)\b[^>]*>.*?<\/\1>/gs, '<$1>');
  const tags = outside.match(/<[a-z!][^>]*>/gi) ?? [];
  // The plots' data, uPlot and our script; and nothing that is loaded, sent or run besides.
  expect(tags.filter((tag) => /^<script/i.test(tag))).toHaveLength(3);
  expect(tags.filter((tag) => /^<(img|link|iframe|object|embed|base|form|b)\b/i.test(tag))).toEqual([]);
  expect(tags.filter((tag) => /[\s"'](on\w+|src|srcset|href|action)\s*=/i.test(tag))).toEqual([]);
};

describeSinkContract({
  name: 'run.duckdb',
  writesFolder: true,
  create: (folder) => createDuckdbSink({ folder }),
  inspect: inspectDuckdb,
});
describeSinkContract({
  name: 'summary.json',
  writesFolder: true,
  create: (folder) => createSummaryJsonSink({ folder }),
  inspect: inspectJson,
});
describeSinkContract({
  name: 'summary.md',
  writesFolder: true,
  create: (folder) => createSummaryMarkdownSink({ folder }),
  inspect: inspectMarkdown,
});
describeSinkContract({
  name: 'junit.xml',
  writesFolder: true,
  create: (folder) => createJunitSink({ folder }),
  inspect: inspectJunit,
});
describeSinkContract({
  name: 'report.html',
  writesFolder: true,
  create: (folder) => createReportHtmlSink({ folder }),
  inspect: inspectReport,
});
describeSinkContract({
  name: 'run folder',
  writesFolder: true,
  create: (folder) => createRunFolder({ folder: path.join(folder, 'runs', 'one') }),
  async inspect(folder, given) {
    const one = path.join(folder, 'runs', 'one');
    expect((await readdir(one)).sort()).toEqual([
      'junit.xml',
      'report.html',
      'run.duckdb',
      'scenario.json',
      'summary.json',
      'summary.md',
    ]);
    for (const inspect of [inspectDuckdb, inspectJson, inspectMarkdown, inspectJunit, inspectReport])
      await inspect(one, given);
    expect(JSON.parse(await read(one, 'scenario.json'))).toEqual(given.run.scenario);
  },
});
