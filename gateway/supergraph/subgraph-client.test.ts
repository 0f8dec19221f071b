import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { createGraphQLClient } from '#platform/clients/graphql-client.ts';
import type { GatewayContext } from '../context.ts';
import { answer, type Behaviour, hang, hangUp, inTurn, refusedUrl, startStandIn } from '../testing/stand-in.ts';
import { createSubgraphClient } from './subgraph-client.ts';

const SECRET = 'a-secret-of-the-gateway';
const ME = answer({ data: { me: { name: 'Ada' } } });
const UNAVAILABLE = {
  data: null,
  errors: [
    {
      message: 'The service is busy or unreachable; try again.',
      path: ['me'],
      extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 },
    },
  ],
};

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function start(behave: Behaviour | string, timeoutMs = 2_000) {
  const standIn = typeof behave === 'string' ? undefined : await startStandIn(behave);
  const client = createGraphQLClient({ url: standIn?.url ?? String(behave), secret: SECRET });
  stops.push(
    () => standIn?.stop() ?? Promise.resolve(),
    () => client.close(),
  );
  const subgraph = createSubgraphClient({
    name: 'user',
    client,
    timeoutMs,
    queryTimeoutMs: timeoutMs,
    logger: pino({ level: 'silent' }),
  });
  const ask = (query: string, context: object = {}) =>
    subgraph({ query, variables: {}, operationName: undefined }, {
      caller: null,
      requestId: 'r-1',
      deadlineMs: performance.now() + 4_000,
      ...context,
    } as unknown as GatewayContext);
  return { ask, received: standIn?.received ?? [] };
}

test('A query is sent once more after a connection error', async () => {
  const { ask, received } = await start(inTurn(hangUp, ME));
  expect(await ask('{me{name}}')).toEqual({ data: { me: { name: 'Ada' } } });
  expect(received).toHaveLength(2);
});

test('A query is not sent a third time', async () => {
  const { ask, received } = await start(hangUp);
  expect(await ask('{me{name}}')).toEqual(UNAVAILABLE);
  expect(received).toHaveLength(2);
});

test('A mutation is sent exactly once', async () => {
  const { ask, received } = await start(inTurn(hangUp, ME));
  expect(await ask('mutation{me:signOut(refreshToken:"x")}')).toEqual(UNAVAILABLE);
  expect(received).toHaveLength(1);
});

test('The token, the request id and the proof reach the subgraph', async () => {
  const { ask, received } = await start(ME);
  await ask('{me{name}}', { authorization: 'Bearer t.o.k' });
  const { authorization, 'x-request-id': requestId, 'x-gateway-proof': proof } = received[0]?.headers ?? {};
  expect({ authorization, requestId, proof }).toEqual({
    authorization: 'Bearer t.o.k',
    requestId: 'r-1',
    proof: SECRET,
  });
});

test('A hung subgraph is given up after the time-out', async () => {
  const { ask } = await start(hang, 100);
  expect(await ask('{me{name}}')).toEqual(UNAVAILABLE);
});

test('Both attempts share one time-out', async () => {
  const hangUpLate: Behaviour = (_request, response) => setTimeout(() => response.destroy(), 2_000);
  const { ask } = await start(inTurn(hangUpLate, hang), 2_500);
  const startedAtMs = performance.now();
  expect(await ask('{me{name}}')).toEqual(UNAVAILABLE);
  expect(performance.now() - startedAtMs).toBeLessThan(3_800);
});

test("The operation's deadline ends a fetch before the time-out", async () => {
  const { ask } = await start(hang, 60_000);
  expect(await ask('{me{name}}', { deadlineMs: performance.now() + 100 })).toEqual(UNAVAILABLE);
});

test('Nothing is sent after the deadline', async () => {
  const { ask, received } = await start(ME);
  expect(await ask('{me{name}}', { deadlineMs: performance.now() })).toEqual(UNAVAILABLE);
  expect(received).toHaveLength(0);
});

test('The error for a refused connection contains no address', async () => {
  const { ask } = await start(await refusedUrl());
  expect(await ask('{me{name}}')).toEqual(UNAVAILABLE);
});

test('A body that is not GraphQL does not reach the client', async () => {
  const { ask } = await start((_request, response) => response.writeHead(500).end('Error: at db.internal:3306'));
  expect(await ask('{me{name}}')).toEqual(UNAVAILABLE);
});
