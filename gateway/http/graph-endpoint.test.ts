import { createHash } from 'node:crypto';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer } from '../testing/stand-in.ts';
import { startTestGateway } from '../testing/test-gateway.ts';

const STUDIO = 'https://studio.apollographql.com';
const SHOP = 'https://shop.example.com';
/** What Sandbox asks leave for, and a header that its user has added. */
const SANDBOX_HEADERS = 'authorization,content-type,x-trace';
const behaviours = { user: answer({ data: { me: null, signOut: true } }) };

type TestGateway = Awaited<ReturnType<typeof startTestGateway>>;
let development: TestGateway;
let production: TestGateway;
beforeAll(async () => {
  development = await startTestGateway(behaviours, { NODE_ENV: 'development' });
  production = await startTestGateway(behaviours, { NODE_ENV: 'production', RATE_LIMITS: 'on', CORS_ORIGINS: SHOP });
});
afterAll(async () => {
  await development.stop();
  await production.stop();
});

const json = { 'content-type': 'application/json' };
const longType = { 'content-type': `application/json;${' '.repeat(10_000)}x` };
const preflight = ({ url }: TestGateway, origin: string, names = 'content-type') => {
  const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': names };
  return fetch(`${url}/graphql`, { method: 'OPTIONS', headers });
};
const codesOf = async (response: Response) =>
  ((await response.json()) as { errors: { extensions: { code: string } }[] }).errors.map(
    ({ extensions }) => extensions.code,
  );

describe('A browser', () => {
  test.each([STUDIO, 'https://sandbox.embed.apollographql.com'])(
    'may run Apollo Sandbox from %s in development, without credentials',
    async (origin) => {
      const { status, headers } = await preflight(development, origin, SANDBOX_HEADERS);
      expect(status).toBe(204);
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('access-control-allow-methods')).toBe('GET, POST');
      expect(headers.get('access-control-allow-headers')).toBe(SANDBOX_HEADERS);
      expect(headers.get('access-control-allow-credentials')).toBeNull();

      const query = getIntrospectionQuery({
        descriptions: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
      });
      const answer = await fetch(`${development.url}/graphql`, {
        method: 'POST',
        headers: { ...json, origin },
        body: JSON.stringify({ operationName: 'IntrospectionQuery', query, variables: {} }),
      });
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
      const { data } = (await answer.json()) as { data: IntrospectionQuery };
      expect(buildClientSchema(data).getQueryType()?.getFields().events?.description).toContain('Events');
    },
  );

  test('may send only known headers in production, from an origin that is configured', async () => {
    const { headers } = await preflight(production, SHOP, SANDBOX_HEADERS);
    expect(headers.get('access-control-allow-origin')).toBe(SHOP);
    expect(headers.get('access-control-allow-headers')).toContain('authorization');
    expect(headers.get('access-control-allow-headers')).not.toContain('x-trace');
  });

  test('may not call from another origin in development', async () => {
    const { headers } = await preflight(development, 'https://evil.example');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test('may not call in production from an origin that is not configured', async () => {
    const { headers } = await preflight(production, STUDIO);
    expect(headers.get('access-control-allow-origin')).toBeNull();
    const post = await fetch(`${production.url}/graphql`, {
      method: 'POST',
      headers: { ...json, origin: STUDIO },
      body: '{"query":"{me{id}}"}',
    });
    expect(post.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('gets the landing page in development only', async () => {
    const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
    const page = await fetch(`${development.url}/graphql`, { headers });
    expect(page.headers.get('content-type')).toBe('text/html');
    expect(await page.text()).toContain('EmbeddedSandbox');
    expect(await codesOf(await fetch(`${production.url}/graphql`, { headers }))).toEqual(['BAD_REQUEST']);
  });

  test('gets the explorer in development only, with a policy that allows this gateway only', async () => {
    const page = await fetch(`${development.url}/graphiql`);
    expect(page.headers.get('content-type')).toMatch('text/html');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    const [script = ''] = /\/graphiql\/assets\/[^"]+\.js/.exec(await page.text()) ?? [];
    expect((await fetch(development.url + script)).status).toBe(200);
    for (const path of ['/', '/graphiql', script]) expect((await fetch(production.url + path)).status).toBe(404);
  });
});

describe('Requests', () => {
  test('A GET query is accepted only with a header that no HTML form can send', async () => {
    const url = `${development.url}/graphql?query=${encodeURIComponent('{me{id}}')}`;
    expect(await (await fetch(url, { headers: { 'apollo-require-preflight': 'yes' } })).json()).toEqual({
      data: { me: null },
    });
    expect(await codesOf(await fetch(url))).toEqual(['BAD_REQUEST']);
  });

  test('A GET mutation is refused', async () => {
    const url = `${development.url}/graphql?query=${encodeURIComponent('mutation{signOut(refreshToken:"x")}')}`;
    const response = await fetch(url, { headers: { 'apollo-require-preflight': 'yes' } });
    expect(response.status).toBe(405);
    expect(await codesOf(response)).toEqual(['BAD_REQUEST']);
  });

  test.each([
    ['an array of operations', json, '[{"query":"{me{id}}"}]', 400],
    ['plain text', { 'content-type': 'text/plain' }, '{"query":"{me{id}}"}', 400],
    ['a form', { 'content-type': 'multipart/form-data; boundary=x' }, '--x--', 415],
    ['broken JSON', json, '{"query":', 400],
    ['a persisted query with an unsupported version', json, '{"extensions":{"persistedQuery":{"version":2}}}', 400],
    [
      'a persisted query with a wrong hash',
      json,
      '{"query":"{me{id}}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}',
      400,
    ],
    ['a body of 300 KB', json, JSON.stringify({ query: `{me{id}}${' '.repeat(300 * 1_024)}` }), 413],
  ])('A body that is %s is refused', async (_what, headers, body, status) => {
    const response = await fetch(`${development.url}/graphql`, { method: 'POST', headers, body });
    expect(response.status).toBe(status);
    expect(await codesOf(response)).toEqual(['BAD_REQUEST']);
  });

  test('A malformed Host header does not cause an error', async () => {
    const options = { method: 'POST', headers: { ...json, host: 'a b' }, body: '{"query":"{me{id}}"}' };
    expect((await request(`${development.url}/graphql`, options)).statusCode).toBe(200);
  });

  test('A persisted query is requested once and found afterwards', async () => {
    const query = '{ me { id } }';
    const sha256Hash = createHash('sha256').update(query).digest('hex');
    const extensions = { persistedQuery: { version: 1, sha256Hash } };
    const send = (body: object) =>
      fetch(`${production.url}/graphql`, { method: 'POST', headers: json, body: JSON.stringify(body) });
    expect(await codesOf(await send({ extensions }))).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
    await send({ query, extensions });
    expect(await (await send({ extensions })).json()).toEqual({ data: { me: null } });
  });
});

describe('Every HTTP response', () => {
  const query = JSON.stringify({ query: '{ me { id } }' });
  test.each([
    ['an operation', '/graphql', { method: 'POST', headers: json, body: query }, 200],
    ['a refused operation', '/graphql', { method: 'POST', headers: json, body: '{"query":"{"}' }, 400],
    ['a body that is not JSON', '/graphql', { method: 'POST', headers: json, body: '{' }, 400],
    ['a body that is too large', '/graphql', { method: 'POST', headers: json, body: ' '.repeat(300_000) }, 413],
    ['an unknown content type', '/graphql', { method: 'POST', headers: { 'content-type': 'a/b' }, body: 'x' }, 415],
    ['a very long content type', '/graphql', { method: 'POST', headers: longType, body: query }, 415],
    ['a bad token', '/graphql', { method: 'POST', headers: { ...json, authorization: 'x' }, body: query }, 401],
    ['an unknown path', '/nothing', {}, 404],
    ['a malformed path', '/%zz', {}, 400],
    ['a request for metrics', '/metrics', {}, 200],
  ] as const)('to %s has the id of its request and forbids caching', async (_what, path, options, status) => {
    const headers = { ...('headers' in options && options.headers), 'x-request-id': 'mine-1' };
    const answered = await request(`${production.url}${path}`, { ...options, headers });
    await answered.body.dump();
    expect(answered.statusCode).toBe(status);
    expect(answered.headers).toMatchObject({ 'x-request-id': 'mine-1', 'cache-control': 'no-store' });
  });

  test('has a generated id when the client sent none or an invalid one', async () => {
    for (const headers of [{}, { 'x-request-id': 'a b' }, { 'x-request-id': 'a'.repeat(65) }]) {
      const answered = await fetch(`${production.url}/health`, { headers });
      expect(answered.headers.get('x-request-id')).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    }
  });
});

describe('The traceparent header', () => {
  const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const forwarded = async (traceparent: string) => {
    await production.ask('{ me { id } }', { headers: { traceparent } });
    return production.standIns.user.received.at(-1)?.headers.traceparent;
  };

  test('is forwarded to the subgraphs', async () => {
    expect(await forwarded(TRACE)).toBe(TRACE);
    expect(await forwarded(TRACE.replace(/^00/, '01'))).toMatch(/^01-/);
  });

  test.each([
    '',
    'x',
    TRACE.toUpperCase(),
    TRACE.slice(1),
    `${TRACE}-more`,
    TRACE.replace(/^00/, 'ff'),
    TRACE.replace(/4bf\w+/, '0'.repeat(32)),
    TRACE.replace(/00f\w+/, '0'.repeat(16)),
    `${TRACE}, ${TRACE}`,
  ])('is not forwarded when it is not valid in W3C Trace Context: %j', async (traceparent) => {
    expect(await forwarded(traceparent)).toBeUndefined();
  });
});

describe('A request from an address that is over its budget', () => {
  const POINTS = 12;
  const post = (url: string, body: string) => fetch(`${url}/graphql`, { method: 'POST', headers: json, body });

  test('is refused before its body is read, with the same error for every body', async () => {
    const gateway = await startTestGateway(behaviours, { RATE_LIMITS: 'on', RATE_LIMIT_ADDRESS: String(POINTS) });
    try {
      const right = JSON.stringify({ query: '{ me { id } }' });
      // The new document costs ten additional points.
      expect((await post(gateway.url, right)).status).toBe(200);
      await post(gateway.url, right);
      const bodies = [right, '{"query":', JSON.stringify({ query: '{ nothing }' }), ' '.repeat(300_000)];
      for (const body of bodies) {
        const refused = await post(gateway.url, body);
        expect(refused.status).toBe(429);
        expect(refused.headers.get('content-type')).toBe('application/json; charset=utf-8');
        expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(await refused.json()).toEqual({
          errors: [
            {
              message: 'Too many requests; try again later.',
              extensions: { code: 'RATE_LIMITED', retryAfter: Number(refused.headers.get('retry-after')) },
            },
          ],
        });
      }
      const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
      expect(metrics).toMatch(new RegExp(`rate_limited_total\\{budget="address"[^}]*\\} ${bodies.length}\n`));
      expect(metrics).toMatch(new RegExp(`gateway_refusals_total\\{reason="rate_limited"[^}]*\\} ${bodies.length}\n`));
    } finally {
      await gateway.stop();
    }
  });
});

describe('The schema', () => {
  const INTROSPECTION = '{ __schema { queryType { name } } }';

  test('can be introspected in development only', async () => {
    const { body } = await development.ask(INTROSPECTION);
    expect(body).toEqual({ data: { __schema: { queryType: { name: 'Query' } } } });
    const refused = await production.ask(INTROSPECTION);
    expect(refused.body.errors?.[0]?.extensions).toEqual({ code: 'GRAPHQL_VALIDATION_FAILED' });
  });

  test('refuses a subscription that it does not have as an error of the client', async () => {
    const { status, body } = await production.ask('subscription S { me }');
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      {
        message: 'Cannot query field "me" on type "Subscription".',
        locations: [{ line: 1, column: 18 }],
        extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
      },
    ]);
    expect(production.logs).not.toContainEqual(expect.objectContaining({ level: 'error' }));
  });

  test('is not revealed by suggestions of names, in fields or in variables', async () => {
    expect((await production.ask('{ mee { id } }')).text).not.toContain('Did you mean');
    const variables = { input: { refrehToken: 'x', name: 'x', emial: 'x', password: 'x' } };
    const { status, text, body } = await production.ask(
      'mutation($input: CreateUserInput!) { createUser(input: $input) { __typename } }',
      { variables },
    );
    expect(status).toBe(400);
    expect(body.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT' });
    expect(text).toContain('emial');
    expect(text).not.toContain('Did you mean');
  });

  test('reports only the first few mistakes of a document or of its variables', async () => {
    const fields = Array.from({ length: 90 }, (_, index) => `unknown${index}`);
    const { body } = await production.ask(`{ me { ${fields.join(' ')} } }`);
    expect(body.errors?.map(({ message }) => message)).toEqual([
      ...fields.slice(0, 5).map((field) => `Cannot query field "${field}" on type "User".`),
      'Too many validation errors, error limit reached. Validation aborted.',
    ]);
    const input = { name: 'x', email: 'x', password: 'x', ...Object.fromEntries(fields.map((field) => [field, 1])) };
    const answered = await production.ask(
      'mutation($input: CreateUserInput!) { createUser(input: $input) { __typename } }',
      { variables: { input } },
    );
    expect(answered.status).toBe(400);
    expect(answered.body.errors).toEqual(
      fields.slice(0, 5).map((field) => ({
        message: `Variable "$input" got invalid value; Field "${field}" is not defined by type "CreateUserInput".`,
        locations: [{ line: 1, column: 10 }],
        extensions: { code: 'BAD_USER_INPUT' },
      })),
    );
  });

  test('determines the types of variables; a subgraph gets only the declared ones', async () => {
    const query = 'query ($id: ID!, $first: Int = 3) { user(id: $id) { bookings(first: $first) { nodes { id } } } }';
    await production.ask('query ($id: ID!) { user(id: $id) { id } }', { variables: { id: 7, other: { deep: [1] } } });
    expect(production.standIns.user.received.at(-1)?.variables).toEqual({ id: '7' });
    await production.ask(query, { variables: { id: 'a' } });
    expect(production.standIns.user.received.at(-1)?.variables).toEqual({ id: 'a' });
  });
});
