import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';

/** The datasource that every query goes to; `provisioning.ts` declares it under this uid. */
export const influxdbDatasource = { type: 'influxdb', uid: 'streamgauge-influxdb' } as const;

interface InfluxQuery extends Dataquery {
  refId: string;
  query: string;
  rawQuery: true;
  resultFormat: 'time_series';
  datasource: typeof influxdbDatasource;
  alias?: string;
  intervalMs?: number;
  maxDataPoints?: number;
}

/**
 * An InfluxQL query for a panel or an alert rule: the foundation SDK has builders for Grafana's other datasources but
 * none for InfluxDB. Always raw text: Grafana's own query builder can neither nest nor divide.
 */
export class InfluxQueryBuilder implements Builder<Dataquery> {
  readonly #query: InfluxQuery;

  constructor(refId: string, influxQl: string) {
    this.#query = {
      refId,
      query: influxQl,
      rawQuery: true,
      resultFormat: 'time_series',
      datasource: influxdbDatasource,
      _implementsDataqueryVariant() {},
    };
  }

  /** How a series is called in the legend; `$tag_stream` is the value of a tag. */
  alias(alias: string): this {
    this.#query.alias = alias;
    return this;
  }

  /** Resolution of an alert's query; panels get theirs from their width. */
  resolution(intervalMs: number, maxDataPoints: number): this {
    this.#query.intervalMs = intervalMs;
    this.#query.maxDataPoints = maxDataPoints;
    return this;
  }

  build(): Dataquery {
    return this.#query;
  }
}
