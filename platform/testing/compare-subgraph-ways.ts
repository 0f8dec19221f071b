import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { buildSubgraphSchema } from '@apollo/subgraph';
import type { FastifyInstance } from 'fastify';
import { parse } from 'graphql';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { Pool } from 'undici';
import { unauthenticated } from '../errors/errors.ts';
import { createApolloHandler } from '../graphql/apollo-handler.ts';
import { createErrorMask } from '../graphql/error-mask.ts';
import {
  apolloSettings,
  quietPlugins,
  type RequestContext,
  type SubgraphSchema,
  serveSubgraph,
} from '../graphql/graphql-server.ts';
import { operationFrom } from '../graphql/subgraph-operation.ts';
import { createHttpServer } from '../http/http-server.ts';
import { applyPolicy } from '../identity/apply-policy.ts';
import { type Authenticate, GATEWAY_PROOF_HEADER } from '../identity/identity.ts';
import { differenceBetween, type Observation } from './compare-answers.ts';

const PROOF = 'a-secret-of-the-gateway';
const OWN_HEADERS = new Set(['date', 'content-length', 'connection', 'keep-alive']);
/** A document is compiled after Apollo Server has answered it this often. */
const TIMES_BEFORE_COMPILATION = 2;
const BATCH_SIZE = 16;
const BODY_LIMIT_BYTES = 4 * 1_024 * 1_024;
/** Levels of pino. */
const [DEBUG, WARN] = [20, 40];

/** One request to a subgraph. Its body is JSON. */
export interface SubgraphRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A document in a request that teaches it, and further requests for it. */
export interface Scenario {
  readonly first: SubgraphRequest;
  readonly others: readonly SubgraphRequest[];
}

/** Creates the value of an Authorization header. The caller `none` has a token that is not accepted. */
export const authorizationOf = (userId: string, role = 'USER'): string => `${userId} ${role}`;

const authenticate: Authenticate = async (authorization) => {
  if (authorization === undefined) return null;
  const [userId = '', role] = authorization.split(' ');
  if (userId === 'none') throw unauthenticated();
  return { userId, role: role === 'ADMIN' ? 'ADMIN' : 'USER' };
};

/**
 * Sends each request to a subgraph as we serve it and to plain Apollo Server with the same schema, policy and
 * resolvers, alone and in batches. Returns the differences, and the number of answers with and without Apollo Server.
 */
export async function compareSubgraphWays<Context extends RequestContext>({
  graph,
  createContext,
  scenarios,
  apolloRequests,
}: {
  graph: SubgraphSchema<Context>;
  createContext: (request: RequestContext) => Context;
  scenarios: readonly Scenario[];
  /** Returns the number of requests that Apollo Server has received. */
  apolloRequests: () => number;
}) {
  const plain = await startServer((http, logger) => servePlainly(http, logger, graph, createContext));
  const ours = await startServer((http, logger) =>
    serveSubgraph<Context>({
      ...graph,
      http,
      authenticate,
      acceptedProofs: [PROOF],
      createContext,
      formatError: createErrorMask(logger),
    }),
  );
  const answered = { 'by Apollo Server': 0, 'without Apollo Server': 0 };
  const differences: object[] = [];
  let [compared, shadowed] = [0, 0];

  async function counting<Result>(operations: number, send: () => Promise<Result>): Promise<Result> {
    const before = apolloRequests();
    const result = await send();
    const byApollo = apolloRequests() - before;
    answered['by Apollo Server'] += byApollo;
    answered['without Apollo Server'] += operations - byApollo;
    return result;
  }

  function compare(way: string, request: SubgraphRequest, expected: Observation, actual: Observation): void {
    compared += 1;
    const difference = differenceBetween(expected, actual);
    if (difference === undefined) return;
    if (differenceBetween(expected, actual, { toleratesShadowed: true }) === undefined) shadowed += 1;
    else differences.push({ way, difference, request, expected, actual });
  }

  try {
    const pairs: { request: SubgraphRequest; expected: Observation }[] = [];
    for (const { first, others } of scenarios) {
      for (const request of [first, ...others]) pairs.push({ request, expected: await plain.observe(request) });
      const expected = (pairs.at(-1 - others.length) as (typeof pairs)[number]).expected;
      for (let time = 0; time < TIMES_BEFORE_COMPILATION; time += 1) {
        compare('learning', first, expected, await counting(1, () => ours.observe(first)));
      }
    }
    for (const { request, expected } of pairs) {
      compare('alone', request, expected, await counting(1, () => ours.observe(request)));
    }
    // Pairs that are far apart have different documents and callers.
    const batchable = pairs.filter(({ request: { body } }) => isRecord(body));
    const batches = Math.ceil(batchable.length / BATCH_SIZE);
    for (let start = 0; start < batches; start += 1) {
      const batch = batchable.filter((_, index) => index % batches === start);
      const answers = await counting(batch.length, () => ours.observeBatch(batch.map(({ request }) => request)));
      for (const [index, { request, expected }] of batch.entries()) {
        compare('in a batch', request, asInBatch(expected), answers[index] as Observation);
      }
    }
    return { differences, answered, compared, shadowed };
  } finally {
    await ours.stop();
    await plain.stop();
  }
}

/** Removes the locations of errors in fields. The compiled way does not know them, and no client of a subgraph reads them. */
function withoutLocations(text: string): string {
  if (!text.startsWith('{')) return text;
  const body = JSON.parse(text) as { errors?: { path?: unknown; locations?: unknown }[] };
  const errors = body.errors?.map(({ locations, ...error }) => (error.path ? error : { ...error, locations }));
  return JSON.stringify({ ...body, errors });
}

const isRecord = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** An answer in a batch has no headers of its own. */
const asInBatch = (observation: Observation): Observation => ({ ...observation, headers: {} });

type Logger = Parameters<typeof createErrorMask>[0];

/** Serves a graph by Apollo Server and graphql-js alone. */
async function servePlainly<Context extends RequestContext>(
  http: FastifyInstance,
  logger: Logger,
  graph: SubgraphSchema<Context>,
  createContext: (request: RequestContext) => Context,
): Promise<void> {
  const schema = buildSubgraphSchema([{ typeDefs: parse(graph.typeDefs), resolvers: graph.resolvers as never }]);
  applyPolicy(schema, graph.policy);
  const apollo = new ApolloServer<Context>({
    ...apolloSettings,
    schema,
    introspection: false,
    persistedQueries: false,
    plugins: [...quietPlugins<Context>(), ApolloServerPluginLandingPageDisabled()],
    formatError: createErrorMask(logger),
  });
  await apollo.start();
  const handler = createApolloHandler(apollo, async (request) => {
    const callerSignal = new AbortController().signal;
    const { authorization, requestId, clientAddress } = operationFrom(request.headers, {
      http: request,
      requestId: request.id,
      ip: request.ip,
      callerSignal,
    });
    return createContext({ caller: await authenticate(authorization), requestId, clientAddress });
  });
  http.post('/graphql', handler);
}

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly requestId?: string;
  readonly path?: unknown;
  readonly status?: number;
  readonly errorId?: string;
  readonly err?: { readonly message?: string };
}

/** Starts an HTTP server. Returns functions that observe its answers and the log lines of each. */
async function startServer(serve: (http: FastifyInstance, logger: Logger) => Promise<void>) {
  const lines: LogLine[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const http = createHttpServer({
    logger,
    metrics: new Registry(),
    lifecycle: { stopping: false, onStop: () => undefined },
    required: {},
    bodyLimitBytes: BODY_LIMIT_BYTES,
  });
  await serve(http, logger);
  const pool = new Pool(await http.listen({ host: '127.0.0.1', port: 0 }), { connections: 1 });

  async function post(path: string, headers: object, body: unknown) {
    const response = await pool.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', [GATEWAY_PROOF_HEADER]: PROOF, ...headers },
      body: JSON.stringify(body),
    });
    return { response, text: await response.body.text() };
  }

  /** Waits until every request is logged. Returns all new lines. */
  async function newLines(requests: number): Promise<LogLine[]> {
    while (lines.filter(({ msg }) => msg === 'request').length < requests) await new Promise(setImmediate);
    return lines.splice(0).filter(({ msg }) => !msg.startsWith('Server listening'));
  }

  return {
    async observe({ headers, body }: SubgraphRequest): Promise<Observation> {
      const { response, text } = await post('/graphql', headers, body);
      const given = Object.entries(response.headers).filter(([name]) => !OWN_HEADERS.has(name));
      const logs = (await newLines(1)).map(textOf).sort();
      const shown = Object.fromEntries(given.sort());
      return {
        status: response.statusCode,
        headers: shown,
        text: withoutLocations(text),
        received: [],
        logs,
        counted: {},
      };
    },
    async observeBatch(requests: readonly SubgraphRequest[]): Promise<Observation[]> {
      const batch = requests.map(({ headers, body }, id) => ({ ...(body as object), id, headers }));
      const { text } = await post('/graphql/batch', {}, batch);
      const answers = new Map(text.split('\n').map((line) => [Number.parseInt(line, 10), line.replace(/^\d+ /, '')]));
      const logged = await newLines(requests.length);
      return requests.map(({ headers }, id) => {
        const answer = withoutLocations(answers.get(id) ?? '');
        const requestId = headers['x-request-id'];
        const own = logged.filter((line) => line.requestId === requestId);
        const { status = 0 } = own.find(({ msg }) => msg === 'request') ?? {};
        return { status, headers: {}, text: answer, received: [], logs: own.map(textOf).sort(), counted: {} };
      });
    },
    async stop() {
      await pool.close();
      await http.close();
    },
  };
}

/** Messages that graphql-js and graphql-jit word differently. Clients do not see them. */
const LIBRARY_MESSAGES = [
  /^Cannot return null for non-nullable field .*$/,
  /^Expected Iterable, but .*$/,
  /^(?:Unexpected error value|Not an error): .*$/s,
  /^(?:Abstract type|Runtime Object type) .*$/s,
];

function textOf({ level, msg, path, status, err }: LogLine): string {
  const message = LIBRARY_MESSAGES.reduce(
    (text, pattern) => text?.replace(pattern, 'worded by a library'),
    err?.message,
  );
  // An outage is a warning only for the first request that notices it, see createErrorMask. The level of a request
  // depends on its answer, see logLevelOf. Plain Apollo Server does not know that.
  const comparable = msg === 'request' ? undefined : level === DEBUG ? WARN : level;
  return JSON.stringify([comparable, msg, path, status, message]);
}
