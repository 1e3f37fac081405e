import { expect, it } from 'vitest';
import { contentPolicy } from './content-policy.ts';

const settings = { flv: { port: 8000 }, hlsUrl: null, streamsUrl: null };
const directive = (policy: string, name: string) => policy.split('; ').find((one) => one.startsWith(name));

it('lets the page connect to where the streams are, by its own scheme', () => {
  expect(directive(contentPolicy(settings, false, 'host'), 'connect-src')).toBe(
    "connect-src 'self' http://host:8000 ws://host:8000",
  );
  expect(directive(contentPolicy(settings, true, '[::1]'), 'connect-src')).toBe(
    "connect-src 'self' https://[::1]:8000 wss://[::1]:8000",
  );
  const elsewhere = { ...settings, flv: { url: 'https://edge' }, hlsUrl: 'https://hls' };
  const policy = contentPolicy(elsewhere, false, 'host');
  expect(directive(policy, 'connect-src')).toBe("connect-src 'self' https://edge wss://edge https://hls");
  expect(directive(policy, 'media-src')).toBe("media-src 'self' blob: https://hls");
});

it.each(['x; script-src *', "x 'unsafe-inline'", 'x\r\ny', '', '*'])(
  'is not widened by the host %j',
  (hostname) => {
    expect(directive(contentPolicy(settings, false, hostname), 'connect-src')).toBe("connect-src 'self'");
    expect(contentPolicy(settings, false, hostname)).toContain("; script-src 'self'; ");
  },
);
