import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isHealthy } from './check.ts';
import { checkEphemeralPorts, checkFileLimit, checkNode, checkPort, readFileLimit } from './machine.ts';

const limits = (soft: string, hard: string) =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft.padEnd(20)} ${hard.padEnd(20)} files\n`;

describe('what the doctor says of a machine', () => {
  it('knows which Node versions are supported', () => {
    expect(
      ['20.18.3', '20.19.0', '21.0.0', '22.11.0', '22.12.0', '24.1.0'].map((v) => checkNode(v).level),
    ).toEqual(['limited', 'ok', 'limited', 'limited', 'ok', 'ok']);
  });

  it('reads the limit of open files and says the command that raises it', () => {
    expect(readFileLimit(limits('1024', '4096'))).toEqual({ soft: 1024, hard: 4096 });
    expect(readFileLimit(limits('unlimited', 'unlimited'))).toEqual({ soft: Infinity, hard: Infinity });
    expect(checkFileLimit({ soft: 1024, hard: 4096 })).toMatchObject({
      level: 'limited',
      remedy: expect.stringContaining('ulimit -n 20000'),
    });
    expect(isHealthy([checkFileLimit({ soft: 256, hard: 256 })])).toBe(false);
    expect(checkFileLimit({ soft: 1_048_576, hard: 1_048_576 }).level).toBe('ok');
    expect(checkFileLimit(null).level).toBe('ok');
  });

  it('counts source ports', () => {
    expect(checkEphemeralPorts('32768\t60999\n')).toMatchObject({
      level: 'ok',
      found: expect.stringContaining('28,232'),
    });
    expect(checkEphemeralPorts('60000 60999').level).toBe('limited');
    expect(checkEphemeralPorts('nonsense').level).toBe('ok');
  });

  it('tells a taken port from a free one', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    expect((await checkPort('RTMP', port)).level).toBe('limited');
    await new Promise((resolve) => server.close(resolve));
    expect((await checkPort('RTMP', port)).level).toBe('ok');
  });
});
