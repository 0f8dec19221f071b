import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApolloServer } from '@apollo/server';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { differenceBetween, type Observation } from '#platform/testing/compare-answers.ts';
import { createToken } from '../testing/credentials.ts';
import { type ObservedRequest, observeGateway } from '../testing/observe-gateway.ts';
import { answer, type Behaviour, hangUp } from '../testing/stand-in.ts';

const QUERY = `query Page($first: Int = 1, $withUser: Boolean! = true) {
  me @include(if: $withUser) { name }
  events(first: $first) { nodes { name } }
}`;
const MUTATION = 'mutation { signOut(refreshToken: "x") }';
/** The number of requests after which a document is known. */
const TIMES = 3;
const SHOP = 'https://shop.example.com';

const behaviours = {
  user: answer({ data: { me: { name: 'Ada' }, signOut: true } }),
  event: answer({ data: { events: { nodes: [{ name: 'Opera' }] } } }),
  booking: hangUp,
  notification: hangUp,
};
const failing = (extensions: object): Behaviour =>
  answer({ data: { me: null }, errors: [{ message: 'a secret', path: ['me'], extensions }] });

// Each test starts a gateway.
vi.setConfig({ testTimeout: 20_000 });

const apolloAsked = vi.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');
const apolloRequests = () => apolloAsked.mock.calls.length;
let folder: string;
let token: string;
let trusted: NodeJS.ProcessEnv;
beforeAll(async () => {
  token = await createToken();
  folder = await mkdtemp(join(tmpdir(), 'known-'));
  const path = join(folder, 'manifest.json');
  const entries = [QUERY, MUTATION].map((text) => [`sha256:${hashOf(text)}`, text]);
  await writeFile(path, JSON.stringify(Object.fromEntries(entries)));
  trusted = { TRUSTED_DOCUMENTS: 'enforce', TRUSTED_DOCUMENTS_PATH: path };
});
afterAll(async () => {
  apolloAsked.mockRestore();
  await rm(folder, { recursive: true });
});

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
const persisted = (text: string, version = 1) => ({ persistedQuery: { version, sha256Hash: hashOf(text) } });

function post(body: unknown, headers: Record<string, string> = {}): ObservedRequest {
  const given = { 'content-type': 'application/json', ...headers };
  return {
    method: 'POST',
    path: '/graphql',
    headers: given,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}
function get(query: string, headers: Record<string, string> = {}): ObservedRequest {
  return { method: 'GET', path: `/graphql?${new URLSearchParams({ query })}`, headers, body: undefined };
}
const plain = (variables?: object, headers?: Record<string, string>) => post({ query: QUERY, variables }, headers);
const PREFLIGHT = { 'apollo-require-preflight': 'yes' };

/**
 * Sends a request while its document is new, makes the document known, and sends the request again. Returns both
 * observations, and whether the second one passed through Apollo Server.
 */
async function observeBoth(request: ObservedRequest, { env = {}, user = behaviours.user, known = plain() } = {}) {
  const { observe, receivedBy, stop } = await observeGateway({
    behaviours: { ...behaviours, user },
    env,
    apolloRequests,
  });
  try {
    const first = await observe(request);
    for (let time = 0; time < TIMES; time += 1) await observe(known);
    const before = apolloRequests();
    await observe(known);
    // Otherwise both requests would be for a new document.
    expect(apolloRequests()).toBe(before);
    const second = await observe(request);
    const isByApollo = apolloRequests() > before;
    const received = receivedBy();
    const [one, other] = [first, second].map(
      ({ requestId, observation }): Observation => ({
        ...observation,
        received: (received.get(requestId) ?? []).sort(),
      }),
    ) as [Observation, Observation];
    return { one, other, isByApollo };
  } finally {
    await stop();
  }
}

const codeOf = ({ text }: Observation): string | undefined =>
  (JSON.parse(text) as { errors?: { extensions: { code: string } }[] }).errors?.[0]?.extensions.code;

interface Expected {
  readonly status: number;
  readonly code?: string;
  /** True if the second request does not reach Apollo Server: its operation is known, or Fastify refuses it. */
  readonly isKept?: boolean;
}

async function expectSame(
  request: ObservedRequest,
  { status, code, isKept = false }: Expected,
  options: Parameters<typeof observeBoth>[1] = {},
): Promise<Observation> {
  const { one, other, isByApollo } = await observeBoth(request, options);
  expect(differenceBetween(one, other), JSON.stringify([one, other], null, 2)).toBeUndefined();
  expect({ status: other.status, code: codeOf(other), isKept: !isByApollo }).toEqual({ status, code, isKept });
  return other;
}

describe('A request is answered in the same way whether its document is new or known', () => {
  const withQuery = (headers: Record<string, string>) => plain({}, headers);

  test.each<[string, () => ObservedRequest, Expected]>([
    ['a plain request', () => plain(), { status: 200, isKept: true }],
    ['a signed-in caller', () => withQuery({ authorization: `Bearer ${token}` }), { status: 200, isKept: true }],
    ['a request of an allowed origin', () => withQuery({ origin: SHOP }), { status: 200, isKept: true }],
    ['a request of another origin', () => withQuery({ origin: 'https://evil.example' }), { status: 200, isKept: true }],
    ['a bad token', () => withQuery({ authorization: 'Bearer a.b.c' }), { status: 401, code: 'UNAUTHENTICATED' }],
    ['other variables', () => plain({ first: 2, withUser: false }), { status: 200, isKept: true }],
  ])('with %s', async (_what, request, expected) => {
    await expectSame(request(), expected, { env: { CORS_ORIGINS: SHOP } });
  });

  test.each<[string, ObservedRequest, Expected]>([
    ['text/plain', withQuery({ 'content-type': 'text/plain' }), { status: 400, code: 'BAD_REQUEST' }],
    [
      'text/plain and a preflight',
      withQuery({ 'content-type': 'text/plain', ...PREFLIGHT }),
      { status: 400, code: 'BAD_REQUEST' },
    ],
    ['no content type', { ...plain(), headers: {} }, { status: 415, code: 'BAD_REQUEST', isKept: true }],
    [
      'a form',
      withQuery({ 'content-type': 'application/x-www-form-urlencoded' }),
      { status: 415, code: 'BAD_REQUEST', isKept: true },
    ],
    [
      'a parameter of the content type',
      withQuery({ 'content-type': 'application/json; charset=UTF-8' }),
      { status: 200 },
    ],
    ['GET and no preflight', get(QUERY), { status: 400, code: 'BAD_REQUEST' }],
    ['GET and a preflight', get(QUERY, PREFLIGHT), { status: 200 }],
    ['a type that we do not send', withQuery({ accept: 'image/png' }), { status: 406, code: 'BAD_REQUEST' }],
    ['an array of operations', post([{ query: QUERY }]), { status: 400, code: 'BAD_REQUEST' }],
    ['broken JSON', post('{"query":'), { status: 400, code: 'BAD_REQUEST', isKept: true }],
  ])('against forged requests: with %s', async (_what, request, expected) => {
    await expectSame(request, expected);
  });

  test('against forged requests: with a mutation by GET', async () => {
    const known = post({ query: MUTATION });
    await expectSame(get(MUTATION, PREFLIGHT), { status: 405, code: 'BAD_REQUEST' }, { known });
  });

  test.each<[string, object, Expected, string?]>([
    ['variables that make it too costly', { first: 40 }, { status: 400, code: 'QUERY_TOO_COMPLEX' }, 'cost'],
    ['too many variables', { first: 1, a: 1, b: 1, c: 1 }, { status: 400, code: 'QUERY_TOO_COMPLEX' }, 'variables'],
    ['a variable of another type', { first: 'text' }, { status: 400, code: 'BAD_USER_INPUT' }, 'bad_user_input'],
    ['null for a variable', { withUser: null }, { status: 400, code: 'BAD_USER_INPUT' }, 'bad_user_input'],
  ])('within the limits: with %s', async (_what, variables, expected, reason) => {
    const env = { QUERY_COST_MAX: '60', VARIABLES_MAX: '3' };
    const { counted, received } = await expectSame(plain(variables), expected, { env });
    expect(counted).toEqual({ [String(reason)]: 1 });
    expect(received).toEqual([]);
  });

  test.each<[string, Behaviour, string]>([
    ['an error for the client', failing({ code: 'FORBIDDEN' }), 'FORBIDDEN'],
    ['an internal error', failing({ code: 'INTERNAL_SERVER_ERROR' }), 'INTERNAL_SERVER_ERROR'],
    ['an unknown error', failing({ code: 'FOREIGN', retryAfter: 3 }), 'INTERNAL_SERVER_ERROR'],
    ['a broken connection', hangUp, 'SERVICE_UNAVAILABLE'],
    ['an answer without data', answer({}), 'SERVICE_UNAVAILABLE'],
  ])('when a subgraph gives %s', async (_what, user, code) => {
    const { text, logs } = await expectSame(plain(), { status: 200, code, isKept: true }, { user });
    if (code !== 'INTERNAL_SERVER_ERROR') return;
    expect(text).not.toContain('secret');
    expect(text).toMatch(/"errorId":"[\da-f-]{36}"/);
    expect(logs).toContain('error unexpected error');
  });

  test('in the log: each operation has one line', async () => {
    const { logs } = await expectSame(plain(), { status: 200, isKept: true });
    expect(logs).toEqual(['info request']);
  });
});

describe('A persisted query is answered in the same way whether its document is new or known', () => {
  const byHash = (extensions: object, body: object = {}) => post({ ...body, extensions });
  test.each<[string, ObservedRequest, Expected]>([
    ['its hash before it is registered', byHash(persisted(QUERY)), { status: 200, code: 'PERSISTED_QUERY_NOT_FOUND' }],
    ['its hash and its text', byHash(persisted(QUERY), { query: QUERY }), { status: 200 }],
    ['the hash of another text', byHash(persisted('{ a }'), { query: QUERY }), { status: 400, code: 'BAD_REQUEST' }],
    ['another version', byHash(persisted(QUERY, 2)), { status: 400, code: 'BAD_REQUEST' }],
    [
      'its text as a hash',
      byHash({ persistedQuery: { version: 1, sha256Hash: QUERY } }),
      { status: 200, code: 'PERSISTED_QUERY_NOT_FOUND' },
    ],
    ['other extensions', byHash({ client: 'shop' }, { query: QUERY }), { status: 200, isKept: true }],
  ])('with %s', async (_what, request, expected) => {
    await expectSame(request, expected);
  });

  test.each<[string, object, Record<string, string>, Expected]>([
    ['its hash', {}, {}, { status: 200, isKept: true }],
    ['variables that make it too costly', { variables: { first: 40 } }, {}, { status: 400, code: 'QUERY_TOO_COMPLEX' }],
    ['a bad token', {}, { authorization: 'Bearer a.b.c' }, { status: 401, code: 'UNAUTHENTICATED' }],
    ['text/plain', {}, { 'content-type': 'text/plain' }, { status: 400, code: 'BAD_REQUEST' }],
  ])('after it was registered and known by its hash: with %s', async (_what, body, headers, expected) => {
    const { observe, stop } = await observeGateway({ behaviours, env: { QUERY_COST_MAX: '60' }, apolloRequests });
    try {
      await observe(byHash(persisted(QUERY), { query: QUERY }));
      const request = post({ ...body, extensions: persisted(QUERY) }, headers);
      const { observation: first } = await observe(request);
      for (let time = 0; time <= TIMES; time += 1) await observe(byHash(persisted(QUERY)));
      const before = apolloRequests();
      await observe(byHash(persisted(QUERY)));
      expect(apolloRequests()).toBe(before);
      const { observation: second } = await observe(request);
      expect(differenceBetween(first, second)).toBeUndefined();
      const isKept = apolloRequests() === before;
      expect({ status: second.status, code: codeOf(second), isKept }).toEqual({
        isKept: false,
        code: undefined,
        ...expected,
      });
    } finally {
      await stop();
    }
  });
});

describe('When only trusted documents are accepted, a request is answered in the same way for a new and a known one', () => {
  test.each<[string, ObservedRequest, Expected]>([
    ['the text of a trusted document', plain(), { status: 200, isKept: true }],
    ['its text in another form', post({ query: QUERY.replaceAll('\n', ' ') }), { status: 200 }],
    ['its hash', post({ extensions: persisted(QUERY) }), { status: 200 }],
    ['an unknown hash', post({ extensions: persisted('{ a }') }), { status: 200, code: 'PERSISTED_QUERY_NOT_FOUND' }],
    ['another document', post({ query: '{ me { id } }' }), { status: 403, code: 'FORBIDDEN' }],
    [
      'another document with its hash',
      post({ query: '{ me { id } }', extensions: persisted('{ me { id } }') }),
      { status: 403, code: 'FORBIDDEN' },
    ],
    ['an invalid document', post({ query: '{ nothing }' }), { status: 403, code: 'FORBIDDEN' }],
    ['GET', get(QUERY, PREFLIGHT), { status: 200 }],
  ])('with %s', async (_what, request, expected) => {
    await expectSame(request, expected, { env: trusted });
  });
});

describe('A caller over their budget gets the same refusal for a new and a known document', () => {
  test.each<[string, NodeJS.ProcessEnv]>([
    ['a user', { RATE_LIMIT_USER: String(TIMES) }],
    // The new document takes ten more points.
    ['an address', { RATE_LIMIT_ADDRESS: String(TIMES + 10) }],
  ])('as %s', async (_who, limits) => {
    const env = { RATE_LIMITS: 'on', ...limits };
    const { observe, receivedBy, stop } = await observeGateway({ behaviours, env, apolloRequests });
    try {
      const headers = { authorization: `Bearer ${token}` };
      for (let time = 0; time < TIMES; time += 1) {
        expect((await observe(plain({}, headers))).observation.status).toBe(200);
      }
      const received = receivedBy().size;
      const { observation: known } = await observe(plain({}, headers));
      const { observation: fresh } = await observe(post({ query: `${QUERY} # new` }, headers));
      expect(differenceBetween(known, fresh)).toBeUndefined();
      expect({ status: known.status, code: codeOf(known) }).toEqual({ status: 429, code: 'RATE_LIMITED' });
      expect(known.headers).toHaveProperty('retry-after');
      expect(known.counted).toEqual({ rate_limited: 1 });
      expect(receivedBy().size).toBe(received);
    } finally {
      await stop();
    }
  });
});

test('The comparison fails when a known document is answered differently', async () => {
  let asked = 0;
  const user: Behaviour = (request, response) =>
    answer({ data: { me: { name: `Ada ${asked++}` } } })(request, response);
  const { one, other } = await observeBoth(plain(), { user });
  expect(differenceBetween(one, other)).toBe('body');
});
