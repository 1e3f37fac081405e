import { expect, it } from 'vitest';
import { reasons as ofClients } from '../clients/reason.ts';
import { reasons as ofMetrics } from '../metrics/catalogue.ts';

it('clients and metrics, which may not import each other, have the same closed list of reasons', () => {
  expect([...ofMetrics].sort()).toEqual([...ofClients].sort());
});
