/** The deliver process: see `supervisor.ts`. */
import { runChild } from '../supervision/run-child.ts';
import type { DeliverTypes } from './messages.ts';
import { DeliverServer } from './server.ts';

runChild<DeliverTypes>('deliver', async (options, log) => {
  const server = new DeliverServer(options, log);
  const ready = await server.start();
  return {
    ready,
    stats: () => server.stats(),
    stop: () => server.stop(),
    note: (note) => server.note(note),
  };
});
