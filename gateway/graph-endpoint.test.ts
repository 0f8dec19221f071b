import { createHash } from 'node:crypto';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer } from './testing/stand-in.ts';
import { startTestGateway } from './testing/test-gateway.ts';

const STUDIO = 'https://studio.apollographql.com';
const behaviours = { user: answer({ data: { me: null, signOut: true } }) };

type TestGateway = Awaited<ReturnType<typeof startTestGateway>>;
let development: TestGateway;
let production: TestGateway;
beforeAll(async () => {
  development = await startTestGateway(behaviours, { NODE_ENV: 'development' });
  production = await startTestGateway(behaviours, { NODE_ENV: 'production', RATE_LIMITS: 'on' });
});
afterAll(async () => {
  await development.stop();
  await production.stop();
});

const json = { 'content-type': 'application/json' };
const preflight = ({ url }: TestGateway, origin: string) =>
  fetch(`${url}/graphql`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
const codesOf = async (response: Response) =>
  ((await response.json()) as { errors: { extensions: { code: string } }[] }).errors.map(
    ({ extensions }) => extensions.code,
  );

describe('Browsers', () => {
  test('Apollo Studio may call in development, without credentials', async () => {
    const { status, headers } = await preflight(development, STUDIO);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(STUDIO);
    expect(headers.get('access-control-allow-methods')).toBe('GET, POST');
    expect(headers.get('access-control-allow-headers')).toContain('authorization');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  test('Another origin may not call in development', async () => {
    const { headers } = await preflight(development, 'https://evil.example');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test('No origin may call in production unless it is configured', async () => {
    const { headers } = await preflight(production, STUDIO);
    expect(headers.get('access-control-allow-origin')).toBeNull();
    const post = await fetch(`${production.url}/graphql`, {
      method: 'POST',
      headers: { ...json, origin: STUDIO },
      body: '{"query":"{me{id}}"}',
    });
    expect(post.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('They see the landing page in development only', async () => {
    const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
    const page = await fetch(`${development.url}/graphql`, { headers });
    expect(page.headers.get('content-type')).toBe('text/html');
    expect(await page.text()).toContain('EmbeddedSandbox');
    expect(await codesOf(await fetch(`${production.url}/graphql`, { headers }))).toEqual(['BAD_REQUEST']);
  });

  test('They see the explorer in development only', async () => {
    const page = await fetch(`${development.url}/graphiql`);
    expect(page.headers.get('content-type')).toMatch('text/html');
    expect(await page.text()).toContain('YogaGraphiQL');
    expect((await fetch(`${production.url}/graphiql`)).status).toBe(404);
  });
});

describe('Requests', () => {
  test('A query may come by GET from a client that no form can imitate', async () => {
    const url = `${development.url}/graphql?query=${encodeURIComponent('{me{id}}')}`;
    expect(await (await fetch(url, { headers: { 'apollo-require-preflight': 'yes' } })).json()).toEqual({
      data: { me: null },
    });
    expect(await codesOf(await fetch(url))).toEqual(['BAD_REQUEST']);
  });

  test('A mutation by GET is refused', async () => {
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
    ['a persisted query of another version', json, '{"extensions":{"persistedQuery":{"version":2}}}', 400],
    [
      'a persisted query under a hash of another',
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

  test('A garbled Host header is no error of ours', async () => {
    const options = { method: 'POST', headers: { ...json, host: 'a b' }, body: '{"query":"{me{id}}"}' };
    expect((await request(`${development.url}/graphql`, options)).statusCode).toBe(200);
  });

  test('A persisted query is asked for once and found afterwards', async () => {
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

describe('The schema', () => {
  const INTROSPECTION = '{ __schema { queryType { name } } }';

  test('It can be introspected in development only', async () => {
    const { body } = await development.ask(INTROSPECTION);
    expect(body).toEqual({ data: { __schema: { queryType: { name: 'Query' } } } });
    const refused = await production.ask(INTROSPECTION);
    expect(refused.body.errors?.[0]?.extensions).toEqual({ code: 'GRAPHQL_VALIDATION_FAILED' });
  });

  test('Names of it are not suggested, in fields or in variables', async () => {
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
});
