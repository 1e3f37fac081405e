/** The ingest process: see `supervisor.ts`. */
import { runChild } from '../supervision/run-child.ts';
import type { IngestTypes } from './messages.ts';
import { checkVersion, installedVersion } from './pinned-version.ts';

runChild<IngestTypes>('ingest', async (options, log, tell) => {
  const fault = checkVersion(installedVersion());
  if (fault !== null) throw Object.assign(new Error(fault), { code: 'NMS_VERSION' });
  // Only now: another version's files may not even be there.
  const { Origin } = await import('./origin.ts');
  const origin = new Origin(options, log, tell);
  const ready = await origin.start();
  return {
    ready,
    stats: () => origin.stats(),
    stop: () => origin.stop(),
    note: (note) => {
      if (note.kind === 'tls') origin.renewTls(note.tls);
      else origin.viewersElsewhere = note.counts;
    },
  };
});
