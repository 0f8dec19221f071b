import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { eachOf, SUBGRAPHS } from '#services';
import { createToken, proofOf } from './testing/credentials.ts';
import { answer, type Behaviour, hang, hangUp } from './testing/stand-in.ts';
import { startTestGateway } from './testing/test-gateway.ts';

const EVENTS = [
  { __typename: 'Event', id: '1', name: 'Opera' },
  { __typename: 'Event', id: '2', name: 'Ballet' },
];
const eventSubgraph = answer({ data: { events: { nodes: EVENTS } } });
const EVENTS_WITH_SEATS = '{ events { nodes { name availableSeats } } }';
/** Internal details that must never reach a client. */
const INTERNALS = /127\.0\.0\.1|localhost|ECONN|serviceName|stacktrace|_entities|node_modules|db\.internal/;

const seats = (path: (string | number)[]) => ({
  message: 'The service is busy or unreachable; try again.',
  path,
  extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 },
});
const WITHOUT_SEATS = {
  data: {
    events: {
      nodes: [
        { name: 'Opera', availableSeats: null },
        { name: 'Ballet', availableSeats: null },
      ],
    },
  },
  errors: [seats(['events', 'nodes', 0, 'availableSeats']), seats(['events', 'nodes', 1, 'availableSeats'])],
};

let gateway: Awaited<ReturnType<typeof startTestGateway>>;
afterEach(() => gateway.stop());

test('The gateway starts with every subgraph down, and /ready names each of them', async () => {
  gateway = await startTestGateway();
  const response = await fetch(`${gateway.url}/ready`);
  expect(response.status).toBe(503);
  const down = { status: 'down', latencyMs: expect.any(Number), reason: 'ECONNREFUSED' };
  expect(await response.json()).toEqual({
    status: 'unready',
    checks: { ...eachOf(SUBGRAPHS, () => down), broker: expect.anything(), supergraph: expect.anything() },
  });
});

test('The gateway is ready when all four subgraphs are ready, also without the broker', async () => {
  gateway = await startTestGateway(eachOf(SUBGRAPHS, () => hang));
  const response = await fetch(`${gateway.url}/ready`);
  expect(response.status).toBe(200);
  const up = { status: 'up' };
  expect(await response.json()).toMatchObject({
    status: 'degraded',
    checks: { ...eachOf(SUBGRAPHS, () => up), supergraph: up, broker: { status: 'down' } },
  });
});

test('The gateway reports when its limits are not shared with its replicas, and continues to serve', async () => {
  gateway = await startTestGateway(
    eachOf(SUBGRAPHS, () => hang),
    { RATE_LIMITS: 'on' },
  );
  const response = await fetch(`${gateway.url}/ready`);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ status: 'degraded', checks: { limits: { status: 'down' } } });
});

test.each([
  ['dead', undefined],
  ['hung', hang],
  ['closing connections', hangUp],
  ['answering without GraphQL', answer({ error: 'at db.internal:3306' }, 500)],
])('A subgraph that is %s costs only its own fields, each with a code and its path', async (_how, booking) => {
  gateway = await startTestGateway(
    { event: eventSubgraph, ...(booking && { booking }) },
    { SUBGRAPH_QUERY_TIMEOUT_MS: '200' },
  );
  const { status, text, body } = await gateway.ask(EVENTS_WITH_SEATS);
  expect({ status, body }).toEqual({ status: 200, body: WITHOUT_SEATS });
  expect(text).not.toMatch(INTERNALS);
});

test('An operation over several hung subgraphs is answered by its deadline', async () => {
  gateway = await startTestGateway(
    { event: eventSubgraph, booking: hang, user: hang },
    { OPERATION_TIMEOUT_MS: '500', SUBGRAPH_TIMEOUT_MS: '400', SUBGRAPH_QUERY_TIMEOUT_MS: '400' },
  );
  const startedAtMs = performance.now();
  const { body } = await gateway.ask('{ me { name } events { nodes { availableSeats organizer { name } } } }');
  expect(performance.now() - startedAtMs).toBeLessThan(3_000);
  expect(body.data).toMatchObject({
    me: null,
    events: { nodes: [{ availableSeats: null }, { availableSeats: null }] },
  });
});

test("Errors of a subgraph reach the client with code, message and the path in the client's query", async () => {
  const error = (index: number) => ({
    message: 'You may not do this.',
    locations: [{ line: 1, column: 1 }],
    path: ['_entities', index, 'bookings'],
    extensions: { code: 'FORBIDDEN', stacktrace: ['at db.internal'] },
  });
  const booking = answer({ data: { _entities: [{ bookings: null }, { bookings: null }] }, errors: [error(1)] });
  gateway = await startTestGateway({ event: eventSubgraph, booking });
  const { text, body } = await gateway.ask('{ events { nodes { sold: bookings { nodes { id } } } } }');
  expect(body.errors).toEqual([
    { message: 'You may not do this.', path: ['events', 'nodes', 1, 'bookings'], extensions: { code: 'FORBIDDEN' } },
  ]);
  expect(text).not.toMatch(INTERNALS);
});

test('A fault of a subgraph is masked with an errorId, and the log has the details', async () => {
  const fault = { message: 'near "SELEC": at db.internal:3306', path: ['me'], extensions: { stacktrace: ['x'] } };
  gateway = await startTestGateway({ user: answer({ data: { me: null }, errors: [fault] }) });
  const { text, body } = await gateway.ask('{ me { name } }');
  expect(body.errors).toEqual([
    {
      message: 'Something went wrong.',
      path: ['me'],
      extensions: { code: 'INTERNAL_SERVER_ERROR', errorId: expect.any(String) },
    },
  ]);
  expect(text).not.toMatch(INTERNALS);
  const errorId = body.errors?.[0]?.extensions.errorId;
  expect(gateway.logs).toContainEqual(expect.objectContaining({ level: 'error', errorId }));
});

test('The gateway does not forward internal headers from a client', async () => {
  gateway = await startTestGateway({ user: answer({ data: { me: null } }) });
  const headers = { 'x-gateway-proof': 'forged', 'x-user-id': '1', cookie: 'a=b', 'x-request-id': 'mine' };
  await gateway.ask('{ me { name } }', { headers });
  const received = gateway.standIns.user.received[0]?.headers;
  expect(received).toMatchObject({ 'x-gateway-proof': proofOf('user'), 'x-request-id': 'mine' });
  expect(Object.keys(received ?? {})).not.toContain('x-user-id');
  expect(Object.keys(received ?? {})).not.toContain('cookie');
});

test('A valid access token is forwarded', async () => {
  gateway = await startTestGateway({ user: answer({ data: { me: { name: 'Ada' } } }) });
  const authorization = `Bearer ${await createToken()}`;
  const { body } = await gateway.ask('{ me { name } }', { headers: { authorization } });
  expect(body).toEqual({ data: { me: { name: 'Ada' } } });
  expect(gateway.standIns.user.received[0]?.headers.authorization).toBe(authorization);
});

test('A bad access token is refused with 401 before any subgraph is asked', async () => {
  gateway = await startTestGateway({ user: answer({ data: { me: null } }) });
  const { status, body } = await gateway.ask('{ me { name } }', { headers: { authorization: 'Bearer a.b.c' } });
  expect(status).toBe(401);
  const message = 'Sign in and send a valid access token.';
  expect(body.errors).toEqual([{ message, extensions: { code: 'UNAUTHENTICATED' } }]);
  expect(gateway.standIns.user.received).toHaveLength(0);
});

test('A mutation is sent only once when the connection breaks', async () => {
  gateway = await startTestGateway({ user: hangUp });
  const { body } = await gateway.ask('mutation { signOut(refreshToken: "x") }');
  expect(body.errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
    [['signOut'], 'SERVICE_UNAVAILABLE'],
  ]);
  expect(gateway.standIns.user.received).toHaveLength(1);
});

test("The gateway tells the subgraph the time left, below its own limit, and ignores the client's header", async () => {
  gateway = await startTestGateway({ user: answer({ data: { me: null } }) });
  await gateway.ask('{ me { name } }', { headers: { 'x-time-left-ms': '60000' } });
  await gateway.ask('mutation { signOut(refreshToken: "x") }');
  const left = gateway.standIns.user.received.map(({ headers }) => Number(headers['x-time-left-ms']));
  expect(left[0]).toBeGreaterThan(1_000);
  expect(left[0]).toBeLessThanOrEqual(1_800);
  expect(left[1]).toBeGreaterThan(6_000);
  expect(left[1]).toBeLessThanOrEqual(7_200);
});

test('The breaker of a subgraph stays closed when a slow subgraph before it used up the time', async () => {
  const late =
    (behave: Behaviour, delayMs: number): Behaviour =>
    (...request) =>
      setTimeout(() => behave(...request), delayMs);
  const users: Behaviour = answer(({ query }) => ({
    data: query.includes('_entities') ? { _entities: [{ name: 'Ada' }] } : { me: { name: 'Ada' } },
  }));
  gateway = await startTestGateway(
    {
      event: late(answer({ data: { event: { organizer: { __typename: 'User', id: '1' } } } }), 700),
      user: late(users, 400),
    },
    { OPERATION_TIMEOUT_MS: '900', SUBGRAPH_TIMEOUT_MS: '800', SUBGRAPH_QUERY_TIMEOUT_MS: '800' },
  );
  const { ask } = gateway;
  const pages = Array.from({ length: 15 }, () => ask('{ event(id: "1") { organizer { name } } }'));
  for (const { body } of await Promise.all(pages)) {
    expect(body.errors?.[0]).toMatchObject({ extensions: { code: 'SERVICE_UNAVAILABLE' } });
  }
  expect((await ask('{ me { name } }')).body).toEqual({ data: { me: { name: 'Ada' } } });
});

test.each([
  ['query', '{ me { name } }', true],
  ['mutation', 'mutation { signOut(refreshToken: "x") }', false],
])('When the client disconnects, its %s (%s) is cancelled at the subgraph: %s', async (_kind, query, ends) => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<ServerResponse>();
  gateway = await startTestGateway({ user: (_request, response) => arrive(response) });
  const client = new AbortController();
  const asking = fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
    signal: client.signal,
  });
  const atSubgraph = await arrived;
  const closed = new Promise<boolean>((resolve) => atSubgraph.on('close', () => resolve(!atSubgraph.writableFinished)));
  client.abort();
  await expect(asking).rejects.toThrow('aborted');
  if (!ends) {
    // The answer to a second request shows that the gateway has noticed the disconnect. The mutation is still running.
    await gateway.ask('{ __typename }');
    await new Promise(setImmediate);
    atSubgraph.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{"signOut":null}}');
  }
  expect(await closed).toBe(ends);
});

test('The debug endpoints are absent by default, and are for admins when they are on', async () => {
  const [admin, user] = [await createToken('ADMIN'), await createToken('USER')];
  const statuses = async () => {
    const asked = [undefined, 'a.b.c', user, admin].map(async (token) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (await fetch(`${gateway?.url}/debug/redis`, { headers })).status;
    });
    return Promise.all(asked);
  };
  gateway = await startTestGateway();
  expect(await statuses()).toEqual([404, 404, 404, 404]);
  await gateway.stop();
  // No server listens at the address of Redis.
  gateway = await startTestGateway({}, { DEBUG_ENDPOINTS: 'on', RATE_LIMITS: 'on' });
  expect(await statuses()).toEqual([401, 401, 403, 503]);
});
