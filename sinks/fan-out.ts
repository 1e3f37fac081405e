import type { Sink } from '../metrics/sink.ts';

/**
 * Several sinks as one. One that fails does not take the others with it: `open` and `close` go through all of them
 * and then throw the failures as one sentence each.
 */
export function fanOut(name: string, sinks: readonly Sink[]): Sink {
  return {
    name,
    get lost() {
      return sinks.reduce((sum, sink) => sum + sink.lost, 0);
    },
    open: (run) => all(sinks, (sink) => sink.open(run)),
    second(points) {
      for (const sink of sinks) sink.second(points);
    },
    session(record) {
      for (const sink of sinks) sink.session(record);
    },
    close: (summary) => all(sinks, (sink) => sink.close(summary)),
  };
}

async function all(sinks: readonly Sink[], act: (sink: Sink) => Promise<void>): Promise<void> {
  const outcomes = await Promise.allSettled(sinks.map(act));
  const sentences = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected'
      ? [outcome.reason instanceof Error ? outcome.reason.message : String(outcome.reason)]
      : [],
  );
  // The same folder that cannot be written to is one failure, however many sinks met it.
  if (sentences.length > 0) throw new Error([...new Set(sentences)].join(' '));
}
