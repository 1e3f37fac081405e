import { findMetric } from '../metrics/catalogue.ts';
import { nearestWord } from '../metrics/nearest-word.ts';
import { parseThreshold, type Threshold, ThresholdError } from '../metrics/threshold.ts';
import { protocolOf, urlAddresses } from './addresses.ts';
import { checkLink } from './check-link.ts';
import type { Problem } from './problem.ts';
import { type Scenario, scenarioSchema } from './schema.ts';
import { maskSecrets } from './secrets.ts';
import { describeIssues } from './sentences.ts';
import { expandSourceAddresses, SourceAddressError } from './source-addresses.ts';
import { expandPatterns, PatternError } from './stream-pattern.ts';
import { type Protocol, protocols } from './words.ts';

export type Validation =
  | { readonly ok: true; readonly scenario: Scenario; readonly thresholds: readonly Threshold[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Checks a scenario as it was written: its shape first, then what the shape cannot say (names, addresses, expressions). */
export function validateScenario(input: unknown): Validation {
  const result = scenarioSchema.safeParse(input);
  if (!result.success)
    return { ok: false, problems: describeIssues(result.error.issues, scenarioSchema, input) };
  const unseen = checkUnseenThreshold(input);
  if (unseen) return { ok: false, problems: [unseen] };
  const scenario = result.data;
  const thresholds: Threshold[] = [];
  const problems = [
    ...checkPublishers(scenario),
    ...checkCohorts(scenario),
    ...checkFaults(scenario),
    ...checkTarget(scenario),
    ...checkSourceAddresses(scenario),
    ...readThresholds(scenario, thresholds),
  ];
  return problems.length > 0 ? { ok: false, problems } : { ok: true, scenario, thresholds };
}

/** A list or a single value, as a list. */
export function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}

function checkPublishers(scenario: Scenario): Problem[] {
  const seen = new Map<string, string>();
  return scenario.publishers.flatMap((publisher, index) => {
    const path = ['publishers', index];
    const problems = [...checkAddresses(publisher, path, wrongPublishUrl), ...checkChurn(publisher, index)];
    if (publisher.url !== undefined && publisher.protocol !== undefined)
      problems.push({
        path: [...path, 'protocol'],
        atKey: true,
        sentence: `publishers[${index}] has a url, from which the protocol follows; remove "protocol"`,
      });
    if (problems.length > 0) return problems;
    for (const stream of expandPatterns(listOf(publisher.stream ?? publisher.url ?? []))) {
      const other = seen.get(stream);
      if (other) {
        const sentence = `publishers[${index}] publishes "${maskSecrets(stream)}", which ${other} publishes already`;
        return [{ path: [...path, publisher.stream === undefined ? 'url' : 'stream'], sentence }];
      }
      seen.set(stream, `publishers[${index}]`);
    }
    return [];
  });
}

function checkChurn({ churn }: Scenario['publishers'][number], index: number): Problem[] {
  return (['up', 'down'] as const).flatMap((key) => {
    const law = churn?.[key];
    if (typeof law !== 'object' || law.p95 >= law.median) return [];
    return [
      {
        path: ['publishers', index, 'churn', key, 'p95'],
        sentence: `publishers[${index}].churn.${key}.p95 is shorter than the median`,
      },
    ];
  });
}

/** A fault that could never happen would make its thresholds hold for nothing. */
function checkFaults(scenario: Scenario): Problem[] {
  if (scenario.faults.length === 0) return [];
  const published = publishedStreams(scenario);
  const endMs = Math.max(...scenario.viewers.map(cohortEndMs));
  return scenario.faults.flatMap((fault, index) => {
    const path = ['faults', index];
    const problems: Problem[] = [];
    if (fault.kind === 'publisher-drop' && fault.for === undefined)
      problems.push({
        path,
        sentence: `missing key "for" in faults[${index}]: how long the publisher is gone; to end it for good write kind: publisher-stop`,
      });
    if (fault.at >= endMs)
      problems.push({ path: [...path, 'at'], sentence: `faults[${index}].at is after the end of the run` });
    for (const text of listOf(fault.stream)) {
      const wrong = wrongPattern(text);
      const unknown =
        wrong === null ? expandPatterns([text]).find((name) => !published.has(name)) : undefined;
      if (wrong !== null) problems.push({ path: [...path, 'stream'], sentence: wrong });
      else if (unknown !== undefined)
        problems.push({ path: [...path, 'stream'], sentence: notPublished(unknown, published, index) });
    }
    return problems;
  });
}

function notPublished(stream: string, published: ReadonlySet<string>, index: number): string {
  const near = nearestWord(stream, [...published].slice(0, MOST_NAMES));
  const hint = near === null ? 'a fault concerns a stream of "publishers"' : `did you mean "${near}"?`;
  return `faults[${index}].stream: "${maskSecrets(stream)}" is not published by this scenario; ${hint}`;
}

/** Among so many names the nearest is looked for. */
const MOST_NAMES = 1_000;

/** Application and name, as in the tag; no query. */
function publishedStreams({ publishers }: Scenario): ReadonlySet<string> {
  return new Set(
    publishers.flatMap(({ stream, url }) =>
      stream === undefined
        ? urlAddresses(listOf(url ?? [])).map(({ name }) => name)
        : expandPatterns(listOf(stream)).map((text) => text.replace(/\?.*$/, '')),
    ),
  );
}

function cohortEndMs(cohort: Scenario['viewers'][number]): number {
  const lastsMs =
    'stages' in cohort ? cohort.stages.reduce((sum, { duration }) => sum + duration, 0) : cohort.duration;
  return cohort.startTime + lastsMs;
}

function checkCohorts(scenario: Scenario): Problem[] {
  const names = new Set<string>();
  return scenario.viewers.flatMap((cohort, index) => {
    const path = ['viewers', index];
    const problems = checkAddresses(cohort, path, (text) => wrongViewerUrl(text, cohort.protocol));
    if (cohort.stream !== undefined && cohort.protocol === undefined)
      problems.push({
        path,
        sentence: `missing key "protocol" in viewers[${index}]; it is one of ${protocols.join(', ')}`,
      });
    const name = cohortName(cohort);
    if (names.has(name))
      problems.push({
        path: [...path, 'name'],
        sentence: `viewers[${index}] is the second cohort with the name "${name}"; give it another "name"`,
      });
    names.add(name);
    if ('stages' in cohort && cohort.stages.every((stage) => stage.duration === 0))
      problems.push({ path: [...path, 'stages'], sentence: `viewers[${index}].stages last 0s in all` });
    if ('ramp' in cohort && cohort.ramp > cohort.duration)
      problems.push({
        path: [...path, 'ramp'],
        sentence: `viewers[${index}].ramp is longer than the duration`,
      });
    if (typeof cohort.watch === 'object' && cohort.watch.p95 < cohort.watch.median)
      problems.push({
        path: [...path, 'watch', 'p95'],
        sentence: `viewers[${index}].watch.p95 is shorter than the median`,
      });
    if (problems.length === 0) problems.push(...checkBehaviour(cohort, path));
    problems.push(...checkLink(cohort.link, [...path, 'link']));
    return problems;
  });
}

/** What behaviours ask of their cohort, and laws of their numbers. */
function checkBehaviour(cohort: Scenario['viewers'][number], path: readonly PropertyKey[]): Problem[] {
  const { behaviour } = cohort;
  const where = `viewers[${String(path[1])}]`;
  const kind = typeof behaviour === 'string' ? behaviour : behaviour.kind;
  if (kind === 'zapper' && expandPatterns(listOf(cohort.stream ?? cohort.url ?? [])).length < 2)
    return [
      {
        path: [...path, 'behaviour'],
        sentence: `${where} zaps and has one stream; name two at least, as in live/room-{1..20}`,
      },
    ];
  return Object.entries(behaviour).flatMap(([key, law]: [string, unknown]) => {
    if (typeof law !== 'object' || law === null || !('p95' in law) || !('median' in law)) return [];
    if ((law.p95 as number) >= (law.median as number)) return [];
    const sentence = `${where}.behaviour.${key}.p95 is shorter than the median`;
    return [{ path: [...path, 'behaviour', key, 'p95'], sentence }];
  });
}

function checkSourceAddresses({ options }: Scenario): Problem[] {
  if (options.sourceAddresses === undefined) return [];
  try {
    expandSourceAddresses(listOf(options.sourceAddresses));
    return [];
  } catch (error) {
    if (!(error instanceof SourceAddressError)) throw error;
    const path = ['options', 'sourceAddresses'];
    return [{ path, sentence: `options.sourceAddresses: ${error.message}` }];
  }
}

/** The tag of a cohort: its name, or else its protocol. */
export function cohortName(cohort: Scenario['viewers'][number]): string {
  return cohort.name ?? cohort.protocol ?? 'viewers';
}

function checkAddresses(
  item: { readonly stream?: string | string[] | undefined; readonly url?: string | string[] | undefined },
  path: readonly PropertyKey[],
  wrongAddress: (text: string) => string | null,
): Problem[] {
  const where = `${String(path[0])}[${String(path[1])}]`;
  const key = item.stream === undefined ? 'url' : 'stream';
  if (item.stream !== undefined && item.url !== undefined)
    return [
      { path: [...path, 'url'], atKey: true, sentence: `${where} has both "stream" and "url"; keep one` },
    ];
  if (item.stream === undefined && item.url === undefined)
    return [{ path, sentence: `missing key "stream" in ${where}` }];
  for (const text of listOf(item.stream ?? item.url ?? [])) {
    const sentence = key === 'url' ? wrongAddress(text) : wrongStream(text);
    if (sentence) return [{ path: [...path, key], sentence: `${where}.${key}: ${sentence}` }];
  }
  return [];
}

function wrongPattern(text: string): string | null {
  try {
    expandPatterns([text]);
    return null;
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}

function wrongStream(text: string): string | null {
  if (/^[a-z]+:\/\//i.test(text))
    return `"${maskSecrets(text)}" is a full address; write it as "url" instead of "stream"`;
  if (!/^[^\s/?#]+(\/[^\s/?#]+)+(\?[^\s#]*)?$/.test(text))
    return `"${maskSecrets(text)}" is not a stream; write application and name, as in live/room-1`;
  return wrongPattern(text);
}

/** One sentence on why no viewer can watch an address; `null` when one can. */
export function wrongViewerUrl(text: string, said?: Protocol): string | null {
  try {
    protocolOf(text, said);
  } catch (error) {
    return (error as Error).message;
  }
  return wrongUrl(text, ['rtmp:', 'rtmps:', 'http:', 'https:', 'ws:', 'wss:']) ?? wrongRtmpPath(text);
}

/** One sentence on why nothing can be published to an address; `null` when something can. */
export function wrongPublishUrl(text: string): string | null {
  return wrongUrl(text, ['rtmp:', 'rtmps:', 'http:', 'https:']) ?? wrongRtmpPath(text) ?? wrongPostPath(text);
}

/** By POST a stream is published under the name under which it is watched. */
function wrongPostPath(text: string): string | null {
  if (!/^https?:/i.test(text) || /^https?:\/\/[^/]+\/[^?]*[^/?]\.flv(\?|$)/i.test(text)) return null;
  return `"${maskSecrets(text)}" names no stream to publish: expected http://host/app/stream.flv`;
}

/** An RTMP stream is named by an application and a name in it. */
function wrongRtmpPath(text: string): string | null {
  if (!/^rtmps?:/i.test(text) || /^rtmps?:\/\/[^/]+\/[^/?]+\/[^/?]/i.test(text)) return null;
  return `"${maskSecrets(text)}" names no application and stream: expected rtmp://host/app/stream`;
}

/** One sentence on why a text is not an address of one of the protocols; `null` when it is. */
export function wrongUrl(text: string, urlProtocols: readonly string[]): string | null {
  // Braces of a pattern are no part of an address: the check sees its first stream.
  const url = parseUrl(text.replace(/[{}]/g, ''));
  const forms = urlProtocols.map((protocol) => `${protocol}//`).join(', ');
  const shown = maskSecrets(text);
  if (url === null) {
    const begun = urlProtocols.some((protocol) => text.toLowerCase().startsWith(`${protocol}//`));
    return begun
      ? `"${shown}" is not an address: its host, or its port (1 to 65535), is none`
      : `"${shown}" is not an address; it begins with one of ${forms}`;
  }
  if (!urlProtocols.includes(url.protocol)) return `"${shown}" does not begin with one of ${forms}`;
  return wrongAuthority(text, url, shown) ?? wrongPattern(text);
}

/** No server has an address of this length, and HTTP servers refuse much shorter ones. */
const MAX_ADDRESS_CHARACTERS = 8_000;

/** What the WHATWG's parser lets pass, and clients refuse or would connect elsewhere for. */
function wrongAuthority(text: string, url: URL, shown: string): string | null {
  if (text.length > MAX_ADDRESS_CHARACTERS)
    return `"${shown.slice(0, 40)}…" is an address of ${text.length} characters; ${MAX_ADDRESS_CHARACTERS} are the most`;
  const [authority = ''] = text.replace(/^[^/]*\/\//, '').split(/[/?#]/, 1);
  if (url.hostname === '' || authority === '') return `"${shown}" has no host`;
  if (url.port === '0') return `"${shown}" has the port 0; ports are 1 to 65535`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) return `${JSON.stringify(shown)} has a control character in it`;
  if (authority.indexOf('@') !== authority.lastIndexOf('@'))
    return `"${shown}": an @ in user or password is written %40`;
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    return `"${shown}": a % in user or password is written %25`;
  }
  return null;
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function checkTarget(scenario: Scenario): Problem[] {
  const needs = [
    ...scenario.publishers.flatMap((publisher, index) =>
      publisher.stream === undefined
        ? []
        : [
            {
              key: publisher.protocol === 'http-flv' ? ('http' as const) : ('rtmp' as const),
              where: `publishers[${index}]`,
            },
          ],
    ),
    ...scenario.viewers.flatMap((cohort, index) =>
      cohort.stream === undefined || cohort.protocol === undefined || hasHlsAddress(cohort, scenario)
        ? []
        : [
            {
              key: cohort.protocol === 'rtmp' ? ('rtmp' as const) : ('http' as const),
              where: `viewers[${index}]`,
            },
          ],
    ),
  ];
  const { target } = scenario;
  if (target === 'reference') return [];
  if (target === undefined) {
    const need = needs[0];
    if (!need) return [];
    return [
      {
        path: [],
        sentence: `missing key "target": ${need.where} names a stream and no url; write target: reference, or { rtmp: rtmp://host:1935, http: http://host:8000 }`,
      },
    ];
  }
  const problems: Problem[] = [];
  for (const key of ['rtmp', 'http', 'hls'] as const) {
    const url = target[key];
    const scheme = key === 'rtmp' ? 'rtmp' : 'http';
    const wrong =
      url === undefined
        ? null
        : wrongUrl(url.replaceAll('{stream}', 'live/a'), [`${scheme}:`, `${scheme}s:`]);
    if (wrong) problems.push({ path: ['target', key], sentence: `target.${key}: ${wrong}` });
    const need = needs.find((candidate) => candidate.key === key);
    if (url === undefined && need)
      problems.push({
        path: ['target'],
        sentence: `missing key "${key}" in target; ${need.where} needs it`,
      });
  }
  return problems;
}

function hasHlsAddress({ protocol }: Scenario['viewers'][number], { target }: Scenario): boolean {
  return protocol === 'hls' && typeof target === 'object' && target.hls !== undefined;
}

function readThresholds(scenario: Scenario, into: Threshold[]): Problem[] {
  const problems: Problem[] = [];
  for (const [metric, expressions] of Object.entries(scenario.thresholds)) {
    const metricIsKnown = findMetric(metric.replace(/\{.*$/s, '').trim()) !== null;
    for (const [index, expression] of listOf(expressions).entries()) {
      try {
        into.push(parseThreshold(metric, expression));
      } catch (error) {
        if (!(error instanceof ThresholdError)) throw error;
        const path =
          Array.isArray(expressions) && metricIsKnown
            ? ['thresholds', metric, index]
            : ['thresholds', metric];
        const sentence =
          !metricIsKnown || error.message.includes(expression)
            ? error.message
            : `"${expression}": ${error.message}`;
        problems.push({ path, sentence, atKey: !metricIsKnown });
        if (!metricIsKnown) break;
      }
    }
    const unknownCohort = wrongCohortTag(into.at(-1), scenario);
    if (unknownCohort) problems.push({ path: ['thresholds', metric], sentence: unknownCohort, atKey: true });
  }
  return problems;
}

/** Records of the schema leave `__proto__` out without a word, and a limit that is not looked at is crossed by nobody. */
function checkUnseenThreshold(input: unknown): Problem | null {
  const { thresholds } = input as { thresholds?: object };
  const metric = '__proto__';
  if (!thresholds || !Object.hasOwn(thresholds, metric)) return null;
  try {
    parseThreshold(metric, '');
  } catch (error) {
    return { path: ['thresholds', metric], sentence: (error as Error).message, atKey: true };
  }
  return null;
}

/** A selector for a cohort that does not exist would never see data: refused now instead of after the run. */
function wrongCohortTag(threshold: Threshold | undefined, scenario: Scenario): string | null {
  const names = scenario.viewers.map(cohortName);
  const cohort = threshold?.tags.cohort;
  if (cohort === undefined || names.includes(cohort)) return null;
  const near = nearestWord(cohort, names);
  return `no cohort has the name "${cohort}"; ${near === null ? `there are ${names.join(', ')}` : `did you mean "${near}"?`}`;
}
