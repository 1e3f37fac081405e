import type dns from 'node:dns';
import { describe, expect, it } from 'vitest';
import { sharedLookup } from './resolve.ts';

type Query = {
  host: string;
  answer: (error: NodeJS.ErrnoException | null, address: string, family: number) => void;
};

function resolver() {
  const queries: Query[] = [];
  const query = ((host: string, _options: object, answer: Query['answer']) => {
    queries.push({ host, answer });
  }) as unknown as typeof dns.lookup;
  const lookup = sharedLookup(query);
  const heard: string[] = [];
  const ask = (who: string, host: string, options = {}) =>
    lookup(host, options, (error, address) => heard.push(`${who}: ${error ? error.message : address}`));
  return { queries, heard, ask };
}

describe('sharedLookup', () => {
  it('asks once for all who ask while the question is under way', () => {
    const { queries, heard, ask } = resolver();
    ask('a', 'host');
    ask('b', 'host');
    ask('c', 'other');
    expect(queries.map(({ host }) => host)).toEqual(['host', 'other']);
    queries[0]!.answer(null, '10.0.0.1', 4);
    queries[1]!.answer(new Error('no such name'), '', 0);
    expect(heard).toEqual(['a: 10.0.0.1', 'b: 10.0.0.1', 'c: no such name']);
  });

  it('remembers nothing: a name whose answer changes is followed at once', () => {
    const { queries, heard, ask } = resolver();
    ask('a', 'host');
    queries[0]!.answer(null, '10.0.0.1', 4);
    ask('b', 'host');
    queries[1]!.answer(null, '10.0.0.2', 4);
    expect(heard).toEqual(['a: 10.0.0.1', 'b: 10.0.0.2']);
  });

  it('keeps questions of different kinds apart', () => {
    const { queries, ask } = resolver();
    ask('a', 'host', { all: true });
    ask('b', 'host', { all: false });
    ask('c', 'host', { family: 6 });
    expect(queries).toHaveLength(3);
  });
});
