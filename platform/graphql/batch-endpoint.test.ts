import { once } from 'node:events';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createGraphQLClient, type GraphQLOperation } from '../clients/graphql-client.ts';
import { createHttpServer } from '../http/http-server.ts';
import { GATEWAY_PROOF_HEADER } from '../identity/identity.ts';
import { serveSubgraph } from './graphql-server.ts';

const PROOF = 'a-secret-of-the-gateway';
const TYPES = `
  type Query { own: String, slow: String, wait: String, fail: String, echo(text: String!): String }
  type Mutation { count: Int }`;

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Starts a subgraph, and a client of it. */
async function start() {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const lifecycle = { stopping: false, onStop: () => undefined };
  const http = createHttpServer({
    logger,
    metrics: new Registry(),
    lifecycle,
    required: {},
    bodyLimitBytes: 1_000_000,
  });
  const { promise: release, resolve: open } = Promise.withResolvers<string>();
  const requests: string[] = [];
  let counted = 0;
  http.addHook('onRequest', async ({ url }) => void requests.push(url));
  await serveSubgraph({
    http,
    typeDefs: TYPES,
    resolvers: {
      Query: {
        own: (
          _root: unknown,
          _args: unknown,
          { requestId, clientAddress }: { requestId: string; clientAddress: string },
        ) => `${requestId} from ${clientAddress}`,
        slow: () => release,
        wait: () => new Promise(() => undefined),
        fail: () => {
          throw new Error('secret');
        },
        echo: (_root: unknown, { text }: { text: string }) => text,
      },
      Mutation: { count: () => ++counted },
    },
    policy: {
      Query: Object.fromEntries(['own', 'slow', 'wait', 'fail', 'echo'].map((name) => [name, () => true])),
      Mutation: { count: () => true },
      types: {},
    },
    authenticate: async (authorization) => (authorization ? { userId: authorization, role: 'USER' } : null),
    acceptedProofs: [PROOF],
    createContext: (request) => request,
    formatError: ({ extensions, path }) => ({
      message: 'failed',
      ...(path && { path }),
      extensions: { ...extensions },
    }),
  });
  const url = await http.listen({ host: '127.0.0.1', port: 0 });
  const client = createGraphQLClient({ url: `${url}/graphql`, secret: PROOF });
  stops.push(
    () => http.close(),
    () => client.close(),
  );
  const ask = (query: string, rest: Partial<GraphQLOperation> = {}) =>
    client.request({ query, headers: {}, timeoutMs: 2_000, ...rest });
  return { ask, open, requests, lines, url, counted: () => counted };
}

describe('operations that are sent to a subgraph in the same moment', () => {
  it('travel in one request, each with its own headers, and each is logged with its request id', async () => {
    const { ask, requests, lines } = await start();
    const answers = await Promise.all(
      [1, 2, 3].map((number) =>
        ask('{ own }', { headers: { 'x-request-id': `r-${number}`, 'x-client-address': `10.0.0.${number}` } }),
      ),
    );
    expect(answers.map(({ data }) => data?.own)).toEqual([
      'r-1 from 10.0.0.1',
      'r-2 from 10.0.0.2',
      'r-3 from 10.0.0.3',
    ]);
    expect(requests).toEqual(['/graphql/batch']);
    const logged = lines.filter(({ msg }) => msg === 'request').map(({ requestId, path }) => ({ requestId, path }));
    expect(logged).toEqual(['r-1', 'r-2', 'r-3'].map((requestId) => ({ requestId, path: '/graphql' })));
  });

  it('are logged for debugging only if they are queries that succeed, in a batch and alone', async () => {
    const { ask, lines, url } = await start();
    const operations = ['{ own }', '{ fail }', '{ unknown }', 'mutation { count }'];
    const levels = () => lines.splice(0).flatMap(({ msg, level }) => (msg === 'request' ? [level] : []));
    const [debug, info] = [20, 30];
    for (let time = 0; time < 3; time += 1) {
      for (const query of operations) await ask(query);
      expect(levels()).toEqual([debug, info, info, info]);
      for (const query of operations) {
        await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', [GATEWAY_PROOF_HEADER]: PROOF },
          body: JSON.stringify({ query }),
        });
      }
      await vi.waitFor(() => expect(lines.filter(({ msg }) => msg === 'request')).toHaveLength(operations.length));
      expect(levels()).toEqual([debug, info, info, info]);
    }
  });

  it('have the same answers the first time, the second time and after compilation', async () => {
    const { ask } = await start();
    for (let time = 0; time < 4; time += 1) {
      const text = `text ${time}`;
      const answers = await Promise.all([
        ask('query ($text: String!) { echo(text: $text) }', { variables: { text } }),
        ask('{ fail }'),
        ask('query ($text: String!) { echo(text: $text) }', { variables: {} }),
        ask('{ unknown }'),
      ]);
      expect(answers).toEqual([
        { data: { echo: text } },
        { data: { fail: null }, errors: [expect.objectContaining({ path: ['fail'] })] },
        { errors: [expect.objectContaining({ message: 'failed' })] },
        { errors: [expect.objectContaining({ message: 'failed' })] },
      ]);
    }
  });

  it('are answered as soon as each is ready, and a slow one does not delay the others', async () => {
    const { ask, open, requests } = await start();
    const slow = ask('{ slow }');
    expect((await ask('query ($text: String!) { echo(text: $text) }', { variables: { text: 'fast' } })).data).toEqual({
      echo: 'fast',
    });
    expect(requests).toEqual(['/graphql/batch']);
    open('at last');
    expect((await slow).data).toEqual({ slow: 'at last' });
  });

  it('end at their own time limits', async () => {
    const { ask, open } = await start();
    const late = ask('{ wait }', { timeoutMs: 1_000 });
    const slow = ask('{ slow }');
    expect(await late).toMatchObject({ errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] });
    open('in time');
    expect((await slow).data).toEqual({ slow: 'in time' });
  });

  it('end when their callers disconnect, and the request ends with the last of them', async () => {
    const { ask } = await start();
    const callers = [new AbortController(), new AbortController()];
    const settled = Promise.allSettled(callers.map(({ signal }) => ask('{ wait }', { signal })));
    for (const caller of callers) {
      await new Promise(setImmediate);
      caller.abort();
    }
    for (const { status } of await settled) expect(status).toBe('rejected');
  });

  it('execute each mutation once', async () => {
    const { ask, counted } = await start();
    await Promise.all(Array.from({ length: 100 }, () => ask('mutation { count }')));
    await Promise.all(Array.from({ length: 100 }, () => ask('mutation { count }')));
    expect(counted()).toBe(200);
  });

  it('are refused without the proof of the gateway, and when the body is not a batch', async () => {
    const { url } = await start();
    const post = (body: unknown, headers = {}) =>
      fetch(`${url}/graphql/batch`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
    expect((await post([])).status).toBe(403);
    const proof = { [GATEWAY_PROOF_HEADER]: PROOF };
    for (const body of [{}, [1], [{ id: 'x', headers: {} }], [{ id: 1, headers: { authorization: 1 } }]]) {
      expect((await post(body, proof)).status).toBe(400);
    }
    expect(await (await post([], proof)).text()).toBe('');
  });
});

it('a query of a batch is sent again when the connection breaks before its answer, a mutation is not', async () => {
  const { createServer } = await import('node:http');
  const received: string[] = [];
  const server = createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
    received.push(request.url ?? '');
    if (request.url === '/graphql') return response.end(JSON.stringify({ data: { it: body.query } }));
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write('0 {"data":{"it":"first"}}\n', () => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close().closeAllConnections());
  const { port } = server.address() as { port: number };
  const client = createGraphQLClient({ url: `http://127.0.0.1:${port}/graphql`, secret: PROOF });
  stops.push(() => client.close());
  const ask = (query: string) => client.request({ query, headers: {}, timeoutMs: 2_000 });
  const [first, second, mutation] = await Promise.allSettled([ask('{ a }'), ask('{ b }'), ask('mutation { c }')]);
  expect(first).toMatchObject({ value: { data: { it: 'first' } } });
  expect(second).toMatchObject({ value: { data: { it: '{ b }' } } });
  expect(mutation).toMatchObject({ reason: { extensions: { code: 'SERVICE_UNAVAILABLE' } } });
  await vi.waitFor(() => expect(received).toEqual(['/graphql/batch', '/graphql']));
});
