import type { ScenarioInput } from './schema.ts';

/**
 * As `core/secrets.ts` has it, which cannot be imported here; a password that is not percent-encoded may have slashes,
 * question marks and spaces in it, and a scheme is looked for where a word begins only, which keeps long names fast.
 */
const CREDENTIALS = /(?<![a-z0-9+.-])([a-z0-9+.-]+:\/\/)(?:[^"/]*|(?!\[)[^"/:]*:(?!\d*\/)[^"]*)@/gi;

/** `user:password@` where the scheme was forgotten. */
const BARE_CREDENTIALS = /(^|[="])[^\s"=:/@]+:[^"/]+@/g;

/**
 * What somebody wrote where an address belongs, or text with such in quotes, as it may stand in a message about itself
 * (`withoutSecrets` of core is for addresses in sentences, which end at a blank): without user, password and
 * query (signatures), well-formed or not, and it is seen that they were there.
 */
export function maskSecrets(text: string): string {
  return text
    .replace(CREDENTIALS, '$1…@')
    .replace(BARE_CREDENTIALS, '$1…@')
    .replace(/\?[^"]*/g, '?…');
}

/**
 * A scenario as it may stand in a report, which is shown to more people than may watch the streams: credentials,
 * queries (signatures) and the values of request headers are left out, and it is seen that they were there.
 */
export function scenarioWithoutSecrets(scenario: ScenarioInput): ScenarioInput {
  const { target, publishers, viewers } = scenario;
  return {
    ...scenario,
    ...(typeof target === 'object' && { target: mapValues(target, maskSecrets) }),
    ...(publishers && { publishers: publishers.map(addressesMasked) }),
    viewers: viewers.map((cohort) => ({
      ...addressesMasked(cohort),
      ...(cohort.headers && { headers: mapValues(cohort.headers, () => '…') }),
    })),
  };
}

interface Addressed {
  readonly stream?: string | string[] | undefined;
  readonly url?: string | string[] | undefined;
  readonly source?: string | undefined;
}

function addressesMasked<T extends Addressed>(item: T): T {
  const { stream, url, source } = item;
  return {
    ...item,
    ...(stream !== undefined && { stream: maskedAll(stream) }),
    ...(url !== undefined && { url: maskedAll(url) }),
    // What is published may be fetched from elsewhere, too.
    ...(source?.includes('://') && { source: maskSecrets(source) }),
  };
}

function maskedAll(addresses: string | string[]): string | string[] {
  return Array.isArray(addresses) ? addresses.map(maskSecrets) : maskSecrets(addresses);
}

function mapValues<T extends object>(group: T, change: (text: string) => string): T {
  return Object.fromEntries(
    Object.entries(group).map(([key, value]) => [key, typeof value === 'string' ? change(value) : value]),
  ) as T;
}
