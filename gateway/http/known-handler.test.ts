import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApolloServer } from '@apollo/server';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createToken } from '../testing/credentials.ts';
import { answer, hangUp, type Received } from '../testing/stand-in.ts';
import { startTestGateway } from '../testing/test-gateway.ts';

const QUERY = '{ me { name } }';
const USER = answer({ data: { me: { name: 'Ada' }, signOut: true } });
const EVENTS = [
  { __typename: 'Event', name: 'Opera' },
  { __typename: 'Event', id: '2', name: 'Ballet' },
];
/** The number of requests after which a document is known. */
const TIMES = 3;

const apolloAsked = vi.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');
afterAll(() => apolloAsked.mockRestore());

let gateway: Awaited<ReturnType<typeof startTestGateway>>;
beforeEach(() => void apolloAsked.mockClear());
afterEach(() => gateway.stop());

async function post(body: object | string, headers: Record<string, string> = {}) {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.json() };
}

/** Sends the same request several times. Returns the status and the body of each response. */
async function repeat(body: object, headers: Record<string, string> = {}) {
  const answers = [];
  for (let time = 0; time < TIMES; time += 1) answers.push(await post(body, headers));
  return answers;
}

const hashOf = (query: string) => createHash('sha256').update(query).digest('hex');
const persisted = (query: string) => ({ persistedQuery: { version: 1, sha256Hash: hashOf(query) } });
const codesOf = ({ body }: Awaited<ReturnType<typeof post>>) =>
  (body as { errors?: { extensions: { code: string } }[] }).errors?.map(({ extensions }) => extensions.code);

test('From the third time on, an operation is answered without Apollo Server', async () => {
  gateway = await startTestGateway({ user: USER });
  const answers = await repeat({ query: QUERY });
  expect(answers.map(({ body }) => body)).toEqual(Array(TIMES).fill({ data: { me: { name: 'Ada' } } }));
  expect(apolloAsked).toHaveBeenCalledTimes(TIMES - 1);
});

test('The hash of a known document is not accepted as a document', async () => {
  gateway = await startTestGateway({ user: USER });
  await repeat({ query: QUERY });
  expect(codesOf(await post({ query: hashOf(QUERY) }))).toEqual(['GRAPHQL_PARSE_FAILED']);
  const byText = { extensions: { persistedQuery: { version: 1, sha256Hash: QUERY } } };
  expect(codesOf(await post(byText))).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
});

test('A known document is not found by its hash unless it was registered', async () => {
  gateway = await startTestGateway({ user: USER });
  await repeat({ query: QUERY });
  expect(codesOf(await post({ extensions: persisted(QUERY) }))).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
});

test('A registered document is known by its hash', async () => {
  gateway = await startTestGateway({ user: USER });
  await post({ query: QUERY, extensions: persisted(QUERY) });
  apolloAsked.mockClear();
  const answers = await repeat({ extensions: persisted(QUERY) });
  expect(answers.map(({ body }) => body)).toEqual(Array(TIMES).fill({ data: { me: { name: 'Ada' } } }));
  expect(apolloAsked.mock.calls.length).toBeLessThan(TIMES);
});

test('A mutation is sent once for each request, even if the subgraph closes the connection', async () => {
  gateway = await startTestGateway({ user: hangUp });
  await repeat({ query: 'mutation { signOut(refreshToken: "x") }' });
  expect(gateway.standIns.user.received).toHaveLength(TIMES);
});

test('A subgraph answer that makes the execution fail causes the same error each time', async () => {
  const events = { nodes: { id: '1' } };
  gateway = await startTestGateway({ event: answer({ data: { events } }), booking: answer({ data: {} }) });
  const answers = await repeat({ query: '{ events { nodes { availableSeats } } }' });
  for (const answered of answers) {
    expect(answered.status).toBe(500);
    expect(answered.headers['content-type']).toBe('application/json; charset=utf-8');
    const extensions = { code: 'INTERNAL_SERVER_ERROR', errorId: expect.any(String) };
    expect(answered.body).toEqual({ errors: [{ message: 'Something went wrong.', extensions }] });
  }
  expect(gateway.standIns.event.received).toHaveLength(TIMES);
});

test('A subgraph does not choose the status of the answer', async () => {
  const error = { message: 'No.', path: ['me'], extensions: { code: 'FORBIDDEN', http: { status: 418 } } };
  gateway = await startTestGateway({ user: answer({ data: { me: null }, errors: [error] }) });
  const answers = await repeat({ query: QUERY });
  expect(answers.map(({ status }) => status)).toEqual(Array(TIMES).fill(200));
});

test('The errors of entities have the right paths when another entity cannot be requested', async () => {
  const error = { message: 'No.', path: ['_entities', 0, 'availableSeats'], extensions: { code: 'FORBIDDEN' } };
  const seats = { _entities: [{ availableSeats: null }] };
  gateway = await startTestGateway({
    event: answer({ data: { events: { nodes: EVENTS } } }),
    booking: answer({ data: seats, errors: [error] }),
  });
  const answers = await repeat({ query: '{ events { nodes { name availableSeats } } }' });
  const paths = answers.map(({ body }) => (body as { errors: { path: unknown }[] }).errors.map(({ path }) => path));
  // The first one comes from the package, which counts only the requested entities.
  expect(paths).toEqual([
    [['events', 'nodes', 0, 'availableSeats']],
    [['events', 'nodes', 1, 'availableSeats']],
    [['events', 'nodes', 1, 'availableSeats']],
  ]);
});

test('A bad token is refused for a known document in the same way as for a new one', async () => {
  gateway = await startTestGateway({ user: USER });
  const bad = { authorization: 'Bearer a.b.c' };
  const before = await post({ query: QUERY }, bad);
  await repeat({ query: QUERY });
  const after = await post({ query: QUERY }, bad);
  expect(before).toMatchObject({ status: 401, body: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } });
  expect(withoutOwn(after)).toEqual(withoutOwn(before));
  expect(gateway.standIns.user.received).toHaveLength(TIMES);
  expect(await gateway.counted('gateway_refusals_total')).toEqual({ unauthenticated: 2 });
});

test('A known document draws on the budget of its user once, and is refused like a new one', async () => {
  const points = 6;
  gateway = await startTestGateway({ user: USER }, { RATE_LIMITS: 'on', RATE_LIMIT_USER: String(points) });
  const signedIn = { authorization: `Bearer ${await createToken()}` };
  for (let time = 0; time < points; time += 1) expect((await post({ query: QUERY }, signedIn)).status).toBe(200);
  const known = await post({ query: QUERY }, signedIn);
  const fresh = await post({ query: '{ me { id } }' }, signedIn);
  expect(known).toMatchObject({ status: 429, body: { errors: [{ extensions: { code: 'RATE_LIMITED' } }] } });
  expect(codesOf(fresh)).toEqual(codesOf(known));
  expect(Object.keys(known.headers)).toEqual(Object.keys(fresh.headers));
  expect(gateway.standIns.user.received).toHaveLength(points);
});

test('A known document draws on the budget of its address once', async () => {
  // The new document takes ten more points.
  const points = 10 + TIMES + 2;
  gateway = await startTestGateway({ user: USER }, { RATE_LIMITS: 'on', RATE_LIMIT_ADDRESS: String(points) });
  for (let time = 0; time < TIMES + 2; time += 1) expect((await post({ query: QUERY })).status).toBe(200);
  expect((await post({ query: QUERY })).status).toBe(429);
});

test('A new supergraph removes known documents, so that fields that it lacks are refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'supergraph-'));
  const path = join(folder, 'supergraph.graphql');
  await copyFile(new URL('../supergraph.graphql', import.meta.url), path);
  const behave = answer(({ query }: Received) => ({ data: { me: { name: 'Ada', nick: query.includes('nick') } } }));
  gateway = await startTestGateway({ user: behave }, { SUPERGRAPH_PATH: path });
  await repeat({ query: QUERY });
  const renamed = (await readFile(path, 'utf8')).replace(
    /(type User\b[^}]*?)\n {2}name: String!/,
    '$1\n  nick: String!',
  );
  await writeFile(path, renamed);
  await vi.waitFor(async () => expect((await post({ query: '{ me { nick } }' })).status).toBe(200), {
    timeout: 10_000,
  });
  for (const refused of await repeat({ query: QUERY })) expect(codesOf(refused)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  await rm(folder, { recursive: true });
}, 20_000);

const withoutOwn = ({ status, headers, body }: Awaited<ReturnType<typeof post>>) => {
  const { date: _date, 'x-request-id': _id, ...others } = headers;
  return { status, headers: others, body };
};
