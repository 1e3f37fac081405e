/** The figures of the stack for Prometheus. They are read when asked for: nothing is counted twice. */
import { Gauge, Registry } from 'prom-client';
import type { DeliverStats, PartsNote } from './messages.ts';

type Labels = Readonly<Record<string, string>>;

export async function figuresText(
  stats: DeliverStats,
  parts: PartsNote | null,
): Promise<{ type: string; text: string }> {
  const registry = new Registry();
  const set = (name: string, help: string, values: readonly (readonly [Labels, number])[]) => {
    const labelNames = [...new Set(values.flatMap(([labels]) => Object.keys(labels)))];
    const gauge = new Gauge({ name: `streamgauge_${name}`, help, labelNames, registers: [registry] });
    for (const [labels, value] of values) gauge.set(labels, value);
  };
  const states = ['live', 'interrupted', 'ended'] as const;
  const { ingest = null, restarts = {}, ladders = null } = parts ?? {};
  set(
    'hls_streams',
    'Streams that are delivered by HLS, by state',
    states.map((state) => [{ state }, stats.streams.filter((stream) => stream.state === state).length]),
  );
  set('viewers', 'Viewers now, by protocol; those of FLV include what parts of the stack pull', [
    [{ protocol: 'hls' }, stats.viewers],
    ...Object.entries(ingest?.viewersByProtocol ?? {}).map(
      ([protocol, viewers]) => [{ protocol }, viewers] as const,
    ),
  ]);
  set('hls_requests_total', 'Requests that were answered, by kind', entries(stats.requests, 'kind'));
  set(
    'hls_refusals_total',
    'Requests that were refused, and failures, by reason',
    entries(stats.refusals, 'reason'),
  );
  set('hls_received_bytes_total', 'Media received from the ingest', [[{}, stats.bytesIn]]);
  set('hls_sent_bytes_total', 'Bytes of answers', [[{}, stats.bytesOut]]);
  set('hls_kept_bytes', 'Media in memory', [[{}, stats.mediaBytes]]);
  set(
    'hls_segments_total',
    'Segments made of the streams that are there',
    stats.streams.map(({ name, segments }) => [{ stream: name }, segments]),
  );
  set(
    'hls_stream_viewers',
    'Viewers of each stream by HLS',
    stats.streams.map(({ name, viewers }) => [{ stream: name }, viewers]),
  );
  set(
    'hls_waiting_requests',
    'Requests that are held until a part or playlist is there',
    stats.streams.map(({ name, waiting }) => [{ stream: name }, waiting]),
  );
  set('hls_pull_failures_total', 'Pulls from the ingest that ended and were tried again', [
    [{}, stats.pullFailures],
  ]);
  set('hls_connections', 'Connections now', [[{}, stats.connections]]);
  set('published_streams', 'Streams at the ingest', [[{}, ingest?.streams.length ?? 0]]);
  set('restarts_total', 'How often a part of the stack had to be started anew', entries(restarts, 'part'));
  set('process_cpu_seconds_total', 'Processor time, by part', [
    [{ part: 'deliver' }, stats.cpuMs / 1_000],
    ...(ingest === null ? [] : [[{ part: 'ingest' }, ingest.cpuMs / 1_000] as const]),
  ]);
  set('process_resident_bytes', 'Memory, by part', [
    [{ part: 'deliver' }, stats.rssBytes],
    ...(ingest === null ? [] : [[{ part: 'ingest' }, ingest.rssBytes] as const]),
  ]);
  if (ladders !== null) {
    set(
      'transcode_speed',
      'Media seconds per second of each ladder',
      ladders.map(({ stream, speed }) => [{ stream }, speed ?? Number.NaN]),
    );
    set(
      'transcode_dropped_frames_total',
      'Frames that the ladder dropped',
      ladders.map(({ stream, droppedFrames }) => [{ stream }, droppedFrames]),
    );
  }
  const text = await registry.metrics();
  // prom-client's counters can only be counted up; these are read: their type is put right here.
  return { type: registry.contentType, text: text.replace(/^(# TYPE \S+_total) gauge$/gm, '$1 counter') };
}

function entries(counts: Readonly<Record<string, number>>, label: string): (readonly [Labels, number])[] {
  return Object.entries(counts).map(([name, count]) => [{ [label]: name }, count]);
}
