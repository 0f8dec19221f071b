import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApolloServer } from '@apollo/server';
import { buildClientSchema, type GraphQLSchema, getIntrospectionQuery, type IntrospectionQuery, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { differenceBetween, type Observation } from '#platform/testing/compare-answers.ts';
import { createRandom } from '#platform/testing/random.ts';
import { compareWays, type Run } from '../testing/compare-ways.ts';
import { createToken } from '../testing/credentials.ts';
import { createRandomRequest, type RandomRequest } from '../testing/random-request.ts';
import { answer } from '../testing/stand-in.ts';
import { startTestGateway } from '../testing/test-gateway.ts';

/** Set it to the seed of a failed run to replay that run. */
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
/** The number of requests to compare. Each is sent four times. */
const RUNS = Number(process.env.DIFFERENTIAL_RUNS ?? 800);
const TIMEOUT_MS = 30_000 + RUNS * 100;

const apolloAsked = vi.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');
let folder: string;
let schema: GraphQLSchema;
let token: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'differential-'));
  token = await createToken();
  const gateway = await startTestGateway({}, { LIMITS: 'off', NODE_ENV: 'development' });
  const { body } = await gateway.ask(getIntrospectionQuery());
  schema = buildClientSchema(body.data as IntrospectionQuery);
  await gateway.stop();
}, TIMEOUT_MS);
afterAll(async () => {
  apolloAsked.mockRestore();
  await rm(folder, { recursive: true });
});

const requestsOf = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => createRandomRequest(schema, createRandom(seed, index), token));

const compare = (seed: number, requests: readonly RandomRequest[], env: NodeJS.ProcessEnv, alter?: Run['alter']) =>
  compareWays({ seed, requests, env, apolloRequests: () => apolloAsked.mock.calls.length, ...(alter && { alter }) });

/** Fails with the first difference in full and the command that replays it. */
function expectNone([first]: readonly object[]): void {
  if (first === undefined) return;
  const replay = `DIFFERENTIAL_SEED=${SEED} DIFFERENTIAL_RUNS=${RUNS}`;
  expect.fail(`Two answers to the same request differ. Replay: ${replay}\n${JSON.stringify(first, null, 2)}`);
}

const SHOP = { CORS_ORIGINS: 'https://shop.example.com' };
const TIGHT_LIMITS = {
  ...SHOP,
  QUERY_COST_MAX: '60',
  QUERY_DEPTH_MAX: '4',
  QUERY_ALIASES_MAX: '2',
  VARIABLES_MAX: '2',
};

describe('Each way to execute an operation gives the same answer', () => {
  test(
    'Without limits',
    async () => {
      const count = Math.ceil(RUNS * 0.6);
      const { ways, differences } = await compare(SEED, requestsOf(SEED, count), { ...SHOP, LIMITS: 'off' });
      expectNone(differences);
      expect(ways.package).toBeGreaterThan(count * 0.5);
      expect(ways['ours, after Apollo Server']).toBeGreaterThan(count * 0.5);
      expect(ways['ours, without Apollo Server']).toBeGreaterThan(count * 0.5);
    },
    TIMEOUT_MS,
  );

  test(
    'With limits that refuse many operations',
    async () => {
      const seed = SEED + 1_000_000;
      const count = Math.ceil(RUNS * 0.2);
      const { ways, differences, refusals } = await compare(seed, requestsOf(seed, count), TIGHT_LIMITS);
      expectNone(differences);
      expect(ways['ours, without Apollo Server']).toBeGreaterThan(count * 0.3);
      for (const reason of ['cost', 'depth', 'variables']) expect(refusals).toHaveProperty(reason);
    },
    TIMEOUT_MS,
  );

  test.each(['log', 'enforce'])(
    'With trusted documents in the mode %s',
    async (mode) => {
      const seed = SEED + (mode === 'log' ? 2_000_000 : 3_000_000);
      const count = Math.ceil(RUNS * 0.1);
      const requests = requestsOf(seed, count);
      const env = {
        ...SHOP,
        LIMITS: 'off',
        TRUSTED_DOCUMENTS: mode,
        TRUSTED_DOCUMENTS_PATH: await writeManifest(requests),
      };
      const { ways, differences, refusals } = await compare(seed, requests, env);
      expectNone(differences);
      expect(ways['ours, after Apollo Server']).toBeGreaterThan(0);
      // In the mode `log` every operation has to pass the plugin that logs it.
      const isKnownUsed = (ways['ours, without Apollo Server'] ?? 0) > 0;
      expect(isKnownUsed).toBe(mode === 'enforce');
      expect('untrusted_document' in refusals).toBe(mode === 'enforce');
    },
    TIMEOUT_MS,
  );
});

/** Writes a manifest with about half of the documents. Returns its path. */
async function writeManifest(requests: readonly RandomRequest[]): Promise<string> {
  const texts = requests.map(({ query }) => query).filter((query, index) => index % 2 === 0 && isParsed(query));
  const manifest = Object.fromEntries(
    texts.map((text) => [`sha256:${createHash('sha256').update(text).digest('hex')}`, text]),
  );
  const path = join(folder, 'manifest.json');
  await writeFile(path, JSON.stringify(manifest));
  return path;
}

function isParsed(query: string): boolean {
  try {
    parse(query);
    return true;
  } catch {
    return false;
  }
}

describe('The comparison', () => {
  const observation: Observation = {
    status: 200,
    headers: { 'content-type': 'application/json' },
    text: JSON.stringify({
      errors: [
        { message: 'one', path: ['a', 0, 'b'], extensions: { errorId: '1' } },
        { message: 'two', path: ['c'] },
      ],
      data: { a: [{ b: null }], c: null },
    }),
    received: ['{ a }'],
    logs: ['warn no answer'],
    counted: { cost: 1 },
  };
  const body = JSON.parse(observation.text);
  const withErrors = (...errors: object[]) => ({ ...observation, text: JSON.stringify({ ...body, errors }) });

  test('Errors in another order, with other ids, make no difference', () => {
    const [one, two] = body.errors;
    const other = withErrors(two, { ...one, extensions: { errorId: '2' } });
    expect(differenceBetween(observation, other)).toBeUndefined();
  });

  test.each<[string, Partial<Observation>]>([
    ['status', { status: 400 }],
    ['headers', { headers: {} }],
    ['body', { text: JSON.stringify({ ...body, data: { a: [{ b: 1 }], c: null } }) }],
    ['errors', withErrors(body.errors[0], { message: 'three', path: ['c'] })],
    ['errors', withErrors(body.errors[0], { message: 'two', path: ['d'] })],
    ['body', withErrors(body.errors[0])],
    ['received', { received: ['{ a }', '{ a }'] }],
    ['logs', { logs: [] }],
    ['counted', { counted: { cost: 2 } }],
  ])('Another %s makes a difference', (difference, changed) => {
    const altered = { ...observation, ...changed };
    expect(differenceBetween(observation, altered)).toBe(difference);
    expect(differenceBetween(observation, altered, { toleratesPaths: true })).toBe(difference);
  });

  test('Errors may be at another item of a list only when a key is missing', () => {
    const other = withErrors({ ...body.errors[0], path: ['a', 1, 'b'] }, body.errors[1]);
    expect(differenceBetween(observation, other)).toBe('errors');
    expect(differenceBetween(observation, other, { toleratesPaths: true })).toBeUndefined();
  });

  test(
    'It finds subgraphs that answer differently the second time',
    async () => {
      const alter: Run['alter'] = (behave) => (request, response) => {
        const isAltered = Number(String(request.headers['x-request-id']).replace('request-', '')) % 2 === 1;
        return isAltered ? answer({ data: {} })(request, response) : behave(request, response);
      };
      const { differences } = await compare(SEED, requestsOf(SEED, 20), { ...SHOP, LIMITS: 'off' }, alter);
      expect(differences).not.toEqual([]);
    },
    TIMEOUT_MS,
  );
});
