import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApolloServer } from '@apollo/server';
import { buildClientSchema, type GraphQLSchema, getIntrospectionQuery, type IntrospectionQuery, parse } from 'graphql';
import { Pool } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { differenceBetween, type Observation } from '../testing/compare-answers.ts';
import { createToken, SUBGRAPHS } from '../testing/credentials.ts';
import { createRandom } from '../testing/random.ts';
import { createRandomRequest, type RandomRequest } from '../testing/random-request.ts';
import { createRandomSubgraph, type Fault } from '../testing/random-subgraph.ts';
import { startTestGateway } from '../testing/test-gateway.ts';

const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const RUNS = Number(process.env.DIFFERENTIAL_RUNS ?? 1_500);
const TIMEOUT_MS = 10_000 + RUNS * 100;
const TIMES = 4;
/** Headers that differ from one request to the next. */
const OWN_HEADERS = ['date', 'x-request-id', 'content-length', 'x-time-left-ms', 'host', 'connection', 'keep-alive'];
/** Faults after which the gateway may be unable to ask for an entity. */
const KEY_FAULTS: ReadonlySet<Fault> = new Set<Fault>([
  'missing key',
  'missing id',
  'missing __typename',
  'wrong __typename',
  'wrong value',
  'one in a list',
  'other length',
]);
/** Who executes an operation: nobody when it is refused. */
type Way = 'package' | 'ours, after Apollo Server' | 'ours, without Apollo Server' | 'nobody';

type TestGateway = Awaited<ReturnType<typeof startTestGateway>>;

const apolloAsked = vi.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');
let schema: GraphQLSchema;
let token: string;
beforeAll(async () => {
  token = await createToken();
  const gateway = await startTestGateway({}, { LIMITS: 'off', NODE_ENV: 'development' });
  const { body } = await gateway.ask(getIntrospectionQuery());
  schema = buildClientSchema(body.data as IntrospectionQuery);
  await gateway.stop();
});
afterAll(() => apolloAsked.mockRestore());

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const requestsOf = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => createRandomRequest(schema, createRandom(seed, index), token));

/** A gateway over random subgraphs, and a client that tells all that can be observed of a request. */
async function start(seed: number, env: NodeJS.ProcessEnv) {
  const faults = new Map<string, Set<Fault>>();
  const onFault = (requestId: string, fault: Fault) =>
    void faults.set(requestId, (faults.get(requestId) ?? new Set()).add(fault));
  const subgraphs = SUBGRAPHS.map(
    (name) => [name, createRandomSubgraph({ name, seed, faultChance: 0.25, onFault })] as const,
  );
  const gateway = await startTestGateway(Object.fromEntries(subgraphs), env);
  const pool = new Pool(gateway.url, { connections: 1 });
  stops.push(gateway.stop, () => pool.close());
  let sent = 0;

  const counters = async () => ({
    ...(await gateway.counted('gateway_refusals_total')),
    emptied: (await gateway.counted('gateway_emptied_fields_total'))[''] ?? 0,
  });

  async function observe({ method, path, headers, body }: RandomRequest) {
    const requestId = `request-${sent++}`;
    const [before, executedBefore] = [await counters(), await gateway.counted('gateway_executions_total')];
    const askedBefore = apolloAsked.mock.calls.length;
    const logsBefore = gateway.logs.length;
    const response = await pool.request({
      method,
      path,
      headers: { ...headers, 'x-request-id': requestId },
      body: body ?? null,
    });
    const text = await response.body.text();
    await vi.waitFor(() => expect(isLogged(gateway, requestId, logsBefore)).toBe(true), { interval: 1 });
    const executed = grown(executedBefore, await gateway.counted('gateway_executions_total'));
    const observation: Observation = {
      status: response.statusCode,
      headers: withoutOwn(response.headers),
      text,
      received: [],
      logs: gateway.logs
        .slice(logsBefore)
        .filter((line) => line.requestId === undefined || line.requestId === requestId)
        .map(({ level, msg }) => `${level} ${msg}`)
        .sort(),
      counted: grown(before, await counters()),
    };
    return { requestId, observation, way: wayOf(executed, apolloAsked.mock.calls.length > askedBefore) };
  }

  /** Adds what the subgraphs received, once all requests are answered. */
  function withReceived({ requestId, observation }: Awaited<ReturnType<typeof observe>>): Observation {
    const received = SUBGRAPHS.flatMap((name) =>
      (gateway.standIns[name].received ?? [])
        .filter(({ headers }) => headers['x-request-id'] === requestId)
        .map(({ headers, ...fetch }) => JSON.stringify({ name, ...fetch, headers: withoutOwn(headers) })),
    );
    return { ...observation, received: received.sort() };
  }

  return { gateway, observe, withReceived, faults };
}

const isLogged = ({ logs }: TestGateway, requestId: string, from: number) =>
  logs.slice(from).some((line) => line.msg === 'request' && line.requestId === requestId);

const withoutOwn = (headers: object) =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !OWN_HEADERS.includes(name))
      .sort(),
  );

const grown = (before: Record<string, number>, after: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(after)
      .map(([name, value]) => [name, value - (before[name] ?? 0)] as const)
      .filter(([, growth]) => growth !== 0),
  );

function wayOf(executed: Record<string, number>, wasApolloAsked: boolean): Way {
  if (executed.library) return 'package';
  if (executed.own) return wasApolloAsked ? 'ours, after Apollo Server' : 'ours, without Apollo Server';
  return 'nobody';
}

/** Sends each request several times and compares. Tells how often each way was taken, and how often paths differed. */
async function compareAll(seed: number, requests: readonly RandomRequest[], env: NodeJS.ProcessEnv) {
  const { observe, withReceived, faults } = await start(seed, env);
  const ways: Record<Way, number> = {
    package: 0,
    'ours, after Apollo Server': 0,
    'ours, without Apollo Server': 0,
    nobody: 0,
  };
  const answers: Awaited<ReturnType<typeof observe>>[][] = [];
  const startedAt = Date.now();
  for (const request of requests) {
    if (request.prelude) await observe(request.prelude);
    const same: (typeof answers)[number] = [];
    for (let time = 0; time < TIMES; time += 1) same.push(await observe(request));
    answers.push(same);
  }
  let tolerated = 0;
  const differences: object[] = [];
  for (const [index, [first, ...later]] of answers.entries()) {
    if (first === undefined) continue;
    const expected = withReceived(first);
    const toleratesPaths = [...(faults.get(first.requestId) ?? [])].some((fault) => KEY_FAULTS.has(fault));
    ways[first.way] += 1;
    for (const answered of later) {
      ways[answered.way] += 1;
      const actual = withReceived(answered);
      const difference = differenceBetween(expected, actual);
      if (difference === undefined) continue;
      if (differenceBetween(expected, actual, { toleratesPaths }) === undefined) tolerated += 1;
      else
        differences.push({
          seed,
          index,
          difference,
          ways: [first.way, answered.way],
          faults: [...(faults.get(first.requestId) ?? [])],
          request: requests[index],
          expected,
          actual,
        });
    }
  }
  return { ways, differences, tolerated };
}

const WITHOUT_LIMITS = { LIMITS: 'off', CORS_ORIGINS: 'https://shop.example.com' };

describe('Each way to execute an operation gives the same answer', () => {
  test(
    'Without limits',
    async () => {
      const { ways, differences, tolerated } = await compareAll(SEED, requestsOf(SEED, RUNS), WITHOUT_LIMITS);
      if (process.env.DEBUG_OUT) {
        await writeFile(process.env.DEBUG_OUT, JSON.stringify({ ways, tolerated, differences }, null, 1));
      }
      console.log(JSON.stringify(ways), tolerated, differences.length);
      expect(differences.slice(0, 1)).toEqual([]);
      expect(ways.package).toBeGreaterThan(RUNS / 2);
      expect(ways['ours, after Apollo Server']).toBeGreaterThan(RUNS / 2);
      expect(ways['ours, without Apollo Server']).toBeGreaterThan(RUNS / 2);
    },
    TIMEOUT_MS,
  );
});
