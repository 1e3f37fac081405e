import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { type AlertLevels, alertLevels } from './alert-levels.ts';
import { InfluxQueryBuilder, influxdbDatasource } from './influx-query.ts';

export const viewersDashboardUid = 'streamgauge-viewers';

/** Panels that alert rules link to: a number that is given out once stays with its panel. */
export const panelIds = {
  viewersNow: 1,
  firstFrameNow: 2,
  latencyNow: 3,
  stallsNow: 4,
  failuresNow: 5,
  bitrateNow: 6,
  viewers: 10,
  sessions: 11,
  firstFrame: 20,
  latency: 30,
  stalls: 40,
  stallCount: 41,
  bitrate: 50,
  bitratePerViewer: 51,
  generatorLoad: 60,
  droppedStarts: 61,
  targetLoad: 70,
  targetMemory: 71,
  targetTraffic: 72,
  targetSockets: 73,
} as const;

// The template variables as regular expressions, so that "All" and several values work. A series without the tag
// (a run that has no name) is matched by All too: in InfluxQL a missing tag is the empty string.
const selected = `"run" =~ /^$run$/ AND "stream" =~ /^$stream$/ AND "protocol" =~ /^$protocol$/ AND $timeFilter`;
const ofRun = `"run" =~ /^$run$/ AND $timeFilter`;

/**
 * Adds a gauge up over its series. The mean of each series in the interval comes first, because a sum over the raw
 * points would count each second of the interval anew.
 */
function summedGauge(metric: string, by: string): string {
  const perSeries = `SELECT mean("sum") AS "each" FROM "${metric}" WHERE ${selected} GROUP BY time($__interval), * fill(none)`;
  return `SELECT sum("each") AS "all" FROM (${perSeries}) WHERE $timeFilter GROUP BY time($__interval)${by} fill(null)`;
}

const byProtocol = ', "protocol"';

/** What viewers see: how many, how soon, how late, how smooth, at what bitrate; and whether the generator may be believed. */
export function viewersDashboard(): Dashboard {
  return new DashboardBuilder('Streamgauge: what viewers see')
    .uid(viewersDashboardUid)
    .description('One-second figures that `streamgauge run` and `streamgauge watch` write with --influxdb.')
    .tags(['streamgauge'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-15m', to: 'now' })
    .refresh('5s')
    .timezone('browser')
    .withVariable(tagVariable('run', 'Run', '').sort(VariableSort.AlphabeticalDesc))
    .withVariable(tagVariable('stream', 'Stream', ' WHERE "run" =~ /^$run$/').sort(VariableSort.NaturalAsc))
    .withVariable(tagVariable('protocol', 'Protocol', ' WHERE "run" =~ /^$run$/'))
    .withRow(new RowBuilder('Now'))
    .withPanel(
      stat(panelIds.viewersNow, 'Viewers', 'Sessions under way.', summedGauge('viewers', '')).unit('short'),
    )
    .withPanel(
      stat(
        panelIds.firstFrameNow,
        'First frame, p95',
        'Largest one-second p95 of any series: the p95 of all viewers is not above it.',
        `SELECT max("p95") FROM "first_frame_ms" WHERE ${selected} GROUP BY time($__interval) fill(none)`,
      )
        .unit('ms')
        .thresholds(thresholds(alertLevels.firstFrameMs)),
    )
    .withPanel(
      stat(
        panelIds.latencyNow,
        'Latency, p95',
        'Glass to glass. Largest one-second p95 of any series.',
        `SELECT max("p95") FROM "latency_ms" WHERE ${selected} GROUP BY time($__interval) fill(none)`,
      ).unit('ms'),
    )
    .withPanel(
      stat(
        panelIds.stallsNow,
        'Time in stalls',
        'Over the whole time shown: stalled time over watched time.',
        `SELECT sum("num") / sum("den") AS "ratio" FROM "stall_ratio" WHERE ${selected}`,
      )
        .unit('percentunit')
        .decimals(2)
        .thresholds(thresholds(alertLevels.stallRatio)),
    )
    .withPanel(
      stat(
        panelIds.failuresNow,
        'Failed sessions',
        'Over the whole time shown.',
        `SELECT sum("value") FROM "sessions_failed" WHERE ${selected}`,
      )
        .unit('short')
        .noValue('0'),
    )
    .withPanel(
      stat(
        panelIds.bitrateNow,
        'Received',
        'Bits per second over all viewers.',
        `SELECT 8000 * sum("value") / $__interval_ms FROM "bytes_received" WHERE ${selected} GROUP BY time($__interval) fill(none)`,
      ).unit('bps'),
    )
    .withRow(new RowBuilder('Viewers'))
    .withPanel(
      series(
        panelIds.viewers,
        'Viewers by protocol',
        'Sessions under way: started, neither ended nor failed.',
      )
        .unit('short')
        .withTarget(new InfluxQueryBuilder('A', summedGauge('viewers', byProtocol)).alias('$tag_protocol')),
    )
    .withPanel(
      series(panelIds.sessions, 'Sessions started and failed', 'Count per interval; failures by reason.')
        .unit('short')
        .drawStyle(GraphDrawStyle.Bars)
        .fillOpacity(60)
        .withTarget(
          new InfluxQueryBuilder(
            'A',
            `SELECT sum("value") FROM "sessions_started" WHERE ${selected} GROUP BY time($__interval) fill(none)`,
          ).alias('started'),
        )
        .withTarget(
          new InfluxQueryBuilder(
            'B',
            `SELECT sum("value") FROM "sessions_failed" WHERE ${selected} GROUP BY time($__interval), "reason" fill(none)`,
          ).alias('failed: $tag_reason'),
        ),
    )
    .withRow(new RowBuilder('How soon, how late'))
    .withPanel(
      series(
        panelIds.firstFrame,
        'First frame',
        'Intended start to first key picture. p95: largest of the series in the interval; p50: mean of theirs. Exact percentiles over all sessions are in the report.',
      )
        .unit('ms')
        .thresholds(thresholds(alertLevels.firstFrameMs))
        .thresholdsStyle(thresholdLines())
        .withTarget(percentile('A', 'first_frame_ms', 'max', 'p95'))
        .withTarget(percentile('B', 'first_frame_ms', 'mean', 'p50')),
    )
    .withPanel(
      series(
        panelIds.latency,
        'Latency, glass to glass',
        'Now minus the capture time of the frame at the playhead. Meaningful to ± the uncertainty shown.',
      )
        .unit('ms')
        .withTarget(percentile('A', 'latency_ms', 'max', 'p95'))
        .withTarget(percentile('B', 'latency_ms', 'mean', 'p50'))
        .withTarget(
          new InfluxQueryBuilder(
            'C',
            `SELECT max("max") FROM "latency_uncertainty_ms" WHERE ${selected} GROUP BY time($__interval) fill(none)`,
          ).alias('uncertainty'),
        ),
    )
    .withRow(new RowBuilder('How smooth'))
    .withPanel(
      series(panelIds.stalls, 'Time in stalls, by stream', 'Stalled time over watched time: a ratio of sums.')
        .unit('percentunit')
        .thresholds(thresholds(alertLevels.stallRatio))
        .thresholdsStyle(thresholdLines())
        .withTarget(
          new InfluxQueryBuilder(
            'A',
            `SELECT sum("num") / sum("den") AS "ratio" FROM "stall_ratio" WHERE ${selected} GROUP BY time($__interval), "stream" fill(none)`,
          ).alias('$tag_stream'),
        ),
    )
    .withPanel(
      series(
        panelIds.stallCount,
        'Stalls',
        'Count per interval: of at least 100 ms, and of at least 1,250 ms.',
      )
        .unit('short')
        .drawStyle(GraphDrawStyle.Bars)
        .fillOpacity(60)
        .withTarget(counted('A', 'stall_count', '≥ 100 ms'))
        .withTarget(counted('B', 'stall_count_player', '≥ 1,250 ms')),
    )
    .withRow(new RowBuilder('Bitrate'))
    .withPanel(
      series(panelIds.bitrate, 'Received, by protocol', 'Bytes on the wire over all viewers.')
        .unit('bps')
        .withTarget(
          new InfluxQueryBuilder(
            'A',
            `SELECT 8000 * sum("value") / $__interval_ms AS "bps" FROM "bytes_received" WHERE ${selected} GROUP BY time($__interval), "protocol" fill(none)`,
          ).alias('$tag_protocol'),
        ),
    )
    .withPanel(
      series(
        panelIds.bitratePerViewer,
        'Received per viewer, by stream',
        'Mean over the viewers of a stream.',
      )
        .unit('bps')
        .withTarget(
          new InfluxQueryBuilder(
            'A',
            `SELECT sum("sum") / sum("count") AS "bps" FROM "received_bps" WHERE ${selected} GROUP BY time($__interval), "stream" fill(none)`,
          ).alias('$tag_stream'),
        ),
    )
    .withRow(new RowBuilder('Target: the server under test'))
    .withPanel(
      series(panelIds.targetLoad, 'CPU of the target', '100 % is one core; all its processes together.')
        .unit('percentunit')
        .withTarget(ofTarget('A', 'target_cpu', 'CPU')),
    )
    .withPanel(
      series(panelIds.targetMemory, 'Memory of the target', 'Resident memory, all its processes together.')
        .unit('decbytes')
        .withTarget(ofTarget('A', 'target_rss_bytes', 'resident')),
    )
    .withPanel(
      series(
        panelIds.targetTraffic,
        'Traffic of the target',
        'TCP payload of its connections. Sent less than viewers should get: it does not keep up.',
      )
        .unit('bps')
        .withTarget(ofTarget('A', 'target_sent_bps', 'sent'))
        .withTarget(ofTarget('B', 'target_received_bps', 'received')),
    )
    .withPanel(
      series(
        panelIds.targetSockets,
        'Connections, threads and files of the target',
        'Established connections on its ports; threads; open file descriptors.',
      )
        .unit('short')
        .withTarget(ofTarget('A', 'target_sockets', 'connections'))
        .withTarget(ofTarget('B', 'target_threads', 'threads'))
        .withTarget(ofTarget('C', 'target_fds', 'file descriptors')),
    )
    .withRow(new RowBuilder('Generator: may the figures be believed?'))
    .withPanel(
      series(
        panelIds.generatorLoad,
        'CPU and event loop of the busiest worker',
        'A second with more than 90 % CPU or a lag p99 above 50 ms is invalid: the generator, not the server, was slow.',
      )
        .unit('percentunit')
        .overrideByName('event-loop lag p99', [{ id: 'unit', value: 'ms' }])
        .withTarget(
          new InfluxQueryBuilder(
            'A',
            `SELECT max("max") FROM "generator_cpu" WHERE ${ofRun} GROUP BY time($__interval) fill(none)`,
          ).alias('CPU'),
        )
        .withTarget(
          new InfluxQueryBuilder(
            'B',
            `SELECT max("p99") FROM "event_loop_lag_ms" WHERE ${ofRun} GROUP BY time($__interval) fill(none)`,
          ).alias('event-loop lag p99'),
        ),
    )
    .withPanel(
      series(panelIds.droppedStarts, 'Dropped starts', 'Sessions that the generator could not start on time.')
        .unit('short')
        .drawStyle(GraphDrawStyle.Bars)
        .fillOpacity(60)
        .withTarget(
          new InfluxQueryBuilder(
            'A',
            `SELECT sum("value") FROM "dropped_starts" WHERE ${ofRun} GROUP BY time($__interval) fill(none)`,
          ).alias('dropped'),
        ),
    )
    .build();
}

function tagVariable(tag: string, label: string, where: string): QueryVariableBuilder {
  return new QueryVariableBuilder(tag)
    .label(label)
    .datasource(influxdbDatasource)
    .query(`SHOW TAG VALUES FROM "sessions_started" WITH KEY = "${tag}"${where}`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: 'All', value: '$__all' });
}

function percentile(refId: string, metric: string, merge: 'max' | 'mean', field: string): InfluxQueryBuilder {
  return new InfluxQueryBuilder(
    refId,
    `SELECT ${merge}("${field}") FROM "${metric}" WHERE ${selected} GROUP BY time($__interval), "protocol" fill(none)`,
  ).alias(`$tag_protocol ${field}`);
}

/** A figure that the target has once, or each of several that were named. */
function ofTarget(refId: string, metric: string, what: string): InfluxQueryBuilder {
  return new InfluxQueryBuilder(
    refId,
    `SELECT max("max") FROM "${metric}" WHERE ${ofRun} GROUP BY time($__interval), "node" fill(none)`,
  ).alias(`$tag_node ${what}`);
}

function counted(refId: string, metric: string, alias: string): InfluxQueryBuilder {
  return new InfluxQueryBuilder(
    refId,
    `SELECT sum("value") FROM "${metric}" WHERE ${selected} GROUP BY time($__interval) fill(none)`,
  ).alias(alias);
}

/** One figure: the last one of its query. */
function stat(id: number, title: string, description: string, influxQl: string): StatBuilder {
  return panel(new StatBuilder(), id, title, description)
    .span(4)
    .height(4)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .withTarget(new InfluxQueryBuilder('A', influxQl));
}

function series(id: number, title: string, description: string): TimeSeriesBuilder {
  return panel(new TimeSeriesBuilder(), id, title, description)
    .span(12)
    .height(8)
    .min(0)
    .showPoints(VisibilityMode.Auto)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Right)
        .calcs(['max', 'lastNotNull'])
        .showLegend(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
}

interface AnyPanelBuilder extends Builder<Panel> {
  id(id: number): this;
  title(title: string): this;
  description(description: string): this;
  datasource(datasource: typeof influxdbDatasource): this;
  interval(interval: string): this;
}

/** `interval` keeps $__interval from going below the one second at which figures are written. */
function panel<T extends AnyPanelBuilder>(builder: T, id: number, title: string, description: string): T {
  return builder.id(id).title(title).description(description).datasource(influxdbDatasource).interval('1s');
}

function thresholds({ warn, page }: AlertLevels): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: 'green' },
    { value: warn, color: 'orange' },
    { value: page, color: 'red' },
  ]);
}

function thresholdLines(): GraphThresholdsStyleConfigBuilder {
  return new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed);
}
