import { type AlertLevels, alertLevels } from './alert-levels.ts';
import { panelIds } from './viewers-dashboard.ts';

export type Severity = 'warn' | 'page';

/** One thing that on-call must hear of; each severity becomes a rule of its own. */
export interface Alert {
  /** Name of the runbook in docs/runbooks/ and stem of the rules' uids. A uid that is out in the world never changes. */
  readonly name: string;
  readonly title: string;
  /** What the message says first. `{{ .Labels.stream }}` and `{{ .Values.C.Value }}` are filled in by Grafana. */
  readonly summary: string;
  readonly description: string;
  readonly panelId: number;
  /** One row per stream, or one row per stream and interval. `time >= now() - …` must be in it. */
  readonly query: string;
  /** Judged only while this query counts more than 0: silence of the whole monitor is another alert. */
  readonly onlyWhile?: string;
  readonly fires: { readonly below: number; readonly severity: Severity } | { readonly above: AlertLevels };
  /** How long the condition must hold. */
  readonly for: string;
  /** Whether silence fires the alert, or is somebody else's business. */
  readonly silence: 'fires' | 'ignored';
}

/** Something that every run writes in every second, whatever its streams do. */
const signOfLife = 'SELECT count("p99") FROM "event_loop_lag_ms" WHERE time >= now() - 2m';

/**
 * Why the queries are as they are:
 * - Grafana does not apply the rule's time range to raw InfluxQL, so every query says `time >= now() - …` itself.
 * - A stream whose viewers fell silent writes nothing, and a series that vanishes *resolves* its alert. `fill(0)` over
 *   a window much longer than the judged minute keeps giving its row, with 0.
 * - `GROUP BY "stream"` makes one alert instance per stream, and the stream's name its label.
 */
export const alerts: readonly Alert[] = [
  {
    name: 'stream-down',
    title: 'Stream down',
    summary:
      'Stream {{ .Labels.stream }} is down: its viewers received {{ .Values.C.Value }} bytes in the last minute',
    description: 'Viewers try to watch the stream and get nothing, while the monitor itself works.',
    panelId: panelIds.bitratePerViewer,
    query:
      'SELECT sum("value") FROM "bytes_received" WHERE time >= now() - 10m GROUP BY time(1m), "stream" fill(0)',
    onlyWhile: signOfLife,
    fires: { below: 1, severity: 'page' },
    for: '1m',
    silence: 'ignored',
  },
  {
    name: 'monitor-blind',
    title: 'Monitor blind',
    summary: 'No measurements have arrived for two minutes: nobody knows whether the streams are well',
    description: 'No run writes into InfluxDB, or InfluxDB does not answer. The streams may be fine.',
    panelId: panelIds.generatorLoad,
    // count() over an empty range gives no row, not 0: that this fires at all is the work of noDataState.
    query: signOfLife,
    fires: { below: 1, severity: 'page' },
    for: '1m',
    silence: 'fires',
  },
  {
    name: 'stalls',
    title: 'Viewers stall',
    summary:
      'Viewers of {{ .Labels.stream }} spent {{ humanizePercentage .Values.C.Value }} of the last 5 minutes in stalls',
    description: 'Stalled time over watched time, all viewers of the stream together.',
    panelId: panelIds.stalls,
    query:
      'SELECT sum("num") / sum("den") AS "ratio" FROM "stall_ratio" WHERE time >= now() - 5m GROUP BY "stream"',
    fires: { above: alertLevels.stallRatio },
    for: '2m',
    silence: 'ignored',
  },
  {
    name: 'first-frame-slow',
    title: 'First frame slow',
    summary:
      'First frame of {{ .Labels.stream }} takes {{ printf "%.0f" .Values.C.Value }} ms (p95, median over the last 5 minutes)',
    description:
      'In at least half of the seconds in which sessions began, 5 % of them waited longer than this for a picture.',
    panelId: panelIds.firstFrame,
    // The median of the one-second p95: one slow session must not wake anybody.
    query: 'SELECT median("p95") FROM "first_frame_ms" WHERE time >= now() - 5m GROUP BY "stream"',
    fires: { above: alertLevels.firstFrameMs },
    for: '2m',
    silence: 'ignored',
  },
];
