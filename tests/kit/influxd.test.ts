import { describe, expect, it } from 'vitest';
import { startInfluxd } from './influxd.ts';
import { requireTool } from './tools.ts';

const program = requireTool('influxd', 'the influxd test kit');

describe.skipIf(program === null)('startInfluxd', () => {
  it('keeps data over a restart and asks for the login it was given', async () => {
    const login = { user: 'writer', password: 's3cret' };
    const influxd = await startInfluxd({ program: program ?? '', login });
    try {
      await influxd.query('CREATE DATABASE kept');
      await influxd.kill();
      await expect(influxd.query('SHOW DATABASES')).rejects.toThrow();
      await influxd.restart();
      const series = await influxd.query('SHOW DATABASES');
      expect(series.flatMap((one) => one.values.flat())).toContain('kept');
      const stranger = await fetch(`${influxd.url}/query?q=SHOW+DATABASES`);
      expect(stranger.status).toBe(401);
    } finally {
      await influxd.stop();
    }
  });
});
