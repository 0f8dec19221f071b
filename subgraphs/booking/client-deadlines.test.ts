import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { runWithDeadline, TIME_LEFT_HEADER } from '#platform/clients/deadline.ts';
import { createGraphQLClient, type GraphQLClient } from '#platform/clients/graphql-client.ts';
import { createEventFactsClient } from './event-facts-client.ts';
import { createUsersClient } from './users-client.ts';

const LEFT_MS = 300;
/** What the clients may take anyway: far more than their caller has left. */
const TIMEOUT_MS = 4_000;
const ENDED_WITHIN_MS = 2_000;

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A subgraph that never answers. It keeps what each request says of the time left. */
async function startHanging() {
  const timesLeft: unknown[] = [];
  const server = createServer(({ headers }) => timesLeft.push(headers[TIME_LEFT_HEADER]));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const client = createGraphQLClient({ url: `http://127.0.0.1:${port}/graphql`, secret: 'of no importance' });
  stops.push(client.close);
  return { client, timesLeft };
}

test.each([
  ['event', (client: GraphQLClient) => createEventFactsClient(client, TIMEOUT_MS).fetch(['concert'])],
  ['user', (client: GraphQLClient) => createUsersClient(client, TIMEOUT_MS).exists('ada')],
])(
  'A call to the %s subgraph ends at the deadline of its caller, and tells the subgraph no more time',
  async (_name, call) => {
    const { client, timesLeft } = await startHanging();
    const startedAtMs = performance.now();
    await expect(runWithDeadline({ atMs: startedAtMs + LEFT_MS }, () => call(client))).rejects.toMatchObject({
      extensions: { code: 'SERVICE_UNAVAILABLE' },
    });
    expect(performance.now() - startedAtMs).toBeLessThan(ENDED_WITHIN_MS);
    expect(timesLeft).toEqual([expect.stringMatching(/^\d+$/)]);
    expect(Number(timesLeft[0])).toBeGreaterThan(0);
    expect(Number(timesLeft[0])).toBeLessThanOrEqual(LEFT_MS);
  },
);
