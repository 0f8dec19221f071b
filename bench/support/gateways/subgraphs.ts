/**
 * The subgraphs behind the gateways of `npm run bench:gateway`, in one process. They compute each answer once and then
 * send it from memory, so that the benchmark measures the gateways and not their subgraphs.
 *
 * The environment sets the ports: USER_PORT, EVENT_PORT, BOOKING_PORT.
 */
import { createServer } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { graphql, parse } from 'graphql';
import { BATCH_PATH } from '#platform/clients/operation-batch.ts';
import { portVariable } from '#scripts/local/settings.ts';
import { booking, event, eventsAfter, GRAPH, type GraphName, SCHEMAS, seats, user } from './graph.ts';

const RESOLVERS = {
  user: {
    Query: { user: (_: unknown, { id }: { id: string }) => user(id) },
    User: { __resolveReference: ({ id }: { id: string }) => user(id) },
  },
  event: {
    Query: {
      event: (_: unknown, { id }: { id: string }) => event(id),
      events: (_: unknown, { first, after }: { first: number; after: number }) => eventsAfter(first, after),
    },
    Event: { __resolveReference: ({ id }: { id: string }) => event(id) },
  },
  booking: {
    Mutation: { createBooking: (_: unknown, { input }: { input: Parameters<typeof booking>[0] }) => booking(input) },
    Event: { __resolveReference: ({ id }: { id: string }) => ({ id, ...seats(id) }) },
  },
};
/** Far more than the number of different request bodies in one run. */
const ANSWERS_MAX = 100_000;

function serve(name: GraphName): void {
  const schema = buildSubgraphSchema([{ typeDefs: parse(SCHEMAS[name]), resolvers: RESOLVERS[name] }]);
  const answers = new Map<string, string>();
  async function answerTo(body: string): Promise<string> {
    const known = answers.get(body);
    if (known !== undefined) return known;
    const { query, variables, operationName } = JSON.parse(body);
    const result = await graphql({ schema, source: query, variableValues: variables, operationName });
    const text = JSON.stringify(result);
    if (answers.size < ANSWERS_MAX) answers.set(body, text);
    return text;
  }
  /** Answers the batches of our gateway as our subgraphs do. */
  async function answerBatch(body: string): Promise<string> {
    const operations: { id: number; headers: unknown }[] = JSON.parse(body);
    const lines = operations.map(
      async ({ id, headers: _, ...operation }) => `${id} ${await answerTo(JSON.stringify(operation))}\n`,
    );
    return (await Promise.all(lines)).join('');
  }

  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const isBatch = request.url?.endsWith(BATCH_PATH);
    const text = request.method !== 'POST' ? '{}' : await (isBatch ? answerBatch(body) : answerTo(body));
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    response.writeHead(200, headers).end(text);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(Number(process.env[portVariable(name)]), '127.0.0.1');
}

for (const name of GRAPH) serve(name);
