import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import { makeSyntheticRun } from '../../sinks/synthetic-run.ts';
import { renderConclusion } from './conclusion.ts';

const plain = pc.createColors(false);

describe('the end of a run, for people', () => {
  test('that passed', () => {
    const { summary } = makeSyntheticRun({ seconds: 10, troubleAt: null });
    expect(renderConclusion(summary, 'runs/x/report.html', plain)).toMatchInlineSnapshot(`
      "40 viewer sessions in 10 s, none failed.

                              sessions  failed  first frame p50     p95  latency p50       p95  stalls  stalled  per viewer
      all                           40       0           331 ms  718 ms     1,076 ms  1,308 ms       0      0 %  639 kbit/s
      http-flv                      20       0           333 ms  798 ms     1,220 ms  1,324 ms       0      0 %  639 kbit/s
      rtmp                          20       0           263 ms  666 ms     1,002 ms  1,076 ms       0      0 %  639 kbit/s
      http-flv · live/room-1        10       0           317 ms  814 ms     1,228 ms  1,324 ms       0      0 %  637 kbit/s
      http-flv · live/room-2        10       0           343 ms  797 ms     1,220 ms  1,324 ms       0      0 %  641 kbit/s
      rtmp · live/room-1            10       0           244 ms  549 ms     1,002 ms  1,076 ms       0      0 %  639 kbit/s
      rtmp · live/room-2            10       0           263 ms  720 ms     1,006 ms  1,068 ms       0      0 %  639 kbit/s

      ✓ First frame, 95th percentile    718 ms  must be < 1,500 ms
      ✓ Latency, 95th percentile      1,308 ms  must be < 2,000 ms
      ✓ Latency, median (rtmp)        1,002 ms  must be < 1,200 ms
      ✓ Stalled time                       0 %  must be < 5 %
      ✓ Failed starts                      0 %  must be < 5 %

      Passed (exit code 0). All 5 thresholds were met.

      Report: runs/x/report.html
      "
    `);
  });

  test('with one protocol and one stream has one row, not three', () => {
    const { summary } = makeSyntheticRun({ seconds: 5, protocols: ['rtmp'], streams: ['live/a'] });
    const rows = renderConclusion(summary, null, plain)
      .split('\n')
      .filter((line) => /^(all|rtmp)/.test(line));
    expect(rows).toHaveLength(1);
  });

  test('that broke says what broke first', () => {
    const { summary } = makeSyntheticRun({ seconds: 0 });
    const broken = {
      ...summary,
      verdict: 'error' as const,
      exitCode: 95,
      thresholds: [],
      errors: [
        { code: 'run-failed', count: 1, example: 'The stream "live/a" could not be published: refused.' },
      ],
    };
    expect(renderConclusion(broken, null, plain)).toMatchInlineSnapshot(`
      "No viewer session was started.

      Error (exit code 95). The run did not work, so nothing can be said about the server. The stream "live/a" could not be published: refused.
      "
    `);
  });
});
