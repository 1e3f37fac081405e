import { describe, expect, it } from 'vitest';
import { parseInfluxdbUrl } from './influxdb-address.ts';

describe('parseInfluxdbUrl', () => {
  it('reads host, port, database and a login whose signs are percent-coded', () => {
    expect(parseInfluxdbUrl('http://me:p%40ss%3Aword@db.example:9999/load')).toEqual({
      protocol: 'http',
      host: 'db.example',
      port: 9999,
      database: 'load',
      user: 'me',
      password: 'p@ss:word',
      shown: 'http://db.example:9999/load',
    });
  });

  it('knows the usual port, no login, https and IPv6', () => {
    expect(parseInfluxdbUrl('https://[::1]/x')).toMatchObject({
      protocol: 'https',
      host: '[::1]',
      port: 8086,
      user: null,
      database: 'x',
    });
  });

  it.each([
    ['influx.example:8086/db', 'begins with "influx.example:"'],
    ['not a url with s3cret', 'no URL'],
    ['ftp://u:s3cret@h/db', 'begins with "ftp:"'],
    ['http://u:s3cret@h:8086', "needs the database's name"],
    ['http://u:s3cret@h:8086/a/b', "needs the database's name"],
    ['http://u:s3cret%zz@h:8086/db', 'The password in the InfluxDB address holds a %'],
  ])('refuses %s in one sentence without the password', (text, words) => {
    const refusal = (): unknown => parseInfluxdbUrl(text);
    expect(refusal).toThrow(words);
    expect(refusal).not.toThrow('s3cret');
  });
});
