// Health checks of docker-compose.yml: exit code 0 or 1, one sentence when it is 1. Node only, no dependency.
//
//   check.mjs http URL               something answers there, whatever it says
//   check.mjs flv URL                media flows: an FLV header comes, and a tag behind it
//   check.mjs influxdb URL QUERY     the query of the database in URL returns rows
//
// URL of influxdb: http://host:8086/database

const timeoutMs = 4_000;

const checks = {
  async http(url) {
    await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  },

  async flv(url) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    const header = 9 + 4 + 11;
    let bytes = Buffer.alloc(0);
    for await (const piece of answer.body) {
      bytes = Buffer.concat([bytes, piece]);
      if (bytes.length > header) break;
    }
    if (bytes.length <= header) throw new Error('ended before the first tag');
    if (bytes.toString('latin1', 0, 3) !== 'FLV') throw new Error('is no FLV');
  },

  async influxdb(url, query) {
    const { origin, pathname } = new URL(url);
    const ask = new URL('/query', origin);
    ask.searchParams.set('db', pathname.slice(1));
    ask.searchParams.set('q', query);
    const answer = await fetch(ask, { signal: AbortSignal.timeout(timeoutMs) });
    const { error, results } = await answer.json();
    if (error !== undefined) throw new Error(error);
    if (!results?.[0]?.series?.length) throw new Error('no rows');
  },
};

const [kind, url, ...rest] = process.argv.slice(2);
try {
  if (!Object.hasOwn(checks, kind ?? ''))
    throw new Error(`is asked for "${kind}"; known are ${Object.keys(checks)}`);
  await checks[kind](url, ...rest);
  process.exit(0);
} catch (error) {
  // Docker keeps what is said here: neither user and password nor a signature belongs there.
  const shown = String(url)
    .replace(/\/\/[^/]*@/, '//')
    .replace(/[?#].*$/, '');
  console.error(`${shown}: ${error.cause?.message ?? error.message}`);
  process.exit(1);
}
