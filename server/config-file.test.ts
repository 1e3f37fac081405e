import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../tests/kit/built-entry.ts';
import { serverConfigSchema } from './config.ts';
import { parseServerConfig } from './config-file.ts';

const defaults = serverConfigSchema.parse({});

describe('the configuration file', () => {
  it.each(['', '# nothing\n', '{}', 'ingest: {}'])('%j means all defaults', (text) => {
    expect(parseServerConfig(text, 'serve.yaml')).toEqual(defaults);
  });

  it('overrides what it names', () => {
    const text = 'host: 0.0.0.0\ningest:\n  rtmpPort: 0\ngate:\n  playSecret: a long secret\n';
    const config = parseServerConfig(text, 'serve.yaml');
    expect(config).toEqual({
      ...defaults,
      host: '0.0.0.0',
      ingest: { ...defaults.ingest, rtmpPort: 0 },
      gate: { ...defaults.gate, playSecret: 'a long secret' },
    });
  });

  it.each([
    ['ingest:\n  rtmpport: 1\n', 'serve.yaml:2: unknown key "ingest.rtmpport"; did you mean "rtmpPort"?'],
    ['hots: x\n', 'serve.yaml:1: unknown key "hots"; did you mean "host"?'],
    [
      'gate:\n  whatever: 1\n',
      'serve.yaml:2: unknown key "gate.whatever"; known here: publishSecret, playSecret',
    ],
    [
      '\ningest:\n\n  httpPort: 70000\n',
      'serve.yaml:4: ingest.httpPort: Too big: expected number to be <=65535',
    ],
    [
      'ingest:\n  gopCache: 3\n',
      'serve.yaml:2: ingest.gopCache: Invalid input: expected boolean, received number',
    ],
    ['tls: yes please\n', 'serve.yaml:1: tls: expected "development", or key and cert'],
    ['tls: { key: a }\n', 'serve.yaml:1: tls: expected "development", or key and cert'],
    ['gate:\n  playSecrets: [short]\n', 'serve.yaml:2: gate.playSecrets.0: Too small'],
    ['gate:\n  allowedOrigins: ["*"]\n', 'serve.yaml:2: gate.allowedOrigins.0: expected example.com'],
    ['limits:\n  viewer: 3\n', 'serve.yaml:2: unknown key "limits.viewer"; did you mean "viewers"?'],
    ['ingest: 3\n', 'serve.yaml:1: ingest: Invalid input: expected object, received number'],
    ['- a\n', 'serve.yaml:1: the configuration: Invalid input: expected object, received array'],
  ])('%j is refused with its line', (text, message) => {
    expect(() => parseServerConfig(text, 'serve.yaml')).toThrow(message);
  });

  it('everything that is wrong is said at once, and a secret is not repeated', () => {
    const failure = () => parseServerConfig('gate:\n  playSecret: hunter2\nport: 1\n', 'serve.yaml');
    expect(failure).toThrow(/serve.yaml:2: gate.playSecret: Too small.*\nserve.yaml:3: unknown key "port"/);
    expect(failure).not.toThrow('hunter2');
  });

  it('broken YAML is refused with its line', () => {
    expect(() => parseServerConfig('host: x\ningest: {a: 1\n', 'serve.yaml')).toThrow(/^serve\.yaml:[23]: /);
  });

  it('each key is documented with its default', () => {
    const document = readFileSync(path.join(repositoryRoot(), 'docs/server.md'), 'utf8');
    const rows = Object.entries({
      host: defaults.host,
      ...prefixed('ingest', defaults.ingest),
      ...prefixed('gate', defaults.gate),
    });
    for (const [key, value] of rows) expect(document).toContain(`| \`${key}\` | ${value} |`);
    const { gate, limits } = serverConfigSchema.shape;
    const optional = [
      'tls',
      ...Object.keys(gate.unwrap().shape).map((key) => `gate.${key}`),
      ...Object.keys(limits.unwrap().shape).map((key) => `limits.${key}`),
    ].filter((key) => !rows.some(([documented]) => documented === key));
    expect(optional).toContain('limits.viewersPerStream');
    for (const key of optional) expect(document).toContain(`| \`${key}\` | none |`);
  });
});

function prefixed(prefix: string, values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]));
}
