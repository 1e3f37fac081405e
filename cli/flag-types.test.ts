import { describe, expect, it } from 'vitest';
import { influxdbOf } from './flag-types.ts';

describe('influxdbOf', () => {
  it.each([
    [undefined, undefined, undefined],
    [undefined, '', undefined],
    [undefined, 'http://env/db', 'http://env/db'],
    ['http://flag/db', 'http://env/db', 'http://flag/db'],
    ['', 'http://env/db', undefined],
  ])('flag %j, environment %j: %j', (flag, variable, expected) => {
    const environment = variable === undefined ? {} : { STREAMGAUGE_INFLUXDB: variable };
    expect(influxdbOf(flag, environment)).toBe(expected);
  });
});
