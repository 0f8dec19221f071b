import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Pool } from 'undici';
import { afterEach, expect, test, vi } from 'vitest';
import { createBalancer } from '#tests/support/balancer.ts';
import {
  CONNECT_TIMEOUT_MS,
  CONNECTION_AGE_MS_MAX,
  createGraphQLClient,
  type GraphQLOperation,
  KEEP_ALIVE_MS,
} from './graphql-client.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const stop of stops.splice(0).reverse()) await stop();
});

/**
 * Starts a server that answers every operation with its own name. Like our servers, it keeps connections longer than
 * any client.
 */
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

/** After this, the connection of an answered request is idle. */
const nextTurn = () => new Promise(setImmediate);

test('A busy client reaches a new server behind its address once its connection is too old, not before', async () => {
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

test('The client closes an idle connection, even if the server would keep it longer', async () => {
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

/** Starts a server that answers all queries except `{ slow }`, but none while it hangs. It records the queries. */
async function startUnreliable() {
  const state = { hangs: false, queries: [] as string[], closed: 0 };
  const server = createServer(async (request, response) => {
    // Without an endpoint for batches each operation is a separate request.
    if (request.url !== '/graphql') return request.resume().on('end', () => response.writeHead(404).end());
    const { query } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    if (query !== '{__typename}') state.queries.push(query);
    response.on('close', () => {
      if (!response.writableFinished) state.closed += 1;
    });
    if (!state.hangs && query !== '{ slow }') response.end(JSON.stringify({ data: {} }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close().closeAllConnections());
  const client = createGraphQLClient({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    secret: 'of no importance',
  });
  stops.push(() => client.close());
  const ask = (query: string, rest: Partial<GraphQLOperation> = {}) =>
    client.request({ query, headers: {}, timeoutMs: 2_000, ...rest });
  return { state, ask };
}

const UNAVAILABLE = expect.objectContaining({ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 } });

test('A hanging server is detected within 3 s, and requests then fail at once until it answers again', {
  timeout: 15_000,
}, async () => {
  const { state, ask } = await startUnreliable();
  await ask('{ a }');
  state.hangs = true;
  const hungAtMs = performance.now();
  let isOver = false;
  const callers = Array.from({ length: 4 }, async () => {
    while (!isOver) await ask('{ a }').catch(() => new Promise((resolve) => setTimeout(resolve, 10)));
  });
  const askedMs = async () => {
    const startedAtMs = performance.now();
    await ask('{ a }').catch(() => undefined);
    return performance.now() - startedAtMs;
  };
  await vi.waitUntil(async () => (await askedMs()) < 100, { timeout: 5_000 });
  expect(performance.now() - hungAtMs).toBeLessThan(4_000);
  const sent = state.queries.length;
  await expect(ask('{ a }')).rejects.toEqual(UNAVAILABLE);
  expect(state.queries).toHaveLength(sent);

  state.hangs = false;
  const backAtMs = performance.now();
  await vi.waitFor(() => ask('{ a }'), { timeout: 5_000 });
  expect(performance.now() - backAtMs).toBeLessThan(3_000);
  isOver = true;
  await Promise.all(callers);
});

test('Slow queries do not open the breaker for other queries', async () => {
  const { ask } = await startUnreliable();
  const slow = Array.from({ length: 12 }, () => ask('{ slow }'));
  for (const { status } of await Promise.allSettled(slow)) expect(status).toBe('rejected');
  expect(await ask('{ a }')).toEqual({ data: {} });
});

test('Requests that their callers cancelled do not open the breaker', async () => {
  const { state, ask } = await startUnreliable();
  const cut = Array.from({ length: 15 }, () => ask('{ slow }', { deadlineMs: performance.now() + 50 }));
  for (const { status } of await Promise.allSettled(cut)) expect(status).toBe('rejected');
  const left = new AbortController();
  const leaving = Array.from({ length: 15 }, () => ask('{ slow }', { signal: left.signal }));
  await vi.waitUntil(() => state.queries.length === 30);
  left.abort();
  for (const { status } of await Promise.allSettled(leaving)) expect(status).toBe('rejected');
  await vi.waitUntil(() => state.closed === 30);
  expect(await ask('{ a }')).toEqual({ data: {} });
});

test('No request is sent for a caller that has disconnected or whose deadline has passed', async () => {
  const { state, ask } = await startUnreliable();
  await expect(ask('{ a }', { signal: AbortSignal.abort() })).rejects.toEqual(UNAVAILABLE);
  await expect(ask('{ a }', { deadlineMs: performance.now() })).rejects.toEqual(UNAVAILABLE);
  expect(state.queries).toEqual([]);
});

test.each([
  ['ECONNREFUSED', 2, 2],
  ['EHOSTUNREACH', 2, 2],
  ['ENOTFOUND', 2, 2],
  ['EAI_AGAIN', 2, 2],
  ['UND_ERR_CONNECT_TIMEOUT', 2, 2],
  ['ECONNRESET', 2, 1],
  ['UND_ERR_SOCKET', 2, 1],
  ['EPIPE', 2, 1],
  ['UND_ERR_RESPONSE_EXCEEDED_MAX_SIZE', 1, 1],
])('After %s there are %i attempts for a query and %i for a mutation', async (code, forQuery, forMutation) => {
  const { ask } = await startUnreliable();
  const request = vi.spyOn(Pool.prototype, 'request');
  stops.push(() => request.mockRestore());
  for (const [operation, attempts] of [
    ['{ a }', forQuery],
    ['mutation { a }', forMutation],
  ] as const) {
    request.mockClear().mockRejectedValueOnce(Object.assign(new Error(code), { code }));
    await ask(operation).catch(() => undefined);
    expect(request).toHaveBeenCalledTimes(attempts);
  }
});

test('A server that accepts no connections is given up after two connect time-outs', async () => {
  // The process is stopped before it accepts a connection. Its queue holds one, so further connections get no answer.
  const script = `
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      process.stdout.write(String(server.address().port));
      process.kill(process.pid, 'SIGSTOP');
    })`;
  const stopped = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  stops.push(() => stopped.kill('SIGKILL'));
  const [port] = await once(stopped.stdout, 'data');
  const waiting = Array.from({ length: 4 }, () => connect(Number(port), '127.0.0.1').on('error', () => undefined));
  stops.push(() => waiting.map((socket) => socket.destroy()));
  await once(waiting[0] as Socket, 'connect');
  const client = createGraphQLClient({ url: `http://127.0.0.1:${port}/graphql`, secret: 'of no importance' });
  stops.push(() => client.close());
  const startedAtMs = performance.now();
  const refusal = client.request({ query: 'mutation { a }', headers: {}, timeoutMs: 8_000 });
  await expect(refusal).rejects.toMatchObject({ originalError: { code: 'UND_ERR_CONNECT_TIMEOUT' } });
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(2 * CONNECT_TIMEOUT_MS - 50);
});
