import type { Sink } from '../metrics/sink.ts';
import type { Summary } from '../metrics/summary.ts';
import { selectorText, type ThresholdResult } from '../metrics/threshold.ts';
import { createFileSink, type FileSinkOptions } from './file-sink.ts';
import { printable } from './printable.ts';
import { outcomeWords, verdictWords } from './words.ts';

export const JUNIT_XML = 'junit.xml';

/** `junit.xml`: a test case for each threshold, one for the generator, one for a run that broke. */
export function createJunitSink(options: FileSinkOptions): Sink {
  return createFileSink('junit.xml', JUNIT_XML, renderJunit, options);
}

/**
 * JUnit's XML as Jenkins and GitLab read it. Where the verdict is neither pass nor fail, thresholds are skipped: they
 * were not judged, whatever was observed.
 */
export function renderJunit(summary: Summary): string {
  const { run, verdict, generator, thresholds } = summary;
  const judged = verdict === 'pass' || verdict === 'fail';
  const cases = [
    ...(verdict === 'error'
      ? [testCase('run', 'run completed', element('error', verdictWords(summary).sentence))]
      : []),
    testCase(
      'generator',
      'load generator was not the limit',
      generator.valid
        ? ''
        : element('failure', generator.reasons.join(' ') || 'The load generator was the limit.'),
    ),
    ...thresholds.map((threshold) => {
      const name = `${selectorText(threshold.metric, threshold.tags)} ${threshold.expression}`;
      return testCase(
        'thresholds',
        name,
        judged ? crossing(threshold) : element('skipped', outcomeWords(threshold)),
      );
    }),
  ];
  const counts = ['failure', 'error', 'skipped'].map(
    (kind) => cases.filter((text) => text.includes(`<${kind} `)).length,
  );
  const attributes = [
    `name="${escapeXml(run.name)}"`,
    `tests="${cases.length}" failures="${counts[0]}" errors="${counts[1]}" skipped="${counts[2]}"`,
    `time="${(run.durationMs / 1000).toFixed(3)}"`,
  ].join(' ');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${attributes}>`,
    `  <testsuite ${attributes} timestamp="${escapeXml(run.startedAt)}" hostname="${escapeXml(run.host.name)}">`,
    ...cases.map((text) => `    ${text}`),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function crossing(threshold: ThresholdResult): string {
  return threshold.ok ? '' : element('failure', outcomeWords(threshold));
}

function testCase(group: string, name: string, outcome: string): string {
  const head = `<testcase classname="streamgauge.${group}" name="${escapeXml(name)}"`;
  return outcome === '' ? `${head}/>` : `${head}>${outcome}</testcase>`;
}

function element(kind: 'failure' | 'error' | 'skipped', message: string): string {
  return `<${kind} message="${escapeXml(message)}"/>`;
}

/** Text for an attribute; `printable` has taken out what XML 1.0 has no way to write (section 2.2). */
function escapeXml(text: string): string {
  // White space other than a blank would be normalised away in an attribute (section 3.3.3).
  return printable(text).replace(/[<>&"'\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}
