import fastify from 'fastify';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToken } from '../testing/credentials.ts';
import { answer } from '../testing/stand-in.ts';
import { startTestGateway } from '../testing/test-gateway.ts';
import { observeOperations } from './operation-metrics.ts';

let gateway: Awaited<ReturnType<typeof startTestGateway>>;
beforeAll(async () => {
  gateway = await startTestGateway({ user: answer({ data: { me: null } }) });
});
afterAll(() => gateway.stop());

const post = async (body: object, headers: Record<string, string> = {}) => {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  await response.text();
  const requestId = response.headers.get('x-request-id');
  return gateway.logs.filter((line) => line.requestId === requestId && line.msg === 'request');
};

test('Each operation has one log line with its name, caller, outcome and duration, and is counted once', async () => {
  const authorization = `Bearer ${await createToken()}`;
  const who = { query: 'query WhoAmI { me { id } }' };
  // A document is known from the third time on.
  for (const _time of [1, 2, 3]) {
    expect(await post(who, { authorization })).toEqual([
      expect.objectContaining({
        operation: 'WhoAmI',
        callerId: '019ac000-0000-7000-8000-000000000001',
        outcome: 'OK',
        durationMs: expect.any(Number),
      }),
    ]);
  }
  const [down] = await post({ query: 'query Seats { event(id: "1") { totalSeats } }' });
  expect(down).toMatchObject({ operation: 'Seats', outcome: 'SERVICE_UNAVAILABLE' });
  const [invalid] = await post({ query: 'query Wrong { nothing }' });
  expect(invalid).toMatchObject({ outcome: 'GRAPHQL_VALIDATION_FAILED' });
  const [stranger] = await post(who, { authorization: 'Bearer a.b.c' });
  expect(stranger).toMatchObject({ outcome: 'UNAUTHENTICATED' });
  expect(stranger).not.toHaveProperty('callerId');
  const [refused] = await post(who, { 'content-type': `application/json;${' '.repeat(300)}x` });
  expect(refused).toMatchObject({ status: 415, outcome: 'BAD_REQUEST' });
  expect(await gateway.counted('graphql_operations_total')).toEqual({
    'query,WhoAmI,OK': 1,
    'query,other,OK': 2,
    'query,other,SERVICE_UNAVAILABLE': 1,
    'other,other,GRAPHQL_VALIDATION_FAILED': 1,
    'query,WhoAmI,UNAUTHENTICATED': 1,
    'other,other,BAD_REQUEST': 1,
  });
});

test('A text in the data that looks like a code is no outcome', async () => {
  const [line] = await post({ query: '{ a: __typename b: __type(name: "\\"code\\":\\"X\\"") { name } }' });
  expect(line).toMatchObject({ outcome: 'OK' });
});

test('Clients cannot create series without bound', async () => {
  const metrics = new Registry();
  const http = fastify();
  http.addHook('onRequest', async (request) => {
    request.details = {};
  });
  const { learn } = observeOperations(http, metrics);
  http.get('/:name', async (request) => {
    request.details.operation = (request.params as { name: string }).name;
    learn(request);
    return 'answer';
  });
  for (let name = 0; name < 120; name += 1) await http.inject(`/Name${name}`);
  await http.inject(`/${'L'.repeat(101)}`);
  const { values = [] } = (await metrics.getSingleMetric('graphql_operations_total')?.get()) ?? {};
  expect(new Set(values.map(({ labels }) => labels.operation)).size).toBe(101);
});
