import type { Rule } from '@grafana/grafana-foundation-sdk/alerting';
import { influxdbDatasource } from './influx-query.ts';

/** Folder in Grafana that dashboards and rules appear in. */
const folder = 'Streamgauge';

/**
 * Rules that were once generated and are no more, by uid. Grafana keeps a provisioned rule that vanishes from the
 * file, so a rule that is removed from `alerts.ts` must be named here for as long as somebody may still have it.
 */
const retiredRules: readonly string[] = [];

/** File provisioning of the datasource: InfluxDB 1.x by InfluxQL. The address is Grafana's environment's business. */
export function datasourceProvisioning(): object {
  return {
    apiVersion: 1,
    datasources: [
      {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in from its environment.
        url: '${STREAMGAUGE_INFLUXDB_ADDRESS}',
        name: 'Streamgauge',
        uid: influxdbDatasource.uid,
        type: influxdbDatasource.type,
        access: 'proxy',
        isDefault: true,
        editable: false,
        jsonData: { dbName: 'streamgauge', httpMode: 'POST', timeInterval: '1s' },
      },
    ],
  };
}

/** File provisioning of dashboards: Grafana reads the JSON files in `path`, and again when they change. */
export function dashboardProvisioning(path: string): object {
  return {
    apiVersion: 1,
    providers: [
      {
        name: 'streamgauge',
        orgId: 1,
        folder,
        type: 'file',
        disableDeletion: false,
        allowUiUpdates: false,
        options: { path },
      },
    ],
  };
}

/**
 * File provisioning of alert rules. The SDK builds the shape of Grafana's HTTP API; files want other names for the
 * same things, an interval with a unit, and the folder's title in place of its uid.
 *
 * Nothing is escaped as `$$`: Grafana expands `$NAME` in labels, which have none here, but takes annotations and query
 * models as they are (docs/adr/0018-alerts.md).
 */
export function alertProvisioning(rules: readonly Rule[]): object {
  return {
    apiVersion: 1,
    groups: [{ orgId: 1, name: 'streamgauge', folder, interval: '30s', rules: rules.map(ruleInFile) }],
    ...(retiredRules.length > 0 && { deleteRules: retiredRules.map((uid) => ({ orgId: 1, uid })) }),
  };
}

function ruleInFile(rule: Rule): object {
  return {
    uid: rule.uid,
    title: rule.title,
    condition: rule.condition,
    for: rule.for,
    keepFiringFor: rule.keep_firing_for,
    noDataState: rule.noDataState,
    execErrState: rule.execErrState,
    dashboardUid: rule.annotations?.['__dashboardUid__'],
    panelId: Number(rule.annotations?.['__panelId__']),
    labels: rule.labels,
    annotations: rule.annotations,
    data: rule.data,
  };
}
