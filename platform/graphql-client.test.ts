import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { createBalancer } from '#tests/support/balancer.ts';
import { CONNECTION_AGE_MS_MAX, createGraphQLClient, KEEP_ALIVE_MS } from './graphql-client.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Answers every operation with its own name; keeps connections for longer than any client, as our servers do. */
async function startServer(name: string): Promise<{ server: Server; url: string }> {
  const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
    request.resume().on('end', () => response.end(JSON.stringify({ data: { name } })));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close().closeAllConnections());
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function createClient(url: string) {
  const client = createGraphQLClient({ url: `${url}/graphql`, secret: 'of no importance' });
  stops.push(() => client.close());
  return async () => {
    const { data } = await client.request({ query: '{ name }', headers: {}, timeoutMs: 2_000 });
    await nextTurn();
    return data?.name;
  };
}

/** By then the connection of an answered request is idle. */
const nextTurn = () => new Promise(setImmediate);

test('A busy client finds a server that joined behind the address within the age of a connection, not before', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const [old, young] = [await startServer('old'), await startServer('young')];
  const balancer = await createBalancer();
  stops.push(balancer.close);
  balancer.setTargets(old.url);
  const ask = createClient(balancer.url);
  expect(await ask()).toBe('old');

  balancer.setTargets(young.url);
  vi.advanceTimersByTime(CONNECTION_AGE_MS_MAX);
  expect(await ask()).toBe('old');
  vi.advanceTimersByTime(1);
  expect(await ask()).toBe('young');
});

test('An idle connection is closed by the client, however long the server would keep it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { server, url } = await startServer('any');
  const closed = vi.fn();
  server.on('connection', (socket) => socket.on('close', closed));
  expect(await createClient(url)()).toBe('any');

  vi.advanceTimersByTime(KEEP_ALIVE_MS - 1);
  await nextTurn();
  expect(closed).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  await vi.waitUntil(() => closed.mock.calls.length > 0);
});
